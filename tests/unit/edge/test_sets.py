"""Series and studies: when they are due, what they are judged by, and what a late image changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from sqlalchemy import select

from cloud_sync.wire.codec import decode_event
from cloud_sync.wire.messages import ResultEvent
from edge.pipeline.dispatch import Dispatch
from edge.pipeline.set_job import SetJob
from edge.pipeline.workers import Job, Outcome, run_job, run_jobs, run_set
from edge.store import cases
from edge.store.schema import acquisition, alert, case, image_set, set_member, verdict
from tests.factories import ct, uid, write
from tests.unit.edge.box import Box, make_box


class InProcess:
    """Workers in this process; ``loads`` counts what they were given."""

    def __init__(self) -> None:
        self.loads: list[int] = []

    async def judge(self, job: Job) -> Outcome:
        self.loads.append(1)
        return run_job(job)

    async def judge_together(self, jobs: Sequence[Job]) -> tuple[Outcome | None, ...]:
        self.loads.append(len(jobs))
        return run_jobs(jobs)

    async def judge_set(self, job: SetJob, seconds: float) -> Outcome:
        return run_set(job)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path / "data", sets={"quiet_s": 15, "study_quiet_s": 300})
    yield made
    made.db.close()


class Scanner:
    """Sends slices of one series at the times that it is told."""

    def __init__(self, box: Box, folder: Path, name: str = "CT1") -> None:
        self.box, self.folder, self.name = box, folder, name

    def slice(self, number: int, **changes: object) -> Dataset:
        return ct(
            number=number,
            SOPInstanceUID=uid(self.name, changes.get("SeriesInstanceUID"), number),
            **{"SeriesInstanceUID": uid(self.name, "series"), "StudyInstanceUID": uid(self.name, "study")} | changes,
        )

    def send(self, number: int, at: int, association: str = "", **changes: object) -> str:
        content = write(self.slice(number, **changes), self.folder / "one.dcm").read_bytes()
        with self.box.spool.receive(
            kind="dicom", source="dicom", calling_ae=self.name, association=association, sop_class=cases.SLICES[0]
        ) as incoming:
            incoming.write(content)
            arrival = incoming.commit(at)
        self.box.services.blobs.link_file(self.box.spool.path(arrival), arrival.sha256)
        self.box.db.write(lambda c: cases.take_in(c, arrival, at))
        return arrival.id


async def work(box: Box, now: int, workers: InProcess | None = None) -> InProcess:
    """Everything that is due at ``now``."""
    bench = workers or InProcess()
    dispatch = Dispatch(box.services, bench, 1)

    def claim(connection):
        first = cases.claim(connection, now, now)
        return [] if first is None else [first, *cases.claim_alike(connection, first, now, 15)]

    while claimed := box.db.write(claim):
        if len(claimed) > 1:
            await dispatch._together(claimed, asyncio.Event())
        else:
            await dispatch.bring_to_an_end(claimed[0], asyncio.Event())
    return bench


def verdicts(box: Box, kind: str):
    query = (
        select(verdict.c.id, verdict.c.replaces, verdict.c.case_id)
        .join(case, case.c.id == verdict.c.case_id)
        .where(case.c.kind == kind)
        .order_by(verdict.c.id)
    )
    return box.db.read(lambda c: c.execute(query).all())


async def test_first(box: Box, tmp_path: Path) -> None:
    scanner = Scanner(box, tmp_path)
    for number in range(5):
        scanner.send(number, 1000 + number)
    bench = await work(box, 2000)
    assert bench.loads == [5]
    rows = box.db.read(lambda c: c.execute(select(case.c.kind, case.c.state, case.c.next_at)).all())
    print(rows)
    assert not verdicts(box, "series")
    await work(box, 1004 + 15000)
    assert len(verdicts(box, "series")) == 1
    print(box.db.read(lambda c: c.execute(select(case.c.kind, case.c.state, case.c.next_at, case.c.reason)).all()))
    scanner.send(7, 60000)
    await work(box, 60001)
    await work(box, 60000+15000)
    assert [v.replaces is not None for v in verdicts(box, "series")] == [False, True]
    await work(box, 60000+300000)
    assert len(verdicts(box, "study")) == 1
    for row in box.services.outbox.due(10**15, 100, fresh=True):
        e = decode_event(row.payload)
        print(e.seq, e.data.level, e.data.images, e.data.whole, e.data.replaces, len(row.payload))
