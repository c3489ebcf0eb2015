"""The box's side without a network: folder, settings, command, doctor, type plate."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture.errors import Misuse, QcError
from cloud_sync.wire.enrolment import Grant
from edge.check import Check
from edge.cli import build
from edge.enrol import plate
from edge.enrol.check import certificate, due, late, trouble
from edge.enrol.enrolling import enrol
from edge.enrol.folder import Folder
from edge.enrol.given import enrolled
from edge.settings import Settings
from edge.settings_file import load
from tests.enrolled_site import PLATE, EnrolledSite

DAY_MS = 86_400_000


def grant(number: int = 1, begins: int = 0) -> Grant:
    return Grant(
        box="b-1", certificate=f"certificate {number}", authorities="authorities", not_before=begins,
        not_after=begins + 91 * DAY_MS, broker_host="mqtt.example", broker_port=8883,
        enrolment="https://qc.example:8443", root="{}",
    )  # fmt: skip


def number(folder: Folder, name: str) -> str | None:
    papers = folder.papers(name)
    return papers.grant.certificate if papers else None


class Failing:
    """Counts steps on the disk, and fails at one."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0

    def around(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object) -> object:
            self.steps += 1
            if self.steps == self.at:
                raise OSError("power")
            return real(*given)

        return call


def test_a_generation_is_there_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Power goes at every rename and every link, until none is left to go at."""
    folder = Folder(tmp_path)
    folder.key("a")
    folder.keep("a", grant(1), "current")
    tried = 0
    while number(folder, "next") is None:
        tried += 1
        failing = Failing(tried)
        with monkeypatch.context() as patched, suppress(OSError):
            for name in ("rename", "replace", "symlink_to"):
                patched.setattr(Path, name, failing.around(getattr(Path, name)))
            folder.key("b")
            folder.keep("b", grant(2), "next")
        assert number(folder, "current") == "certificate 1"
    assert tried > 8, "key, link, four files, folder, name"
    folder.promote()
    folder.sweep()
    assert number(folder, "current") == "certificate 2" and number(folder, "next") is None
    assert len(list(tmp_path.glob("g-*"))) == len(list((tmp_path / "keys").iterdir())) == 1
    assert not list(tmp_path.glob(".g-*"))


def test_two_programs_do_not_change_it_at_once(tmp_path: Path) -> None:
    with Folder(tmp_path).held(), pytest.raises(QcError, match=r"enrol\.busy"), Folder(tmp_path).held():
        pass


def test_papers_that_cannot_be_read_are_said(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    (tmp_path / "current" / "grant.json").write_text("{")
    with pytest.raises(Misuse, match=r"enrol\.folder"):
        Folder(tmp_path).papers("current")
    with pytest.raises(Misuse, match=r"enrol\.folder"):
        enrolled(tmp_path)  # and not: go on under the name "box"


def test_renewal_is_due_in_the_last_third_and_not_for_all_at_once() -> None:
    whens = {due(grant(one)) / DAY_MS for one in range(50)}
    assert 91 * (2 / 3 - 0.05) <= min(whens) < max(whens) <= 91 * 2 / 3 and len(whens) == 50
    assert not late(grant(), round(62 * DAY_MS)) and late(grant(), 80 * DAY_MS)


def test_what_pages_warn_of(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert trouble(tmp_path, 80 * DAY_MS) is None, "not enrolled"
    folder.key("a")
    folder.keep("a", grant(), "current")
    assert trouble(tmp_path, 60 * DAY_MS) is None
    late_one, over = trouble(tmp_path, 80 * DAY_MS), trouble(tmp_path, 92 * DAY_MS)
    assert late_one and over and (late_one.over, over.over) == (False, True)
    assert "11 days" in late_one.text.en and "11 天" in late_one.text.zh and "qc.example" in late_one.hint.zh
    assert "qcbox enrol" in over.hint.en
    (tmp_path / "current" / "grant.json").write_text("{")
    unread = trouble(tmp_path, 0)
    assert unread and unread.over and "read" in unread.text.en


@pytest.mark.parametrize(
    ("said", "serial"),
    [(b"5CG0042\n", "5CG0042"), (b"To Be Filled By O.E.M.", None), (b"\0\0", None), (b"Default string", None)],
)
def test_the_type_plate(tmp_path: Path, said: bytes, serial: str | None) -> None:
    first, second = tmp_path / "none", tmp_path / "plate"
    second.write_bytes(said)
    if serial is None:
        with pytest.raises(Misuse, match=r"enrol\.plate"):
            plate.serial((first, second))
    else:
        assert plate.serial((first, second)) == serial


def configured(tmp_path: Path, more: str = "") -> Path:
    (tmp_path / "data").mkdir(exist_ok=True)
    path = tmp_path / "qcbox.toml"
    path.write_text(f'data_dir = "{tmp_path / "data"}"\n{more}')
    return path


def certificate_checks(settings: Settings) -> list[Check]:
    return list(certificate(settings))


def test_what_a_person_wrote_stands_over_what_the_centre_said(tmp_path: Path) -> None:
    config = configured(tmp_path, 'box = "old"\n[link]\nenabled = false\nhost = "tunnel"\n')
    assert load(config).link.cert_file is None and certificate_checks(load(config))[0].state == "ok"
    folder = Folder(load(config).enrolment_path)
    folder.key("a")
    folder.keep("a", grant(), "current")
    settings = load(config)
    assert (settings.box, settings.link.host, settings.link.port) == ("old", "tunnel", 8883)
    assert settings.content.repository == "https://qc.example:8443/repository"
    checks = certificate_checks(settings)
    assert checks[0].state == "failed", "it expired in 1970"
    assert [check.text.en.split()[0] for check in checks[1:]] == ["box", "link.enabled", "link.host"]


def test_the_command_enrols_and_says_what_stands_in_the_way(site: EnrolledSite, tmp_path: Path) -> None:
    config = configured(tmp_path, "[link]\nenabled = false\n")
    ticket = site.ticket("b-1")
    words = ["enrol", "--config", str(config), "--serial", PLATE, "--json"]
    app = build(["enrol", "doctor"])
    said = CliRunner().invoke(app, words, input=ticket.text() + "\n").stdout
    told = json.loads(said.splitlines()[-1])  # the door logs to the same stream
    assert told["box"] == "b-1" and told["signed_content"] and told["overruled"] == ["link.enabled"]
    assert (tmp_path / "data" / "content" / "root.json").read_text() == '{"signed": "root"}'
    apart = [*words, "--url", ticket.url, "--pin", ticket.pin]
    assert CliRunner().invoke(app, apart, input=ticket.token + "\n").exit_code == 0, "again, in parts"
    refused = CliRunner().invoke(app, words, input="qcbox-enrol:1?url=https://x\n")
    assert isinstance(refused.exception, Misuse) and refused.exception.code == "enrol.ticket"


def test_a_full_disk_or_a_killed_command_can_be_done_again(
    site: EnrolledSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, ticket = Folder(tmp_path / "enrolment"), site.ticket("b-1")

    def full(*given: object) -> None:
        raise OSError(28, os.strerror(28))

    with monkeypatch.context() as patched:
        patched.setattr(Folder, "keep", full)
        with pytest.raises(OSError, match="space"):
            enrol(folder, ticket, PLATE)
    assert folder.papers("current") is None
    assert enrol(folder, ticket, PLATE).box == "b-1", "the token was used, but for this very key"


def test_nobody_at_the_door_is_said_in_words(tmp_path: Path, site: EnrolledSite) -> None:
    ticket = site.ticket("b-1")
    site.stop_door()
    with pytest.raises(QcError, match=r"enrol\.unreachable"):
        enrol(Folder(tmp_path), ticket, PLATE)
