"""The outbox: facts for the centre, written in the transaction that made them, kept until it has them.

What the link sees is :class:`cloud_sync.link.ports.OutboxPort`; what the appliance adds is :meth:`Outbox.add`.
A row leaves ``pending`` only by the centre's own acknowledgement, sent after its COMMIT. A PUBACK of the
broker is no acknowledgement (fleet-sync.md 5.2: brokers answer it and lose the message).
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select, text
from sqlalchemy.dialects.sqlite import insert

from cloud_sync.link.ports import OutboxStatus, Pending, Rejected
from edge.clock import now_ms
from edge.pipeline import states
from edge.store.database import Database
from edge.store.schema import meta, outbox

_RANGES = 200
_ADD = outbox.insert()
_HIGHEST = text("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'")
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_stream(now: int) -> str:
    """A ULID (https://github.com/ulid/spec): 48 bits of UTC milliseconds, 80 random bits."""
    number = now << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -5, -5))


class Outbox:
    """Implements ``OutboxPort`` over the appliance's database. Safe from any thread."""

    def __init__(self, db: Database) -> None:
        """Read this database's stream, or make it: a new file is a new stream."""
        self._db = db
        self.boot = secrets.token_hex(4)
        """Changes at each start of the agent: ties a birth to its will."""
        self.stream = db.write(_stream)
        self._backlog = db.read(_highest)

    def add(
        self,
        connection: Connection,
        type: str,
        make_payload: Callable[[int, str, str], bytes],
        case_id: str | None,
    ) -> int:
        """Queue one event inside the caller's transaction; return its seq.

        ``make_payload(seq, id, stream)`` returns the bytes as they go on the wire; the number is inside them.
        """
        seq = _highest(connection) + 1
        event_id = f"{self.stream}-{seq:06d}"
        row = {
            "seq": seq,
            "id": event_id,
            "type": type,
            "case_id": case_id,
            "payload": make_payload(seq, event_id, self.stream),
            "boot": self.boot,
            "created_at": now_ms(),
            "state": "pending",
        }
        connection.execute(_ADD, row)
        return seq

    def due(self, now: int, limit: int, fresh: bool) -> Sequence[Pending]:
        """Rows of one lane whose ``next_at`` has come, lowest seq first, not more than ``limit``."""
        lane = outbox.c.seq > self._backlog if fresh else outbox.c.seq <= self._backlog
        query = (
            select(outbox.c.seq, outbox.c.payload, outbox.c.attempts)
            .where(outbox.c.state == "pending", outbox.c.next_at <= now, lane)
            .order_by(outbox.c.seq)
            .limit(limit)
        )
        rows = self._db.read(lambda connection: connection.execute(query).all())
        return [Pending(row.seq, row.payload, row.attempts, fresh) for row in rows]

    def sent(self, seqs: Sequence[int], next_at: int) -> None:
        """These were handed to the broker: count the attempt, do not offer them before ``next_at``."""
        change = (
            outbox.update()
            .where(outbox.c.seq.in_(seqs), outbox.c.state == "pending")
            .values(attempts=outbox.c.attempts + 1, next_at=next_at)
        )
        self._db.write(lambda connection: connection.execute(change))

    def acknowledged(self, stream: str, ranges: Sequence[tuple[int, int]], now: int) -> int:
        """The centre has committed these. Another stream's ack and rows never sent change nothing."""
        if stream != self.stream or not ranges:
            return 0

        def change(connection: Connection, within: ColumnElement[bool]) -> int:
            sent = and_(outbox.c.state == "pending", outbox.c.attempts > 0, within)
            cases = connection.scalars(
                select(outbox.c.case_id).where(
                    sent, outbox.c.type == "qc.result.v1", outbox.c.case_id.is_not(None)
                )
            ).all()
            changed = connection.execute(outbox.update().where(sent).values(state="acked", acked_at=now)).rowcount
            states.report(connection, [case for case in cases if case], now)
            return changed

        return self._db.write(lambda connection: sum(change(connection, part) for part in _within(ranges)))

    def rejected(self, stream: str, rows: Sequence[Rejected], now: int) -> int:
        """The centre refuses these for good: quarantine them, visible to people, never lost."""
        if stream != self.stream:
            return 0

        def change(connection: Connection) -> int:
            return sum(
                connection.execute(
                    outbox.update()
                    .where(outbox.c.seq == row.seq, outbox.c.state == "pending", outbox.c.attempts > 0)
                    .values(state="quarantined", acked_at=now, reject_code=row.code, reject_detail=row.detail)
                ).rowcount
                for row in rows
            )

        return self._db.write(change)

    def resend(self, ranges: Sequence[tuple[int, int]]) -> int:
        """Make rows (also acknowledged and refused ones still kept) due again, because the centre asked."""
        if not ranges:
            return 0
        change = outbox.update().values(state="pending", next_at=0, acked_at=None)
        return self._db.write(
            lambda connection: sum(connection.execute(change.where(part)).rowcount for part in _within(ranges))
        )

    def reconnected(self) -> None:
        """Everything unacknowledged is due again, from the lowest seq; all of it is backlog now."""
        change = outbox.update().where(outbox.c.state == "pending", outbox.c.next_at > 0).values(next_at=0)

        def again(connection: Connection) -> int:
            connection.execute(change)
            return _highest(connection)

        self._backlog = self._db.write(again)

    def status(self, now: int) -> OutboxStatus:
        """Depth, age and highest seq."""
        return self._db.read(lambda connection: self._status(connection, now))

    def prune(self, connection: Connection, before: int) -> int:
        """Forget rows acknowledged before this time; seq is never reused."""
        return connection.execute(
            outbox.delete().where(outbox.c.state == "acked", outbox.c.acked_at < before)
        ).rowcount

    def _status(self, connection: Connection, now: int) -> OutboxStatus:
        waiting = select(func.count(), func.min(outbox.c.created_at)).where(outbox.c.state == "pending")
        depth, oldest = connection.execute(waiting).one()
        refused = select(func.count()).where(outbox.c.state == "quarantined")
        return OutboxStatus(
            stream=self.stream,
            seq_hi=_highest(connection),
            depth=depth,
            oldest_age_s=0.0 if oldest is None else max(0, now - oldest) / 1000,
            quarantined=connection.scalar(refused) or 0,
        )


def restart(connection: Connection) -> int:
    """Begin a new stream in a database that was restored from a backup; return how many events still wait.

    The box that wrote the backup lived on and used the numbers after it; using them again for other content would
    look like forgery at the centre. What the backup held as unacknowledged is numbered anew: the centre may have
    some of it from the old stream already, but losing it would be worse.
    """
    waiting = connection.execute(select(outbox).where(outbox.c.state == "pending").order_by(outbox.c.seq)).all()
    stream = new_stream(now_ms())
    connection.execute(outbox.delete())
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'outbox'"))
    connection.execute(meta.update().where(meta.c.key == "stream").values(value=stream))
    for seq, row in enumerate(waiting, 1):
        event_id = f"{stream}-{seq:06d}"
        event = {**json.loads(row.payload), "id": event_id, "stream": stream, "seq": seq}
        payload = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
        again = {**row._mapping, "seq": seq, "id": event_id, "payload": payload, "attempts": 0, "next_at": 0}
        connection.execute(outbox.insert().values(again))
    return len(waiting)


def _stream(connection: Connection) -> str:
    made = insert(meta).values(key="stream", value=new_stream(now_ms())).on_conflict_do_nothing()
    connection.execute(made)
    return str(connection.execute(select(meta.c.value).where(meta.c.key == "stream")).scalar_one())


def _highest(connection: Connection) -> int:
    """The highest seq ever given out, also of rows since pruned; rolled back with the transaction."""
    found = connection.scalar(_HIGHEST)
    return int(found or 0)


def _within(ranges: Sequence[tuple[int, int]]) -> Iterator[ColumnElement[bool]]:
    """In parts: SQLite takes an expression of at most 1000 levels, and a message holds thousands of ranges."""
    for start in range(0, len(ranges), _RANGES):
        part = ranges[start : start + _RANGES]
        yield or_(*(outbox.c.seq.between(low, high) for low, high in part))
