"""One batch of events into the tables, in one transaction, each number of a stream at most once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_

from cloud_sync.central import schema
from cloud_sync.central.database import Database
from cloud_sync.central.judging import Accepted, Refused
from cloud_sync.central.rollout import events
from cloud_sync.central.streams import settle
from cloud_sync.wire import ranges
from cloud_sync.wire.control import Ack, Refusal
from cloud_sync.wire.messages import ResultData

Key = tuple[str, str, int]
"""Box, stream, number."""

_INTEGRITY = "integrity"


@dataclass(frozen=True, slots=True)
class Stored:
    """What a batch came to. ``acks``: box and its acknowledgement, valid only after the COMMIT."""

    new: int
    repeated: int
    dead_letters: int
    conflicts: int
    acks: tuple[tuple[str, Ack], ...]


def store(database: Database, connection: Connection, batch: Sequence[Accepted | Refused], now: int) -> Stored:
    """Insert what is new, keep what is unreadable, notice what contradicts. ``now``: UTC milliseconds."""
    accepted = [one for one in batch if isinstance(one, Accepted)]
    refused = [one for one in batch if isinstance(one, Refused)]
    new = _insert_events(database, connection, accepted, now)
    conflicting = _conflicts(connection, accepted)
    _insert_alarms(database, connection, conflicting, refused, now)
    _insert_dead_letters(database, connection, refused, now)
    settled = [_key(one) for one in accepted]
    settled += [(one.box, one.stream, one.seq) for one in refused if one.stream and one.seq]
    return Stored(
        new=new,
        repeated=len(accepted) - new - len(conflicting),
        dead_letters=len(refused),
        conflicts=len(conflicting),
        acks=_acks(connection, settled, conflicting, refused, now),
    )


def _key(one: Accepted) -> Key:
    return one.box, one.event.stream, one.event.seq


def _insert_events(database: Database, connection: Connection, accepted: list[Accepted], now: int) -> int:
    if not accepted:
        return 0
    first: dict[Key, Accepted] = {}
    for one in accepted:
        first.setdefault(_key(one), one)
    rows = [
        {
            "box": one.box, "stream": one.event.stream, "seq": one.event.seq, "type": one.event.type,
            "time": one.event.time, "received_at": now, "sha256": one.sha256, "payload": one.payload,
        }
        for one in first.values()
    ]  # fmt: skip
    table = schema.event
    statement = database.insert_new(table).values(rows)
    inserted = connection.execute(statement.returning(table.c.id, table.c.box, table.c.stream, table.c.seq)).all()
    results: list[dict[str, object]] = []
    findings: list[dict[str, object]] = []
    heard: list[events.Heard] = []
    for row in inserted:
        data = first[row.box, row.stream, row.seq].event.data
        heard.append(events.Heard(row.id, row.box, row.stream, row.seq, now, data))
        if isinstance(data, ResultData):
            results.append(_result(row.id, row.box, data))
            findings.extend(_findings(row.id, data))
    if results:
        connection.execute(schema.result.insert(), results)
    if findings:
        connection.execute(schema.finding.insert(), findings)
    events.keep(database, connection, heard)
    return len(inserted)


def _result(event_id: int, box: str, data: ResultData) -> dict[str, object]:
    device = data.device
    return {
        "event_id": event_id, "box": box, "study": data.study, "instance": data.instance,
        "manufacturer": device.manufacturer, "model": device.model, "serial": device.serial,
        "station": device.station, "institution": device.institution, "ae": device.ae,
        "modality": data.modality, "body_part": data.body_part, "view": data.view,
        "laterality": data.laterality, "acquired": data.acquired, "received": data.received,
        "grade": data.grade, "score": data.score, "latency_ms": data.latency_ms, "mode": data.mode,
        "not_assessed": len(data.not_assessed),
    }  # fmt: skip


def _findings(event_id: int, data: ResultData) -> Iterable[dict[str, object]]:
    for one in data.findings:
        yield {
            "event_id": event_id, "rule": one.rule, "level": one.level, "severity": one.severity,
            "group_": one.group, "deduct": one.deduct, "title_zh": one.title.zh, "title_en": one.title.en,
        }  # fmt: skip


def _conflicts(connection: Connection, accepted: list[Accepted]) -> list[Accepted]:
    """Those whose number is taken by other content: a box restored from an old disk, or two boxes of one name."""
    if not accepted:
        return []
    table = schema.event
    keys = list({_key(one) for one in accepted})
    query = select(table.c.box, table.c.stream, table.c.seq, table.c.sha256).where(
        tuple_(table.c.box, table.c.stream, table.c.seq).in_(keys)
    )
    kept = {(row.box, row.stream, row.seq): row.sha256 for row in connection.execute(query)}
    return [one for one in accepted if kept[_key(one)] != one.sha256]


def _insert_alarms(
    database: Database, connection: Connection, conflicting: list[Accepted], refused: list[Refused], now: int
) -> None:
    rows: list[dict[str, object]] = [
        {
            "box": one.box, "kind": "content", "stream": one.event.stream, "seq": one.event.seq,
            "sha256": one.sha256, "raised_at": now,
        }
        for one in conflicting
    ]  # fmt: skip
    rows += [
        {
            "box": one.box, "kind": "source", "stream": one.stream or "", "seq": one.seq or 0,
            "sha256": one.sha256, "raised_at": now,
        }
        for one in refused
        if one.code == "source"
    ]  # fmt: skip
    if rows:
        connection.execute(database.insert_new(schema.alarm).values(rows))


def _insert_dead_letters(database: Database, connection: Connection, refused: list[Refused], now: int) -> None:
    rows = [
        {
            "box": one.box, "stream": one.stream, "seq": one.seq, "received_at": now, "code": one.code,
            "detail": one.detail, "sha256": one.sha256, "bytes": one.size, "payload": one.payload,
        }
        for one in refused
    ]  # fmt: skip
    if rows:
        connection.execute(database.insert_new(schema.dead_letter).values(rows))


def _acks(
    connection: Connection, settled: list[Key], conflicting: list[Accepted], refused: list[Refused], now: int
) -> tuple[tuple[str, Ack], ...]:
    rejected: dict[Key, Refusal] = {}
    for one in conflicting:
        rejected[_key(one)] = Refusal(seq=one.event.seq, code=_INTEGRITY, detail="number taken by other content")
    for bad in refused:
        if bad.stream and bad.seq:
            rejected[bad.box, bad.stream, bad.seq] = Refusal(seq=bad.seq, code=bad.code, detail=bad.detail)
    by_stream: dict[tuple[str, str], set[int]] = {}
    for box, stream, seq in settled:
        by_stream.setdefault((box, stream), set()).add(seq)
    return tuple(
        (
            box,
            Ack(
                stream=stream,
                ok=ranges.from_numbers(seq for seq in numbers if (box, stream, seq) not in rejected),
                rej=tuple(rejected[box, stream, seq] for seq in sorted(numbers) if (box, stream, seq) in rejected),
                hi=settle(connection, box, stream, max(numbers), now),
                t=now,
            ),
        )
        for (box, stream), numbers in by_stream.items()
    )
