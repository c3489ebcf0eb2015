"""Series of four scanners at once, as hospitals send them: one final verdict each, and it is right."""

from __future__ import annotations

import random
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cloud_sync.wire.codec import decode_event
from cloud_sync.wire.messages import ResultEvent
from tests.end_to_end.site import Site, query, spool_is_empty
from tests.factories import SENTINEL, SENTINEL_ID, ct, dx, phantom, uid, write
from tests.peers import wait_until

SLICES = 12
SCANNERS = ("CT1", "CT2", "CT3", "CT4")
PICTURE = phantom(64, 64, 2000, 4)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, centre=False, quiet_s=3, study_quiet_s=6)
    made.start()
    yield made
    made.close()


@dataclass
class Scanner:
    """One CT with one series; sends by storescu, and sends again whatever did not end well."""

    name: str
    folder: Path
    port: int
    files: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir()
        self.files = [self.make(number) for number in range(SLICES)]

    @property
    def series(self) -> str:
        return uid(self.name, "series")

    def make(self, number: int, comment: str = "") -> Path:
        """A slice; another comment makes other bytes of the same image."""
        made = ct(
            PICTURE, number,
            SOPInstanceUID=uid(self.name, number), SeriesInstanceUID=self.series,
            StudyInstanceUID=uid(self.name, "study"), FrameOfReferenceUID=uid(self.name, "frame"),
            StationName=self.name, DeviceSerialNumber=self.name, ImageComments=comment or None,
        )  # fmt: skip
        return write(made, self.folder / f"{number}{comment}.dcm")

    def send(self, files: Sequence[Path]) -> None:
        """One association, repeated until all of it was answered Success."""
        program = shutil.which("storescu")
        assert program is not None, "DCMTK is not installed (apt install dcmtk)"
        command = [program, "-aet", self.name, "-aec", "QCBOX", "127.0.0.1", str(self.port), *map(str, files)]
        while subprocess.run(command, capture_output=True, check=False).returncode != 0:
            threading.Event().wait(0.2)

    def scan(self, chance: random.Random) -> None:
        """Out of order, over three associations, some slices twice, one with other bytes; the last one is late."""
        order = self.files[:-1]
        chance.shuffle(order)
        again = self.make(chance.randrange(SLICES - 1), "again")
        third = len(order) // 3
        for part in (order[:third], [*order[third:], *order[:2]], [again, order[-1]]):
            self.send(part)


def series_verdicts(site: Site) -> list[tuple[str, int, int | None]]:
    """SeriesInstanceUID, verdict and what it replaces, of every active verdict on a series."""
    return query(
        site.database,
        "select s.uid, v.id, v.replaces from image_set s join verdict v on v.case_id = s.case_id"
        " where s.level = 'series' and v.mode = 'active' order by v.id",
    )


def final(site: Site) -> dict[str, list[int]]:
    """Of each series the verdicts that no other one replaces."""
    rows = series_verdicts(site)
    replaced = {before for _, _, before in rows}
    found: dict[str, list[int]] = {}
    for series, verdict, _ in rows:
        if verdict not in replaced:
            found.setdefault(series, []).append(verdict)
    return found


def images(site: Site, verdict: int) -> str:
    value = """json_extract(content, '$."set.images".value')"""
    rows = query(site.database, f"select {value} from facts where verdict_id = {verdict}")
    return str(rows[0][0])


def settled(site: Site) -> bool:
    """Nothing waits, sets included."""
    waiting = "select count(*) from case_ where state in ('held', 'judging', 'waiting_retry')"
    return spool_is_empty(site) and query(site.database, waiting) == [(0,)]


@pytest.mark.slow
@pytest.mark.real
def test_four_scanners_at_once_with_kills_between(site: Site, tmp_path: Path) -> None:
    chance = random.Random(4)
    scanners = [Scanner(name, tmp_path / name, site.dicom_port) for name in SCANNERS]
    radiograph = write(dx(SOPInstanceUID=uid("dx")), tmp_path / "dx.dcm")
    threads = [threading.Thread(target=one.scan, args=(random.Random(n),)) for n, one in enumerate(scanners)]
    for thread in threads:
        thread.start()
    for step in ("dispatch.claimed", "store.executed", "intake.linked", "dispatch.judged"):
        threading.Event().wait(chance.uniform(0.5, 2))
        site.children["agent"].kill()
        site.plant("agent", step, chance.randint(1, 3))
        threading.Event().wait(chance.uniform(2, 4))
        site.children["agent"].kill()
    site.children["listen"].kill()
    site.revive("listen")
    site.revive("agent")
    scanners[0].send([radiograph])
    for thread in threads:
        thread.join(300)
        assert not thread.is_alive()
    wait_until(lambda: settled(site), "every image and every set has its verdict", 300)
    assert {series: len(found) for series, found in final(site).items()} == {one.series: 1 for one in scanners}

    for one in scanners:
        one.send(one.files[-1:])  # late: the verdict on the series is there
        one.send(one.files[:3])  # and some that the box has already
    wait_until(lambda: settled(site), "every late image has been judged with its series", 300)

    verdicts = final(site)
    assert {series: len(found) for series, found in verdicts.items()} == {one.series: 1 for one in scanners}
    assert [images(site, found[0]) for found in verdicts.values()] == [f"{SLICES}.0"] * len(scanners)
    rows = query(site.database, "select sop_class, kind, state, count(*) from case_ group by 1, 2, 3")
    assert {state for _, _, state, _ in rows} <= {"judged", "duplicate"}, rows
    assert query(site.database, "select count(*) from image_set where level = 'study'") == [(len(scanners),)]
    check_events(site, scanners)
    for part in (SENTINEL.split("^")[0], SENTINEL_ID, scanners[0].series):
        assert part not in site.logs()


def check_events(site: Site, scanners: Sequence[Scanner]) -> None:
    """The centre is told the same: one chain of verdicts for each series, the last one of all its images."""
    payloads = query(site.database, "select payload from outbox where type = 'qc.result.v1' order by seq")
    events = [event for (payload,) in payloads if isinstance(event := decode_event(payload), ResultEvent)]
    of_series = [event for event in events if event.data.level == "series"]
    chains: dict[str | None, list[ResultEvent]] = {}
    for event in of_series:
        chain = chains.setdefault(event.data.series, [])
        assert event.data.replaces == (chain[-1].seq if chain else None)
        assert event.data.instance is None
        chain.append(event)
    assert len(chains) == len(scanners)
    assert {chain[-1].data.images for chain in chains.values()} == {SLICES}
    assert sum(event.data.level == "study" for event in events) >= len(scanners)
    for (payload,) in payloads:
        assert SENTINEL.encode() not in payload and scanners[0].series.encode() not in payload
