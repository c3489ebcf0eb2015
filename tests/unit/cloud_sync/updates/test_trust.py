"""What a box believes over time: its clock, keys that change, updates that break off, files that are damaged."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # public by its documents
from tuf.api.exceptions import DownloadHTTPError

from cloud_sync.updates.from_folder import FromFolder
from cloud_sync.updates.listing import ISSUED
from cloud_sync.updates.terms import Target, Untrusted
from cloud_sync.updates.trust import Standing, Trust, factory_check
from tests.attacks.repository import DAY_MS, START, Group, day, signed

YEAR_MS = 365 * DAY_MS


@dataclass
class Site:
    """A group, what is served of it, and a box that has its first release listed."""

    group: Group
    folder: Path
    target: Target
    now: int = START + 60_000
    built: int = 0

    @property
    def trust(self) -> Trust:
        """As a new process has it."""
        return Trust(self.folder / "trust", self.group.pinned(), wall=lambda: self.now, built=self.built)

    def refresh(self) -> Standing:
        return self.trust.refresh(FromFolder(self.folder / "stick"))

    def publish(self) -> None:
        self.group.at = self.now
        self.group.publish()
        self.serve()

    def serve(self) -> None:
        self.group.write(self.folder / "stick")

    def check(self, as_of: int | None = None) -> Target:
        return self.trust.check(self.target.sha256, self.target.length, as_of)

    def refused(self) -> str:
        with pytest.raises(Untrusted) as error:
            self.refresh()
        return error.value.code


@pytest.fixture
def site(tmp_path: Path) -> Site:
    group = Group()
    made = Site(group, tmp_path, group.add(b"content" * 100))
    made.publish()
    made.refresh()
    return made


def test_without_a_root_nothing_is_believed(site: Site, tmp_path: Path) -> None:
    trust = Trust(tmp_path / "other", None, wall=lambda: START, built=0)
    for ask in (trust.listed, lambda: trust.check("0" * 64, 1), lambda: trust.refresh(FromFolder(tmp_path))):
        with pytest.raises(Untrusted, match="no_root"):
            ask()
    stale = trust.standing().stale
    assert stale is not None and stale.code == "no_root"
    assert trust.now() == START


def test_before_the_first_update_nothing_is_listed(site: Site, tmp_path: Path) -> None:
    trust = Trust(tmp_path / "new", site.group.pinned(), wall=lambda: START, built=0)
    with pytest.raises(Untrusted, match="metadata"):
        trust.listed()


@pytest.mark.parametrize("root", [b"", b"{}", b"not json"])
def test_a_root_that_is_none_is_refused(tmp_path: Path, root: bytes) -> None:
    trust = Trust(tmp_path, root, wall=lambda: START, built=0)
    with pytest.raises(Untrusted, match="metadata"):
        trust.listed()
    assert trust.standing().stale is not None


def test_what_was_activated_judges_on_when_its_list_has_run_out(site: Site) -> None:
    activated = site.trust.now()
    site.now += 10 * YEAR_MS
    assert site.check(activated) == site.target
    with pytest.raises(Untrusted, match="expired"):
        site.check()
    with pytest.raises(Untrusted, match="expired"):
        site.trust.listed()
    stale = site.trust.standing().stale
    assert stale is not None and stale.code == "expired"


def test_what_could_not_be_activated_then_is_not_judged_with_now(site: Site) -> None:
    """A note of an activation after the end of the list is no activation."""
    with pytest.raises(Untrusted, match="expired"):
        site.check(site.now + 10 * YEAR_MS)


def test_a_clock_far_in_the_future_leaves_nothing_behind(site: Site) -> None:
    then = site.now
    site.now += 10 * YEAR_MS
    assert site.refused() == "expired"
    assert site.check(then) == site.target
    site.now = then + DAY_MS
    site.publish()
    assert site.refresh().stale is None
    assert site.trust.now() == site.now


def test_a_clock_beyond_all_calendars_is_a_clock(site: Site) -> None:
    then = site.now
    site.now = 10**18
    assert site.refused() == "expired"
    assert site.check(then) == site.target


def test_a_clock_far_in_the_past_is_lifted_by_what_was_signed(site: Site) -> None:
    site.now += 3 * DAY_MS
    site.publish()
    site.refresh()
    signed_at, site.now = site.now, site.now - 10 * YEAR_MS
    standing = site.refresh()
    assert standing.stale is None and standing.behind_ms == 10 * YEAR_MS
    assert site.trust.now() == signed_at
    assert site.check() == site.target


def test_the_program_is_no_older_than_its_making(site: Site) -> None:
    site.built, site.now = START + 20 * DAY_MS, 0
    with pytest.raises(Untrusted, match="clock"):
        site.check()


def test_the_floor_outlives_the_metadata_and_never_sinks(site: Site) -> None:
    site.now += 20 * DAY_MS
    site.publish()
    site.refresh()
    newest = site.now
    (site.folder / "trust" / "metadata.json").unlink()
    site.now = START
    assert site.trust.now() == newest
    older = Group(site.group.keys, at=START)
    older.write(site.folder / "stick")
    assert site.refused() == "clock"
    assert site.trust.now() == newest


def test_a_time_that_a_thief_signed_goes_when_his_key_goes(site: Site) -> None:
    """Fast-forward of the clock and of the version numbers, by a stolen online key; and the way back."""
    thief = site.group.copy()
    thief.at = site.now
    thief.timestamp.version = thief.snapshot.version = 2**31 - 1
    far = site.now + 50 * YEAR_MS
    thief.put_online(says={ISSUED: far})
    thief.timestamp.expires = day(far + YEAR_MS)
    thief.files["metadata/timestamp.json"] = signed(thief.timestamp, thief.keys.of["timestamp"])
    activated = site.trust.now()
    thief.write(site.folder / "stick")
    site.refresh()
    assert site.trust.now() == far
    with pytest.raises(Untrusted, match="clock"):
        site.check()
    assert site.check(activated) == site.target, "what runs goes on"

    for role in ("timestamp", "snapshot"):
        site.group.keys.of[role] = [CryptoSigner.generate_ed25519()]
        site.group.trust(role)
    site.group.root.version += 1
    site.group.put_root()
    site.publish()
    assert site.refused() == "clock", "it learns of the new root"
    assert site.refresh().stale is None
    assert site.trust.now() == site.now
    assert site.check() == site.target


def test_a_root_that_takes_a_key_away_is_not_forgotten_when_the_update_breaks_off(site: Site) -> None:
    old = site.group.copy()
    site.group.keys.of["timestamp"] = [CryptoSigner.generate_ed25519()]
    site.group.trust("timestamp")
    site.group.root.version += 1
    site.group.put_root()
    site.publish()
    stick = site.folder / "stick"
    (stick / "metadata/timestamp.json").write_bytes(b"")
    activated = site.trust.now()
    assert site.refused() == "metadata"
    assert site.check(activated) == site.target, "the whole set from before is what content is judged by"

    (stick / "metadata/2.root.json").unlink()
    old.at = site.now
    old.timestamp.version += 5
    old.put_online()
    old.write(stick)
    assert site.refused() == "signature", "the old key signs for nobody any more, though the new root is hidden"
    site.serve()
    assert site.refresh().root == 2


def test_an_old_root_in_hand_leads_over_all_that_followed(site: Site) -> None:
    keys = site.group.keys.of
    for _ in range(5):
        before, keys["root"] = keys["root"], [CryptoSigner.generate_ed25519() for _ in range(3)]
        site.group.trust("root")
        site.group.root.version += 1
        site.group.put_root([*before[:2], *keys["root"][:2]])
    site.publish()
    assert site.refresh().root == 6
    assert site.check() == site.target


def test_another_pinned_root_believes_nothing_of_before(site: Site) -> None:
    other = Group(at=site.now)
    trust = Trust(site.folder / "trust", other.pinned(), wall=lambda: site.now, built=0)
    with pytest.raises(Untrusted, match="signature"):
        trust.listed()
    other.add(b"theirs")
    other.publish()
    other.write(site.folder / "theirs")
    trust.refresh(FromFolder(site.folder / "theirs"))
    assert [one.sha256 for one in trust.listed()] != [site.target.sha256]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b'{"whole": 1, "seen": {}}', b'{"whole": {}, "seen": {}}', b"\xff"]
)
def test_damaged_metadata_is_believed_by_nobody_and_mended_by_the_next_update(site: Site, damage: bytes) -> None:
    (site.folder / "trust" / "metadata.json").write_bytes(damage)
    with pytest.raises(Untrusted, match="metadata"):
        site.check(site.now)
    site.refresh()
    assert site.check() == site.target


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"issued": "x"}'])
def test_a_damaged_floor_is_written_anew(site: Site, damage: bytes) -> None:
    floor = site.folder / "trust" / "floor.json"
    kept = floor.read_bytes()
    floor.write_bytes(damage)
    site.refresh()
    assert floor.read_bytes() == kept


def test_a_power_cut_leaves_the_old_set(site: Site) -> None:
    """What was being written lies beside; the bench of an update that died lies there too."""
    (site.folder / "trust" / "metadata.json.new").write_bytes(b'{"whole": {')
    bench = site.folder / "trust" / "bench"
    bench.mkdir()
    (bench / "timestamp.json").write_bytes(b"half")
    assert site.check() == site.target
    site.now += DAY_MS
    site.publish()
    site.refresh()
    assert site.check() == site.target
    assert not bench.exists()


def test_a_full_disk_is_a_reason_not_a_crash(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.now += DAY_MS
    site.publish()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(Untrusted, match="download: disk: ENOSPC"):
            site.refresh()
    assert site.check() == site.target
    assert site.refresh().issued == site.now


class PowerCut(BaseException):
    """Not an Exception: no product code may catch it."""


@pytest.mark.parametrize("step", range(1, 9))
def test_the_power_goes_at_each_step_to_the_disk(site: Site, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """The old set or the new one, both whole; and the next update goes through."""
    site.now += DAY_MS
    newer = site.group.add(b"newer" * 100, version=2)
    site.publish()
    left = [step]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                raise PowerCut
            return real(*args)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", counted(os.fsync))
        patch.setattr(Path, "replace", counted(Path.replace))
        try:
            site.refresh()
        except PowerCut:
            pass
        else:
            assert left[0] > 0, "there are no more steps"
    assert set(site.trust.listed()) in ({site.target}, {site.target, newer})
    assert site.trust.now() == site.now
    site.refresh()
    assert set(site.trust.listed()) == {site.target, newer}


def test_an_update_without_news_writes_nothing(site: Site) -> None:
    kept = site.folder / "trust" / "metadata.json"
    before = kept.stat()
    site.refresh()
    assert (kept.stat().st_ino, kept.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_reading_writes_nothing(site: Site) -> None:
    before = {path: path.stat().st_mtime_ns for path in (site.folder / "trust").rglob("*")}
    site.trust.listed(), site.check(), site.trust.standing(), site.trust.now()
    assert {path: path.stat().st_mtime_ns for path in (site.folder / "trust").rglob("*")} == before


def test_of_two_releases_with_one_content_the_newer_counts(site: Site) -> None:
    again = site.group.add(b"content" * 100, version=7)
    site.publish()
    site.refresh()
    assert site.check() == again


def test_two_processes_do_not_write_into_one_file(site: Site) -> None:
    part, out = site.folder / "content.part", site.folder / "content"
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(Untrusted, match="download"):
            site.trust.fetch(site.target, FromFolder(site.folder / "stick"), out)
        assert part.stat().st_size == 0
    site.trust.fetch(site.target, FromFolder(site.folder / "stick"), out)
    assert out.stat().st_size == site.target.length


def test_the_factory_list_is_what_its_root_vouches_for(site: Site) -> None:
    """It does not run out, and it takes the threshold that its root asks for."""
    listed = site.group.areas["kb-general"]
    site.group.targets.targets = dict(listed.targets)
    people = site.group.keys.of["targets"]
    root = site.group.pinned()
    check = factory_check(root, signed(site.group.targets, people[:2]))
    assert check(site.target.sha256, site.target.length) == site.target
    for sha256, length in ((site.target.sha256, 1), ("0" * 64, site.target.length)):
        with pytest.raises(Untrusted, match="not_listed"):
            check(sha256, length)
    for signers, code in (
        (people[:1], "threshold"),
        ([], "signature"),
        (site.group.keys.of["kb-general"], "signature"),
    ):
        with pytest.raises(Untrusted, match=code):
            factory_check(root, signed(site.group.targets, signers))
    with pytest.raises(Untrusted, match="metadata"):
        factory_check(root, signed(site.group.snapshot, people[:2]))
    with pytest.raises(Untrusted, match="metadata"):
        factory_check(b"", b"")


@pytest.mark.parametrize(
    "path", ["", "/", "../outside", "metadata/../../outside", "metadata//x", ".", "metadata/\0"]
)
def test_a_folder_has_no_way_out(site: Site, path: str) -> None:
    (site.folder / "outside").write_bytes(b"no")
    with pytest.raises(DownloadHTTPError):
        next(FromFolder(site.folder / "stick").pieces(path, 0))


def test_metadata_that_cannot_be_read_is_a_reason_not_a_crash(site: Site) -> None:
    kept = site.folder / "trust" / "metadata.json"
    kept.unlink()
    kept.mkdir()
    with pytest.raises(Untrusted, match="metadata"):
        site.check(site.now)
    stale = site.trust.standing().stale
    assert stale is not None and stale.code == "metadata"
