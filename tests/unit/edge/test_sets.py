"""Series and studies: when they are due, what they are judged by, and what a late image changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from capture.dicom.told import Commitment
from cloud_sync.wire.codec import decode_event
from edge.pipeline import hearing, states
from edge.pipeline.dispatch import Dispatch
from edge.pipeline.retention import DAY_MS, Retention
from edge.pipeline.set_job import SetJob
from edge.pipeline.work import Outcome
from edge.settings import RetentionSettings
from edge.store import cases
from edge.store.backup import named
from edge.store.cases import Case
from edge.store.schema import alert, case, image_set, set_member
from models.sets.image_set import Completeness
from tests.factories import ct_dose_report, uid, write
from tests.unit.edge.box import Box, make_box
from tests.unit.edge.scanning import (
    QUIET_MS,
    STUDY_MS,
    InProcess,
    Scanner,
    completeness,
    events,
    little,
    verdicts,
    work,
)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path / "data", sets={"quiet_s": QUIET_MS / 1000, "study_quiet_s": STUDY_MS / 1000})
    yield made
    made.db.close()


@pytest.fixture
def scanner(box: Box, tmp_path: Path) -> Scanner:
    return Scanner(box, tmp_path)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The time that outcomes are stored at: the same as images are sent at, not that of the test's machine."""
    now = [0]
    monkeypatch.setattr("edge.pipeline.work.content_of", lambda settings: little())
    for module in ("edge.pipeline.dispatch", "edge.pipeline.outcome"):
        monkeypatch.setattr(f"{module}.now_ms", lambda: now[0])
    return now


async def test_waiting_slices_are_judged_together_and_their_series_when_it_is_quiet(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    for number in range(5):
        scanner.send(number, 1000 + number)
    assert (await work(box, clock, 2000)).together == [5]
    await work(box, clock, 1004 + QUIET_MS - 1)
    assert verdicts(box, "series") == []
    await work(box, clock, 1004 + QUIET_MS)
    assert (verdicts(box, "series"), verdicts(box, "study")) == ([None], [])
    assert completeness(box) == Completeness(True, "quiet")
    await work(box, clock, 1004 + STUDY_MS)
    assert verdicts(box, "study") == [None]
    (told,) = events(box, "series")
    assert (told.data.images, told.data.whole, told.data.replaces, told.data.instance) == (5, True, None, None)
    image = next(iter(box.services.outbox.due(10**15, 1, fresh=True)))
    assert decode_event(image.payload).data.series == told.data.series  # type: ignore[union-attr]  # a result


async def test_a_late_image_reopens_and_corrects(box: Box, scanner: Scanner, clock: list[int]) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1000 + QUIET_MS)
    await work(box, clock, 1000 + QUIET_MS)
    scanner.send(3, 60_000)
    await work(box, clock, 60_000)
    assert verdicts(box, "series") == [None]
    await work(box, clock, 60_000 + QUIET_MS)
    first, second = events(box, "series")
    assert len(verdicts(box, "series")) == 2 and verdicts(box, "series")[1] is not None
    assert (second.data.images, second.data.replaces) == (4, first.seq)
    of_set = (
        select(alert.c.acknowledged_at).join(case, case.c.id == alert.c.case_id).where(case.c.kind == "series")
    )
    earlier, latest = box.db.read(lambda c: list(c.scalars(of_set.order_by(alert.c.id))))
    assert earlier is not None and latest is None, "what the first verdict asked for is answered by the second"


async def test_the_same_bytes_again_change_nothing_and_other_bytes_count_once(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1000 + QUIET_MS)
    await work(box, clock, 1000 + QUIET_MS)
    scanner.send(1, 50_000)
    await work(box, clock, 50_000 + QUIET_MS)
    assert verdicts(box, "series") == [None]
    scanner.send(1, 70_000, ImageComments="resent")
    await work(box, clock, 70_000)
    await work(box, clock, 70_000 + QUIET_MS)
    assert [event.data.images for event in events(box, "series")] == [3, 3]
    misled = box.db.read(lambda c: list(c.scalars(select(image_set.c.misled_by))))
    assert misled == [None, None], "nobody was wrong"


async def test_release_of_the_association_is_the_end_until_it_was_wrong(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    for number in range(4):
        scanner.send(number, 1000, association="one")
    scanner.tell(hearing.Release("one", 1100), 1100)
    await work(box, clock, 1200)
    assert verdicts(box, "series") == [None]
    assert completeness(box) == Completeness(True, "association")
    scanner.send(4, 2000, association="two")
    scanner.tell(hearing.Release("two", 2100), 2100)
    await work(box, clock, 2200)
    assert verdicts(box, "series") == [None], "this device is not believed any more"
    await work(box, clock, 2000 + QUIET_MS)
    assert len(verdicts(box, "series")) == 2
    for number in range(4):
        scanner.send(number, 40_000, series="b", association="three")
    scanner.tell(hearing.Release("three", 40_100), 40_100)
    await work(box, clock, 40_200)
    assert len(verdicts(box, "series")) == 2
    await work(box, clock, 40_000 + QUIET_MS)
    assert len(verdicts(box, "series")) == 3


async def test_an_image_by_itself_over_an_association_ends_nothing(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    scanner.send(1, 1000, association="one")
    scanner.tell(hearing.Release("one", 1100), 1100)
    await work(box, clock, 2000)
    assert verdicts(box, "series") == []


async def test_the_headers_own_count(box: Box, scanner: Scanner, clock: list[int]) -> None:
    for number in range(3):
        scanner.send(number, 1000, ImagesInAcquisition=4, association="one")
    scanner.tell(hearing.Release("one", 1100), 1100)
    await work(box, clock, 1200)
    assert verdicts(box, "series") == [], "one is still to come, whatever the association says"
    scanner.send(3, 1300, ImagesInAcquisition=4)
    await work(box, clock, 1400)
    assert verdicts(box, "series") == [None]
    assert completeness(box) == Completeness(True, "count", 4)


async def test_fewer_than_the_header_says_are_judged_in_part(box: Box, scanner: Scanner, clock: list[int]) -> None:
    for number in range(3):
        scanner.send(number, 1000, ImagesInAcquisition=4)
    await work(box, clock, 1000 + QUIET_MS)
    await work(box, clock, 1000 + QUIET_MS)
    (told,) = events(box, "series")
    assert (told.data.images, told.data.whole) == (3, False)
    assert completeness(box) == Completeness(False, None, 4)


def send_times(scanner: Scanner, of: dict[int, int], at: int, **changes: object) -> None:
    """So many slices of each time, one time after another."""
    for time, slices in of.items():
        for number in range(slices):
            said: dict[str, Any] = {"TemporalPositionIdentifier": time, "NumberOfTemporalPositions": 3} | changes
            scanner.send(10 * time + number, at + 10 * time + number, association="one", **said)


async def test_all_times_of_a_dynamic_series_are_the_end(box: Box, scanner: Scanner, clock: list[int]) -> None:
    send_times(scanner, {1: 3, 2: 3, 3: 2}, 1000)
    scanner.tell(hearing.Release("one", 1100), 1100)
    await work(box, clock, 1200)
    assert verdicts(box, "series") == [], "the last slice is still to come, whatever the association says"
    send_times(scanner, {3: 3}, 1300)
    await work(box, clock, 1400)
    assert verdicts(box, "series") == [None]
    assert completeness(box) == Completeness(True, "count")


async def test_a_count_of_each_time_does_not_end_a_dynamic_series(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    send_times(scanner, {1: 3}, 1000, ImagesInAcquisition=3)
    await work(box, clock, 1100)
    assert verdicts(box, "series") == []
    send_times(scanner, {2: 3}, 1200, ImagesInAcquisition=3)
    await work(box, clock, 1300)
    assert completeness(box) == Completeness(False, None, 9)
    send_times(scanner, {3: 3}, 1400, ImagesInAcquisition=3)
    await work(box, clock, 1500)
    assert completeness(box) == Completeness(True, "count", 9)


async def test_a_dynamic_series_without_a_time_is_judged_in_part(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    send_times(scanner, {1: 3, 3: 3}, 1000)
    await work(box, clock, 2000)
    await work(box, clock, 2000 + QUIET_MS)
    (told,) = events(box, "series")
    assert (told.data.images, told.data.whole) == (6, False)


async def test_times_that_contradict_themselves_are_no_evidence(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    send_times(scanner, {1: 3}, 1000, ImagesInAcquisition=6)
    send_times(scanner, {2: 3}, 1000, ImagesInAcquisition=6, NumberOfTemporalPositions=4)
    await work(box, clock, 1200)
    assert verdicts(box, "series") == []
    await work(box, clock, 1200 + QUIET_MS)
    assert completeness(box) == Completeness(True, "quiet", contradicts=True)


async def test_mpps_names_the_images(box: Box, scanner: Scanner, clock: list[int]) -> None:
    scanner.step("in_progress", 500)
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1100)
    scanner.step("completed", 1200, images=4)
    await work(box, clock, 1300)
    assert verdicts(box, "series") == [], "the fourth is on its way"
    scanner.send(3, 1400)
    await work(box, clock, 1500)
    assert (verdicts(box, "series"), verdicts(box, "study")) == ([None], [None])
    assert completeness(box) == Completeness(True, "mpps", 4)
    assert completeness(box, "study") == Completeness(True, "mpps", 4)


async def test_mpps_that_names_what_never_came(box: Box, scanner: Scanner, clock: list[int]) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1000)
    await work(box, clock, 1000 + QUIET_MS)
    scanner.step("completed", 1000 + QUIET_MS, images=5)
    await work(box, clock, 1000 + 2 * QUIET_MS)
    first, second = events(box, "series")
    assert (first.data.whole, second.data.whole, second.data.replaces) == (True, False, first.seq)
    scanner.step("completed", 1000 + 2 * QUIET_MS, images=5)
    await work(box, clock, 1000 + 3 * QUIET_MS)
    assert len(events(box, "series")) == 2, "said twice, it is said once"


async def test_a_request_for_commitment_that_names_all(box: Box, scanner: Scanner, clock: list[int]) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1100)
    scanner.tell(Commitment(uid("transaction"), tuple(scanner.image(n, "a") for n in range(3))), 1200)
    await work(box, clock, 1300)
    assert completeness(box) == Completeness(True, "commitment", 3)
    assert verdicts(box, "series") == [None]


async def test_what_waits_unread_is_waited_for_and_others_are_not(
    box: Box, scanner: Scanner, clock: list[int], tmp_path: Path
) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1100)
    scanner.send(3, 1200)

    def claim(now: int, all_since: int) -> Case | None:
        return box.db.write(lambda c: cases.claim(c, now, all_since))

    image = claim(1000 + QUIET_MS, 1000 + QUIET_MS)
    assert image is not None and image.kind == "dicom"
    Scanner(box, tmp_path, "CT2").send(1, 1200)
    other = claim(1000 + QUIET_MS, 1000 + QUIET_MS)
    assert other is not None and other.arrival.calling_ae == "CT2"
    assert claim(1000 + QUIET_MS, 1000 + QUIET_MS) is None, "an image of CT1 is being judged"
    box.db.write(lambda c: states.move(c, image.id, "judging", "judged", 1))
    assert claim(1000 + QUIET_MS, 1000 + QUIET_MS - 1) is None, "the spool may hold more"
    whole = claim(1000 + QUIET_MS, 1000 + QUIET_MS)
    assert whole is not None and whole.kind == "series"


async def test_what_joins_while_a_set_is_judged_is_judged_with_it(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1100)

    class Interrupted(InProcess):
        async def judge_set(self, job: SetJob, seconds: float) -> Outcome:
            if not self.sets:
                scanner.send(3, 1000 + QUIET_MS)
                claimed = box.db.write(lambda c: cases.claim(c, 1000 + QUIET_MS))
                assert claimed is not None
                await Dispatch(box.services, InProcess(), 1).bring_to_an_end(claimed, asyncio.Event())
            return await super().judge_set(job, seconds)

    await work(box, clock, 1000 + QUIET_MS, Interrupted())
    assert verdicts(box, "series") == []
    await work(box, clock, 1000 + 2 * QUIET_MS)
    assert [event.data.images for event in events(box, "series")] == [4]


async def test_kill_9_in_the_middle_of_a_set(box: Box, scanner: Scanner, clock: list[int]) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1100)
    claimed = box.db.write(lambda c: cases.claim(c, 1000 + QUIET_MS))
    assert claimed is not None and claimed.kind == "series"
    assert box.db.write(lambda c: states.recover(c, 1)) == 1
    await work(box, clock, 1000 + QUIET_MS)
    assert verdicts(box, "series") == [None]


async def test_localizers_count_for_the_study_only(box: Box, scanner: Scanner, clock: list[int]) -> None:
    scanner.send(1, 1000, series="scout", ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    scanner.put(dose_report(scanner), 1001)
    scanner.send(1, 1002)
    await work(box, clock, 1002)
    await work(box, clock, 1002 + STUDY_MS)
    assert (verdicts(box, "series"), verdicts(box, "study")) == ([None], [None])
    assert [event.data.images for event in events(box, "study")] == [2]
    rows = box.db.read(lambda c: c.execute(select(set_member.c.excluded, set_member.c.dose_report)).all())
    assert {row.excluded for row in rows} == {"localizer", "dose_report", None}
    assert sum(row.dose_report is not None for row in rows) == 1


def dose_report(scanner: Scanner) -> bytes:
    made = ct_dose_report(StudyInstanceUID=uid(scanner.name, "study"))
    return write(made, scanner.folder / "dose.dcm").read_bytes()


async def test_what_cannot_be_read_blocks_nothing_and_is_said(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    for number in range(3):
        scanner.send(number, 1000, association="one")
    scanner.put(b"no DICOM", 1001, "one")
    scanner.tell(hearing.Release("one", 1100), 1100)
    await work(box, clock, 1200)
    assert completeness(box) == Completeness(False, None, None, 1)
    assert [event.data.whole for event in events(box, "series")] == [False]


async def test_pictures_too_large_are_left_out_and_a_set_that_costs_two_workers_is_set_aside(
    box: Box, scanner: Scanner, clock: list[int]
) -> None:
    scanner.send(1, 1000)
    await work(box, clock, 1000)
    bench = await work(box, clock, 1000 + QUIET_MS, InProcess(MemoryError()))
    assert [job.with_pixels for job in bench.sets] == [True, False]
    assert verdicts(box, "series") == [None]
    scanner.send(2, 50_000)
    await work(box, clock, 50_000)
    await work(box, clock, 50_000 + QUIET_MS, InProcess(MemoryError(), MemoryError()))
    row = box.db.read(lambda c: c.execute(select(case).where(case.c.kind == "series")).one())
    assert (row.state, row.reason_code) == ("set_aside", "worker.lost")
    scanner.send(3, 100_000)
    await work(box, clock, 100_000)
    await work(box, clock, 100_000 + QUIET_MS)
    assert [event.data.images for event in events(box, "series")] == [1, 3]


async def test_records_are_backed_up_and_go_with_the_pixels(box: Box, scanner: Scanner, clock: list[int]) -> None:
    for number in range(3):
        scanner.send(number, 1000)
    await work(box, clock, 1000)
    records = set(box.db.read(lambda c: c.scalars(select(set_member.c.record_sha256)).all()))
    assert len(records) == 1 and records <= named(box.db.path)
    retention = Retention(
        box.db, box.services.blobs, box.services.outbox, RetentionSettings(days=1), reports=False
    )
    assert retention.sweep(10 * DAY_MS).cases == 0, "the series is still to be judged"
    await work(box, clock, 1000 + STUDY_MS)
    with box.db._write_engine.begin() as connection:
        connection.execute(alert.update().values(acknowledged_at=1))
    assert retention.sweep(10 * DAY_MS).cases == 5
    assert not any(box.services.blobs.has(sha256) for sha256 in records if sha256)
