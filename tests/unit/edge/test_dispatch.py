"""Dispatch: one verdict a case, whatever the workers, the disk and the power do."""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from pebble import ProcessExpired
from sqlalchemy import FromClause, func, select

from capture.errors import Bug, SetAside
from capture.text import Bilingual
from cloud_sync.wire.codec import decode_event
from cloud_sync.wire.messages import ResultEvent, SetAsideEvent
from edge.pipeline import states
from edge.pipeline.announce import Announcement
from edge.pipeline.dispatch import MOST_ATTEMPTS, Dispatch
from edge.pipeline.set_job import SetJob
from edge.pipeline.work import Job, Outcome, run_job
from edge.store import cases
from edge.store.cases import Case
from edge.store.facts import facts_of
from edge.store.schema import acquisition, alert, case, exam, finding, outbox, verdict
from models.measurement import Measured, Measurement, NotMeasured
from models.rules.verdict import Finding
from tests.factories import dx, uid, write
from tests.peers import wait_until
from tests.unit.edge.box import Box, make_box
from tests.unit.edge.test_intake import Boundary, Crash

NOT_DICOM = SetAside("dicom.unreadable", Bilingual("不是 DICOM", "Not DICOM"), Bilingual("看原件", "Look at it"))


DIED: Exception = ProcessExpired("died")  # type: ignore[no-untyped-call]  # pebble has types for the rest


class Bench:
    """A pool of workers that judges in this process, or fails as told: once per entry of ``trouble``."""

    def __init__(self, *trouble: BaseException | None) -> None:
        self.trouble = list(trouble)
        self.jobs: list[Job] = []

    async def judge(self, job: Job) -> Outcome:
        self.jobs.append(job)
        error = self.trouble.pop(0) if self.trouble else None
        if error is not None:
            raise error
        return run_job(job)

    async def judge_together(self, jobs: Sequence[Job]) -> tuple[Outcome | None, ...]:
        raise AssertionError("radiographs are judged one by one")

    async def judge_set(self, job: SetJob, seconds: float) -> Outcome:
        raise AssertionError("radiographs belong to no set")


@cache
def image(folder: Path, number: int = 1, grey: int = 0) -> bytes:
    made = dx(SOPInstanceUID=uid("sop", number), SeriesDescription=f"grey {grey}")
    return write(made, folder / f"{number}-{grey}.dcm").read_bytes()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path / "data")
    yield made
    made.db.close()


def take_in(box: Box, content: bytes, received_at: int = 1000) -> str:
    arrival = box.receive(content, received_at=received_at)
    box.services.blobs.link_file(box.spool.path(arrival), arrival.digest)
    box.db.write(lambda c: cases.take_in(c, arrival, received_at))
    return arrival.id


def dispatch(box: Box, bench: Bench, at: Callable[[str], None] = lambda step: None) -> Dispatch:
    return Dispatch(box.services, bench, 1, at)


async def judge_next(box: Box, bench: Bench) -> Case:
    claimed = box.db.write(lambda c: cases.claim(c, 10**15))
    assert claimed is not None
    await dispatch(box, bench).bring_to_an_end(claimed, asyncio.Event())
    return claimed


def count(box: Box, table: FromClause) -> int:
    return box.db.read(lambda c: c.scalar(select(func.count()).select_from(table)) or 0)


def facts(box: Box) -> tuple[Measured, ...]:
    """Of the first verdict."""
    return box.db.read(lambda c: facts_of(c, [1])[1])


def state_of(box: Box, case_id: str) -> str:
    return box.db.read(lambda c: str(c.scalar(select(case.c.state).where(case.c.id == case_id))))


def events(box: Box) -> list[object]:
    return [decode_event(row.payload) for row in box.services.outbox.due(10**15, 100, fresh=True)]


async def test_a_case_gets_all_its_rows(box: Box, tmp_path: Path) -> None:
    heard = box.services.announcer.subscribe()
    listening = asyncio.ensure_future(anext(heard))
    await asyncio.sleep(0)
    case_id = take_in(box, image(tmp_path))
    await judge_next(box, Bench())
    assert state_of(box, case_id) == "judged"
    assert [count(box, table) for table in (acquisition, verdict, alert, exam, outbox)] == [1, 1, 1, 1, 1]
    assert len(facts(box)) > 50
    row = box.db.read(lambda c: c.execute(select(acquisition)).one())
    assert (row.modality, row.sop_uid, row.patient_id) == ("DX", uid("sop", 1), dx().PatientID)
    assert box.services.blobs.has(row.preview_sha256)
    (event,) = events(box)
    assert isinstance(event, ResultEvent)
    assert (event.box, event.seq, event.data.modality) == ("box-test", 1, "DX")
    assert await listening == Announcement("alert", 1)
    stored = box.db.read(lambda c: c.execute(select(verdict.c.timings)).scalar_one())
    assert {"wait", "read", "measure", "rules", "preview"} <= set(stored.split('"'))


@pytest.mark.parametrize("step", ["dispatch.claimed", "dispatch.judged", "store.executed", "store.committed"])
async def test_a_crash_at_each_step_gives_one_verdict_in_the_end(tmp_path: Path, step: str) -> None:
    boundary = Boundary()
    box = make_box(tmp_path / "data", boundary)
    case_id = take_in(box, image(tmp_path))
    boundary.step = step
    with pytest.raises((Crash, BaseExceptionGroup)):
        await dispatch(box, Bench(), boundary).run(asyncio.Event())
    box.db.write(lambda c: states.recover(c, 1))
    if state_of(box, case_id) == "held":
        await judge_next(box, Bench())
    assert state_of(box, case_id) == "judged"
    assert [count(box, table) for table in (verdict, alert, outbox)] == [1, 1, 1]
    box.db.close()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TimeoutError(), "too_slow"),
        (MemoryError(), "too_large"),
        (DIED, "decode_failed"),
        (ValueError("a bug in a reader"), "decode_failed"),
    ],
)
async def test_pixels_that_cost_a_worker_are_left_alone(
    box: Box, tmp_path: Path, error: Exception, code: str
) -> None:
    case_id = take_in(box, image(tmp_path))
    bench = Bench(error)
    await judge_next(box, bench)
    assert state_of(box, case_id) == "judged"
    assert [job.no_pixels for job in bench.jobs] == [None, code]
    of_pixels = [fact for fact in facts(box) if fact.name.startswith("image.")]
    assert {fact.reason for fact in of_pixels if isinstance(fact, NotMeasured)} == {"no_pixels"}
    assert not [fact for fact in of_pixels if isinstance(fact, Measurement)]
    row = box.db.read(lambda c: c.execute(select(acquisition)).one())
    assert (row.modality, row.preview_sha256) == ("DX", None)


async def test_a_case_that_costs_two_workers_is_set_aside_and_not_silent(box: Box, tmp_path: Path) -> None:
    case_id = take_in(box, image(tmp_path))
    other = take_in(box, image(tmp_path, 2), received_at=2000)
    await judge_next(box, Bench(TimeoutError(), DIED))
    await judge_next(box, Bench())
    assert (state_of(box, case_id), state_of(box, other)) == ("set_aside", "judged")
    row = box.db.read(lambda c: c.execute(select(case).where(case.c.id == case_id)).one())
    said = cases.why(row.reason)
    assert row.reason_code == "worker.lost" and said is not None and said.zh and said.en
    first, second = events(box)
    assert isinstance(first, SetAsideEvent) and first.data.reason_code == "worker.lost"
    assert isinstance(second, ResultEvent)
    shown = box.db.read(lambda c: c.execute(select(alert).where(alert.c.case_id == case_id)).one())
    assert (shown.level, shown.needs_acknowledgement) == ("warning", 1)


async def test_what_is_no_dicom_is_set_aside_with_the_readers_reason(box: Box) -> None:
    case_id = take_in(box, b"no dicom at all")
    await judge_next(box, Bench(NOT_DICOM))
    row = box.db.read(lambda c: c.execute(select(case)).one())
    assert (row.state, row.reason_code) == ("set_aside", "dicom.unreadable")
    judged = box.db.read(lambda c: c.execute(select(verdict)).one())
    assert (judged.case_id, judged.grade, judged.score) == (case_id, None, None)


async def test_set_aside_then_sent_again_then_judged(box: Box, tmp_path: Path) -> None:
    """The second verdict names the one it replaces, so there is still one first verdict."""
    case_id = take_in(box, image(tmp_path))
    await judge_next(box, Bench(NOT_DICOM))
    take_in(box, image(tmp_path), received_at=2000)
    await judge_next(box, Bench())
    assert state_of(box, case_id) == "judged"
    replaced = box.db.read(lambda c: list(c.scalars(select(verdict.c.replaces).order_by(verdict.c.id))))
    assert replaced == [None, 1]
    assert [type(event) for event in events(box)] == [SetAsideEvent, ResultEvent]


async def test_a_disk_that_does_not_read_is_tried_again_later(box: Box, tmp_path: Path) -> None:
    case_id = take_in(box, image(tmp_path))
    await judge_next(box, Bench(OSError(errno.EIO, "input/output error")))
    row = box.db.read(lambda c: c.execute(select(case)).one())
    assert (row.state, row.reason_code) == ("waiting_retry", "blob.unreadable")
    assert box.db.write(lambda c: cases.claim(c, row.next_at - 1)) is None
    await judge_next(box, Bench())
    assert state_of(box, case_id) == "judged"
    assert count(box, verdict) == 1


async def test_a_clock_put_back_by_years_keeps_no_case_waiting(box: Box, tmp_path: Path) -> None:
    case_id = take_in(box, image(tmp_path))
    await judge_next(box, Bench(OSError(errno.EIO, "input/output error")))
    years_ago = box.db.read(lambda c: c.execute(select(case)).one()).next_at - 5 * 365 * 86_400_000
    claimed = box.db.write(lambda c: cases.claim(c, years_ago))
    assert claimed is not None and claimed.id == case_id


async def test_a_lost_file_is_set_aside(box: Box) -> None:
    case_id = take_in(box, b"gone")
    await judge_next(box, Bench(FileNotFoundError()))
    row = box.db.read(lambda c: c.execute(select(case)).one())
    assert (row.id, row.state, row.reason_code) == (case_id, "set_aside", "blob.missing")


async def test_a_case_that_ends_the_agent_again_and_again_is_set_aside(box: Box, tmp_path: Path) -> None:
    case_id = take_in(box, image(tmp_path))
    for _ in range(MOST_ATTEMPTS):
        box.db.write(lambda c: cases.claim(c, 1))
        box.db.write(lambda c: states.recover(c, 1))
    bench = Bench()
    await judge_next(box, bench)
    assert (state_of(box, case_id), bench.jobs) == ("set_aside", [])


async def test_the_same_uid_with_other_bytes_is_judged_knowing_that(box: Box, tmp_path: Path) -> None:
    first, second = take_in(box, image(tmp_path, 1, 0)), take_in(box, image(tmp_path, 1, 1), received_at=2000)
    await judge_next(box, Bench())
    bench = Bench()
    await judge_next(box, bench)
    assert (state_of(box, first), state_of(box, second)) == ("judged", "judged")
    assert [job.circumstances.same_uid_other_bytes for job in bench.jobs] == [False, True]
    assert count(box, verdict) == 2


async def test_the_same_bytes_of_before_hashes_were_blake3_are_no_other_bytes(box: Box, tmp_path: Path) -> None:
    content = image(tmp_path, 1, 0)
    take_in(box, content)
    await judge_next(box, Bench())
    earlier = hashlib.sha256(content).hexdigest()
    box.db.write(lambda c: c.execute(case.update().values(sha256=earlier)))
    take_in(box, content, received_at=2000)
    bench = Bench()
    await judge_next(box, bench)
    assert [job.circumstances.same_uid_other_bytes for job in bench.jobs] == [False]
    assert count(box, verdict) == 2


async def test_findings_are_stored_as_they_were(box: Box, tmp_path: Path) -> None:
    from edge.store.verdicts import circumstances_of, finding_of, not_assessed_of, packs_of, timings_of

    take_in(box, write(dx(PatientID=None, KVP=None), tmp_path / "bad.dcm").read_bytes())
    bench = Bench()
    claimed = await judge_next(box, bench)
    again = run_job(bench.jobs[0])
    rows = box.db.read(lambda c: c.execute(select(finding).order_by(finding.c.id)).all())
    assert tuple(finding_of(row) for row in rows) == tuple(map(without_marks, again.verdict.findings))
    wanted = {
        fact.name: replace(fact, marks=()) if isinstance(fact, Measurement) else fact for fact in again.facts
    }
    assert {fact.name: fact for fact in facts(box)} == wanted
    row = box.db.read(lambda c: c.execute(select(verdict)).one())
    assert packs_of(row.packs) == again.verdict.packs
    assert not_assessed_of(row.not_assessed) == again.verdict.not_assessed
    assert timings_of(row.timings)[0].stage == "wait"
    known = box.db.read(lambda c: c.execute(select(acquisition.c.circumstances)).scalar_one())
    assert circumstances_of(known) == replace(again.circumstances, received_at=claimed.arrival.received_at)


def without_marks(found: Finding) -> Finding:
    """Marks are stored once, beside the verdict."""
    return replace(found, evidence=tuple(replace(fact, marks=()) for fact in found.evidence))


async def test_without_a_pool_the_agent_ends_and_no_image_is_blamed(box: Box, tmp_path: Path) -> None:
    case_id = take_in(box, image(tmp_path))
    stopped = Bug("worker.pool", Bilingual("停", "stopped"), Bilingual("报", "report"))
    with pytest.raises(ExceptionGroup) as failed:
        await dispatch(box, Bench(stopped)).run(asyncio.Event())
    assert failed.group_contains(Bug)
    assert state_of(box, case_id) == "judging"


async def test_a_worker_that_ends_with_the_agent_is_not_the_images_fault(box: Box, tmp_path: Path) -> None:
    """systemd asks every process of a unit to end at once."""
    case_id = take_in(box, image(tmp_path))
    claimed = box.db.write(lambda c: cases.claim(c, 1))
    assert claimed is not None
    stop, bench = asyncio.Event(), Bench(DIED)
    stop.set()
    await dispatch(box, bench).bring_to_an_end(claimed, stop)
    assert (state_of(box, case_id), len(bench.jobs)) == ("judging", 1)
    box.db.write(lambda c: states.recover(c, 1))
    assert state_of(box, case_id) == "held"


async def test_run_judges_what_comes_and_ends_when_asked(box: Box, tmp_path: Path) -> None:
    one = dispatch(box, Bench())
    stop = asyncio.Event()
    running = asyncio.create_task(one.run(stop))
    await asyncio.sleep(0.05)
    case_id = take_in(box, image(tmp_path))
    one.wake()
    await asyncio.to_thread(wait_until, lambda: state_of(box, case_id) == "judged", "the verdict")
    stop.set()
    one.wake()
    await running
