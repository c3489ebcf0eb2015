"""A scanner that sends to a box without processes, at times of the test's own, and what the box makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, select

from capture.dicom.told import Step, StepState
from capture.digest import digest
from cloud_sync.wire.codec import decode_event
from cloud_sync.wire.messages import ResultEvent
from edge.pipeline import hearing
from edge.pipeline.dispatch import Dispatch
from edge.pipeline.set_job import SetJob
from edge.pipeline.work import Group, Job, Outcome, run_group, run_job, run_set
from edge.store import cases, sets
from edge.store.schema import case, image_set, verdict
from models.content import drafts, factory
from models.judge import Content
from models.producer import discover
from models.sets.facts import PRODUCERS as SETS
from models.sets.image_set import Completeness, Level
from tests.factories import ct, phantom, uid, write
from tests.unit.edge.box import Box

QUIET_MS, STUDY_MS = 15_000, 300_000
PICTURE = phantom(32, 32, 2000, 4)


class InProcess:
    """Workers in this process. ``lost``: what each judging of a set costs first."""

    def __init__(self, *lost: Exception) -> None:
        self.together: list[int] = []
        self.sets: list[SetJob] = []
        self.lost = list(lost)

    async def judge(self, job: Job) -> Outcome:
        self.together.append(1)
        return run_job(job)

    async def judge_together(self, jobs: Sequence[Job]) -> tuple[Outcome | None, ...]:
        self.together.append(len(jobs))
        return run_group(Group(tuple(jobs)))

    async def judge_set(self, job: SetJob, seconds: float) -> Outcome:
        self.sets.append(job)
        if self.lost:
            raise self.lost.pop(0)
        return run_set(job)


@cache
def little() -> Content:
    """The rules of any header: what sets are judged for is tested where it is measured."""
    return Content(discover(), drafts.only_rules([factory.PACKS / "dicom-header"]), set_producers=SETS)


@dataclass
class Scanner:
    """Sends slices of its one study at the times that it is told."""

    box: Box
    folder: Path
    name: str = "CT1"

    def image(self, number: int, series: str) -> str:
        return uid(self.name, series, number)

    def send(
        self, number: int, at: int, *, series: str = "a", association: str = "", content: bytes = b"",
        **changes: object,
    ) -> str:  # fmt: skip
        made = ct(
            PICTURE, number,
            **{
                "SOPInstanceUID": self.image(number, series), "SeriesInstanceUID": uid(self.name, series),
                "StudyInstanceUID": uid(self.name, "study"), "DeviceSerialNumber": self.name,
            } | changes,
        )  # fmt: skip
        return self.put(content or write(made, self.folder / "one.dcm").read_bytes(), at, association)

    def put(self, content: bytes, at: int, association: str = "") -> str:
        spool = self.box.spool
        with spool.receive(
            kind="dicom", source="dicom", calling_ae=self.name, association=association, sop_class=cases.SLICES[0]
        ) as incoming:
            incoming.write(content)
            arrival = replace(incoming.commit(at), digest=digest(content))
        self.box.services.blobs.link_files([(spool.path(arrival), arrival.digest)])
        self.box.db.write(lambda c: cases.take_in(c, arrival, at))
        return arrival.id

    def tell(self, told: hearing.Told, now: int) -> None:
        quiet = hearing.quiet_of(self.box.services.settings.sets)
        self.box.db.write(lambda c: hearing.take_note(c, told, quiet, now))

    def step(self, state: StepState, now: int, *, images: int = 0, series: str = "a") -> None:
        listed = tuple(self.image(number, series) for number in range(images))
        self.tell(Step(uid("step"), uid(self.name, "study"), state, ((uid(self.name, series), listed),)), now)


async def work(box: Box, clock: list[int], now: int, workers: InProcess | None = None) -> InProcess:
    """Everything that is due at ``now``."""
    bench = workers or InProcess()
    dispatch = Dispatch(box.services, bench, 1)
    clock[0] = now
    while claimed := box.db.write(dispatch._claim):
        if len(claimed) > 1:
            await dispatch._together(claimed, asyncio.Event())
        else:
            await dispatch.bring_to_an_end(claimed[0], asyncio.Event())
    return bench


def verdicts(box: Box, level: Level) -> list[int | None]:
    """What each verdict on sets of this level replaces, in order."""
    query = select(verdict.c.replaces).join(case, case.c.id == verdict.c.case_id).where(case.c.kind == level)
    return box.db.read(lambda c: list(c.scalars(query.order_by(verdict.c.id))))


def completeness(box: Box, level: Level = "series") -> Completeness:
    def read(connection: Connection) -> Completeness:
        case_id = connection.scalar(select(image_set.c.case_id).where(image_set.c.level == level).limit(1))
        return sets.content(connection, str(case_id)).completeness

    return box.db.read(read)


def events(box: Box, level: Level) -> list[ResultEvent]:
    rows = box.services.outbox.due(10**15, 100, fresh=True)
    found = (decode_event(row.payload) for row in rows)
    return [one for one in found if isinstance(one, ResultEvent) and one.data.level == level]
