"""A box that behaves: a durable outbox in SQLite behind ``OutboxPort``, and results to put into it.

For tests of the link and the centre without the appliance. As a program (``python -m tests.simulated_box``)
it is a whole box: it makes results and sends them, and can be killed, paused and told to die at a crash point.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cloud_sync.kit.log import configure
from cloud_sync.link.client import Link
from cloud_sync.link.ports import BirthFacts, OutboxStatus, Pending, Rejected
from cloud_sync.link.settings import LinkSettings
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode
from cloud_sync.wire.messages import DeviceFacts, Fact, Finding, PackUsed, ResultData, ResultEvent, Titles
from cloud_sync.wire.words import Clock, Grade, Level, Severity

STREAM = "01J9Z3NDEKTSV4RRFFQ69G5FAV"
READ_ONCE: tuple[Callable[[], object], ...] = ()
"""See tests/nursery.py."""

_TABLES = """
create table if not exists outbox (
    seq integer primary key autoincrement, payload blob not null, state text not null default 'pending',
    attempts integer not null default 0, next_at integer not null default 0, created_at integer not null,
    code text
) strict;
create table if not exists produced (seq integer primary key) strict;
"""


def now_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def result_data(number: int) -> ResultData:
    """One plausible chest image; ``number`` varies grade, score and device."""
    grades = (Grade.JIA, Grade.JIA, Grade.YI, Grade.BING, Grade.FEI, None)
    grade = grades[number % len(grades)]
    rotated = Finding(
        rule="dx.chest.rotation", level=Level.FAIL, severity=Severity.MAJOR, group="positioning", deduct=10.0,
        title=Titles(zh="胸部旋转", en="Chest rotated"),
        evidence=(Fact(name="chest.rotation_deg", value=7.5, unit="deg"),),
        layer="L1", pack="radiography-chest-pa",
    )  # fmt: skip
    patient, study, series, instance = (f"{number + step:032x}" for step in range(4))
    measures = tuple(Fact(name=f"image.measure_{index}", value=index * 1.25, unit="mm") for index in range(8))
    return ResultData(
        patient=patient, study=study, series=series, instance=instance,
        device=DeviceFacts(
            manufacturer="Ray Works", model="DR 3000", serial=f"S{number % 3}", station=f"DR{number % 3 + 1}",
            institution="First Hospital", ae=f"DR{number % 3 + 1}",
        ),
        modality=("DX", "CR", "CT")[number % 3], body_part="CHEST", view="PA", acquired="2026-11-21T10:11:12",
        received=now_ms(), grade=grade, score=None if grade is None else 100.0 - number % 40,
        findings=(rotated,) if number % 6 > 2 else (),
        measurements=measures,
        packs=(PackUsed(name="radiography-chest-pa", version=1, sha256="ab" * 32),), latency_ms=740.0,
    )  # fmt: skip


def result_event(
    box: str, stream: str, seq: int, boot: str = "b00t", data: ResultData | None = None
) -> ResultEvent:
    """One result as the appliance would put it into its outbox."""
    return ResultEvent(
        id=topics.event_id(stream, seq), source=topics.source(box), stream=stream, seq=seq, boot=boot,
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), clock=Clock.SYNCED, data=data or result_data(seq),
    )  # fmt: skip


class SimulatedOutbox:
    """``OutboxPort`` in 100 lines, with the promises of ports.py. Safe from any thread."""

    def __init__(self, path: Path, box: str = "box-a", stream: str = STREAM, *, synced: bool = True) -> None:
        """``synced`` False trades the power-cut promise for speed; a killed process loses nothing either way."""
        self.box, self.stream = box, stream
        self._lock = threading.Lock()
        self._base = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._base.execute("pragma journal_mode=wal")
        self._base.execute(f"pragma synchronous={'full' if synced else 'normal'}")
        self._base.executescript(_TABLES)
        self._backlog_to = self._highest()

    def add(self, count: int = 1, make: Callable[[int], bytes] | None = None) -> None:
        """``count`` results, each in the outbox and in ``produced``, in one transaction."""
        with self._lock:
            self._base.execute("begin immediate")
            for _ in range(count):
                seq = self._highest() + 1
                payload = make(seq) if make else encode(result_event(self.box, self.stream, seq))
                self._base.execute(
                    "insert into outbox (seq, payload, created_at) values (?, ?, ?)", (seq, payload, now_ms())
                )
                self._base.execute("insert into produced values (?)", (seq,))
            self._base.execute("commit")

    def due(self, now: int, limit: int, fresh: bool) -> Sequence[Pending]:
        """See OutboxPort."""
        lane = ">" if fresh else "<="
        rows = self._ask(
            f"select seq, payload, attempts from outbox where state = 'pending' and next_at <= ? and seq {lane} ?"
            " order by seq limit ?",
            (now, self._backlog_to, limit),
        )
        return [Pending(seq, payload, attempts, fresh) for seq, payload, attempts in rows]

    def sent(self, seqs: Sequence[int], next_at: int) -> None:
        """See OutboxPort."""
        marks = ",".join("?" * len(seqs))
        self._do(
            f"update outbox set attempts = attempts + 1, next_at = ? where state = 'pending' and seq in ({marks})",
            (next_at, *seqs),
        )

    def acknowledged(self, stream: str, ranges: Sequence[tuple[int, int]], now: int) -> int:
        """See OutboxPort."""
        if stream != self.stream:
            return 0
        return sum(
            self._do(
                "update outbox set state = 'acked'"
                " where state = 'pending' and attempts > 0 and seq between ? and ?",
                pair,
            )
            for pair in ranges
        )

    def rejected(self, stream: str, rows: Sequence[Rejected], now: int) -> int:
        """See OutboxPort."""
        if stream != self.stream:
            return 0
        return sum(
            self._do(
                "update outbox set state = 'quarantined', code = ?"
                " where state = 'pending' and attempts > 0 and seq = ?",
                (row.code, row.seq),
            )
            for row in rows
        )

    def resend(self, ranges: Sequence[tuple[int, int]]) -> int:
        """See OutboxPort."""
        return sum(
            self._do("update outbox set state = 'pending', next_at = 0 where seq between ? and ?", pair)
            for pair in ranges
        )

    def reconnected(self) -> None:
        """See OutboxPort."""
        with self._lock:
            self._base.execute("update outbox set next_at = 0 where state = 'pending'")
            self._backlog_to = self._highest()

    def status(self, now: int) -> OutboxStatus:
        """See OutboxPort."""
        ((depth, oldest),) = self._ask("select count(*), min(created_at) from outbox where state = 'pending'", ())
        return OutboxStatus(
            self.stream, self._highest(), depth, 0.0 if oldest is None else max(0, now - oldest) / 1000,
            len(self.numbers("quarantined")),
        )  # fmt: skip

    def numbers(self, state: str) -> set[int]:
        """Which rows are pending, acked or quarantined."""
        return {seq for (seq,) in self._ask("select seq from outbox where state = ?", (state,))}

    def close(self) -> None:
        """Give the file back."""
        self._base.close()

    def _highest(self) -> int:
        row = self._base.execute("select seq from sqlite_sequence where name = 'outbox'").fetchone()
        return int(row[0]) if row else 0

    def _ask(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._base.execute(sql, tuple(values)).fetchall()

    def _do(self, sql: str, values: Sequence[object]) -> int:
        with self._lock:
            return self._base.execute(sql, tuple(values)).rowcount


def dying(step: str, after: int) -> Callable[[str], None]:
    """A crash hook that ends the process, without any clean-up, the ``after``-th time ``step`` is reached."""
    reached = 0

    def at(name: str) -> None:
        nonlocal reached
        reached += name == step
        if step and reached >= after:
            os._exit(86)

    return at


def facts() -> BirthFacts:
    """What a simulated box says of itself."""
    return BirthFacts(agent="0.0-simulated", site="Test site", disk_pct=12.5, clock_synced=True)


def produced(path: Path) -> set[int]:
    """Numbers a box has ever made: the oracle P of fleet-sync.md 11."""
    with closing(sqlite3.connect(path)) as base:
        return {seq for (seq,) in base.execute("select seq from produced")}


def main(arguments: Sequence[str]) -> None:
    """A whole box: ``--folder`` keeps its outbox, ``--every`` seconds it makes a result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--box", required=True)
    parser.add_argument("--stream", default=STREAM)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--every", type=float, default=0.0)
    parser.add_argument("--ack-timeout", type=float, default=1.0)
    parser.add_argument("--mutant", default="")
    parser.add_argument("--die-at", default="")
    parser.add_argument("--die-after", type=int, default=1)
    chosen = parser.parse_args(arguments)
    configure("box")
    if chosen.mutant:
        importlib.import_module(f"tests.end_to_end.mutants.{chosen.mutant}").mutate()
    outbox = SimulatedOutbox(chosen.folder / f"{chosen.box}.db", chosen.box, chosen.stream)
    settings = LinkSettings(
        port=chosen.port, drain_delay_s=0, ack_timeout_s=chosen.ack_timeout,
        ack_timeout_most_s=4 * chosen.ack_timeout, reconnect_first_s=0.1, reconnect_most_s=0.5, keepalive_s=5,
    )  # fmt: skip
    at = dying(chosen.die_at, chosen.die_after)
    link = Link(settings, outbox, chosen.box, f"{os.getpid()}-{now_ms() % 100000}", facts, at=at)
    stop = threading.Event()
    threading.Thread(target=link.run, args=(stop,), daemon=True).start()
    while True:
        if chosen.every:
            outbox.add()
            link.nudge()
        time.sleep(chosen.every or 1.0)


if __name__ == "__main__":
    main(sys.argv[1:])
