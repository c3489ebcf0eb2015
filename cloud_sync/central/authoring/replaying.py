"""Replays in a limited process, one after another: neither the pages nor the ingest wait for one.

The process takes what waits in the table until nothing does. It may be killed at any moment: a replay that was
running then is shown as failed, with the rule that went over a limit if one did, and can be asked for again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from time import monotonic

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from capture.text import Bilingual
from cloud_sync.central import queries, schema
from cloud_sync.central.authoring import deciding, drafts, tables
from cloud_sync.central.authoring.checking import compiled
from cloud_sync.central.authoring.library import Library
from cloud_sync.central.authoring.replay import Trial
from cloud_sync.central.authoring.report import REPORT, Report, Tally
from cloud_sync.central.authoring.terms import By, Draft
from cloud_sync.central.database import Database
from cloud_sync.central.signing.repository import Repository
from cloud_sync.kit.limited import Gauge, Limited, Limits, Over
from cloud_sync.wire.codec import decode_event
from cloud_sync.wire.messages import Event, ResultData
from models.measurement import Value
from models.rules.pack import RulePack
from models.rules.rule import Decision, Rule
from models.rules.verdict import Limit, Severity

MOST = 20_000
"""Results of one replay."""
_AT_ONCE = 100
_EVERY_S = 0.4
LIMITS = Limits(memory_mb=512, burst_s=2, each_s=0.05)
"""Of a replay; a result takes 4 ms with what ships."""
_OVER = TypeAdapter(Over)
_replay, _event = tables.replay, schema.event


@dataclass(frozen=True, slots=True)
class Replay:
    """One try of a draft. ``report`` None until it is done."""

    id: int
    draft: int
    edit: int
    account: str
    at: int
    sites: tuple[str, ...]
    boxes: tuple[str, ...]
    most: int
    state: str
    done: int
    total: int
    report: Report | None
    over: Over | None
    """What ended it before it was done."""

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")

    @property
    def why(self) -> tuple[Bilingual, Bilingual] | None:
        """What ended it, in words, and the remedy."""
        return deciding.words(self.over, LIMITS) if self.over else None


def ask(
    connection: Connection,
    draft: Draft,
    sites: Sequence[str],
    boxes: Sequence[str],
    most: int,
    by: By,
) -> int:
    """Put a replay into the queue; its number. Empty ``sites`` and ``boxes``: all."""
    values = {
        "draft": draft.id, "edit": draft.edit, "account": by.account, "at": by.now, "most": min(most, MOST),
        "sites": json.dumps(list(sites)), "boxes": json.dumps(list(boxes)), "state": "waiting",
    }  # fmt: skip
    return int(connection.execute(_replay.insert().values(values).returning(_replay.c.id)).scalar_one())


def read(connection: Connection, number: int) -> Replay | None:
    """One replay."""
    return next(iter(_rows(connection, number=number)), None)


def newest(connection: Connection, draft: int) -> Replay | None:
    """The last one of a draft."""
    return next(iter(_rows(connection, draft=draft)), None)


class Replayer:
    """Keeps one process at work while something waits."""

    def __init__(self, database: Database, repository: Path) -> None:
        self._database, self._repository = database, repository
        self._lock = threading.Lock()
        self._process: Limited | None = None

    def nudge(self) -> None:
        """See to it that what waits is worked on. Blocks for a transaction; call it from a worker thread."""
        with self._lock:
            if self._process is not None and self._process.alive:
                return
            over = self._process.over() if self._process is not None else None
            self._process = None
            with self._database.write() as connection:
                # Nobody works on these any more: the process was ended, or the centre was.
                values = {"state": "failed", "report": _OVER.dump_json(over).decode() if over else ""}
                connection.execute(_replay.update().where(_replay.c.state == "running").values(values))
                waiting = connection.scalar(select(_replay.c.id).where(_replay.c.state == "waiting").limit(1))
            if waiting is not None:
                self._process = Limited(work, LIMITS, self._database.url, self._repository)

    def close(self) -> None:
        """End the process, if one works."""
        with self._lock:
            if self._process is not None:
                self._process.end()


def work(gauge: Gauge, url: str, repository: Path) -> None:
    """The process: take replays until none waits."""
    library = Library(Repository(repository))
    with closing(Database(url)) as database:
        while (taken := _take(database)) is not None:
            report = _run(gauge, database, library, taken)
            with database.write() as connection:
                values = {"state": "done", "done": report.read, "report": REPORT.dump_json(report).decode()}
                connection.execute(_replay.update().where(_replay.c.id == taken.id).values(values))


def _take(database: Database) -> Replay | None:
    with database.write() as connection:
        number = connection.scalar(
            select(_replay.c.id).where(_replay.c.state == "waiting").order_by(_replay.c.id).limit(1)
        )
        if number is None:
            return None
        connection.execute(_replay.update().where(_replay.c.id == number).values(state="running"))
        return read(connection, number)


def _run(gauge: Gauge, database: Database, library: Library, replay: Replay) -> Report:
    with database.read() as connection:
        text = drafts.text_at(connection, replay.draft, replay.edit)
        chosen = _chosen(connection, replay)
    pack = compiled(text, [])
    tally = Tally()
    if pack is None:  # it was sound when it was asked for
        return tally.report()
    trial = Trial([_watched(one, gauge) for one in library.packs()], _watched(pack, gauge))
    told_at = 0.0
    for done, (event_id, event, data) in enumerate(_results(database, chosen), start=1):
        gauge.next()
        tally.add(event_id, event.box, data.received, trial.judge(data))
        if monotonic() - told_at > _EVERY_S:
            told_at = monotonic()
            with database.write() as connection:
                progress = {"done": done, "total": len(chosen)}
                connection.execute(_replay.update().where(_replay.c.id == replay.id).values(progress))
    return tally.report()


def _watched(pack: RulePack, gauge: Gauge) -> RulePack:
    """The pack with rules that say that it is their turn."""

    class Watched(Rule):
        def decide(self, facts: Mapping[str, Value], limits: tuple[Limit, ...], severity: Severity) -> Decision:
            gauge.at(self.spec.id)
            return super().decide(facts, limits, severity)

    made = [field.name for field in fields(Rule) if field.init]
    rules = (Watched(**{name: getattr(rule, name) for name in made}) for rule in pack.rules)
    return replace(pack, rules=tuple(rules))


def _chosen(connection: Connection, replay: Replay) -> list[int]:
    """The newest results of the chosen hospitals and boxes."""
    result = schema.result
    site = queries.DIMENSIONS["site"]
    query = (
        select(result.c.event_id)
        .join(schema.box, schema.box.c.name == result.c.box)
        .where(result.c.mode != "shadow")
        .order_by(result.c.event_id.desc())
        .limit(replay.most)
    )
    if replay.sites or replay.boxes:
        query = query.where(site.in_(replay.sites) | result.c.box.in_(replay.boxes))
    return list(connection.scalars(query))


def _results(database: Database, chosen: Sequence[int]) -> Iterator[tuple[int, Event, ResultData]]:
    """Newest first, without those that a later result corrected."""
    corrected: set[tuple[str, str, int]] = set()
    for start in range(0, len(chosen), _AT_ONCE):
        query = select(_event.c.id, _event.c.payload).where(_event.c.id.in_(chosen[start : start + _AT_ONCE]))
        with database.read() as connection:
            rows = connection.execute(query.order_by(_event.c.id.desc())).all()
        for row in rows:
            event = decode_event(bytes(row.payload))
            if not isinstance(event.data, ResultData) or (event.box, event.stream, event.seq) in corrected:
                continue
            if event.data.replaces is not None:
                corrected.add((event.box, event.stream, event.data.replaces))
            yield row.id, event, event.data


def _rows(connection: Connection, number: int | None = None, draft: int | None = None) -> list[Replay]:
    query = select(_replay).order_by(_replay.c.id.desc()).limit(1)
    query = query.where(_replay.c.id == number) if number is not None else query.where(_replay.c.draft == draft)
    return [
        Replay(
            row.id, row.draft, row.edit, row.account, row.at, tuple(json.loads(row.sites)),
            tuple(json.loads(row.boxes)), row.most, row.state, row.done, row.total,
            REPORT.validate_json(row.report) if row.state == "done" else None,
            _OVER.validate_json(row.report) if row.state == "failed" and row.report else None,
        )
        for row in connection.execute(query)
    ]  # fmt: skip
