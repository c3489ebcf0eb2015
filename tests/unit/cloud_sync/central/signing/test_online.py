"""The centre keeps the timestamp fresh by itself, and says once when it cannot."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from cloud_sync.central.signing import online
from cloud_sync.central.signing.settings import PublishingSettings
from tests.peers import wait_until
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE, Group
from tests.unit.cloud_sync.central.signing.test_publishing import refusal


@pytest.fixture
def settings(group: Group, tmp_path: Path) -> PublishingSettings:
    (tmp_path / "credential").write_text(PASSPHRASE + "\n", "utf-8")
    return PublishingSettings(
        repository=group.folder, keys=group.ring.folder, online_key="centre-online",
        online_passphrase=tmp_path / "credential",
    )  # fmt: skip


def test_an_old_timestamp_is_signed_anew_without_anybody(group: Group, settings: PublishingSettings) -> None:
    """The group's clock stands years ahead of or behind this machine's; the keeper goes by the machine's."""
    group.clock.now = 0
    store = group.repository.store
    stale = store.timestamp()
    stale.signed.unrecognized_fields["issued"] = 1
    stale.sign(group.online.instrument)
    store.put_timestamp(stale.to_bytes())
    stop = threading.Event()
    thread = online.start(settings, stop)
    wait_until(lambda: store.timestamp().signed.version == stale.signed.version + 1, "it is signed anew")
    stop.set()
    thread.join(60)
    assert not thread.is_alive()


def test_what_is_wrong_is_said_once_and_found_mended(group: Group, settings: PublishingSettings) -> None:
    credential = settings.online_passphrase
    assert credential is not None
    credential.unlink()
    assert refusal(lambda: online.open_online(settings)) == "keys.online_closed"
    store = group.repository.store
    stale = store.timestamp()
    stale.signed.unrecognized_fields["issued"] = 1
    store.put_timestamp(stale.to_bytes())
    stop = threading.Event()
    structlog.reset_defaults()
    with capture_logs() as said:
        thread = threading.Thread(target=online.keep_fresh, args=(settings, stop, 0.02))
        thread.start()
        wait_until(lambda: bool(said), "it is said")
        credential.write_text(PASSPHRASE, "utf-8")
        wait_until(lambda: len(said) == 2, "it is mended")
        stop.set()
        thread.join(60)
    assert [(one["event"], one.get("code")) for one in said] == [
        ("repository.not_signed", "keys.online_closed"), ("repository.signed", None),
    ]  # fmt: skip


def test_a_centre_without_a_repository_is_silent(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    with capture_logs() as said:
        online.keep_fresh(PublishingSettings(repository=tmp_path / "none", keys=tmp_path), stop)
    assert said == []
