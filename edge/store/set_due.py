"""When a set is due: what says that it is whole, and until when its case is held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select

from edge.pipeline import states
from edge.store.evidence import said_of
from edge.store.schema import acquisition, case, image_set, set_member
from models.sets.header_count import HeaderCount, Time, header_count
from models.sets.image_set import Because, Level

_TRUST_AGAIN_MS = 7 * 24 * 3600 * 1000
"""A device whose evidence was wrong is not believed for a week: perhaps it sends every image by itself."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Milliseconds without a new image after which nothing more is expected."""

    series: int
    study: int
    devices: Mapping[str, int] = field(default_factory=dict)
    """Of the series of a device, by the AE title it calls with."""

    def of(self, level: Level, calling_ae: str) -> int:
        """For a set of this device."""
        return self.study if level == "study" else self.devices.get(calling_ae, self.series)


def hold(connection: Connection, row: Row[Any], quiet: Quiet, now: int, *, joined: bool, is_new: bool) -> None:
    """Work out when a set is due and why, and hold its case until then."""
    own = image_set.update().where(image_set.c.id == row.id)
    state = connection.scalars(select(case.c.state).where(case.c.id == row.case_id)).one()
    done = state in ("judged", "reported", "set_aside")
    if done and is_new and row.because is not None:
        # What said that it was whole was wrong. Nobody is misled by the same image once more.
        connection.execute(own.values(misled_by=row.because))
    because, next_at = _evidence(connection, row, quiet, now)
    if done and not joined and (because is None) == (row.because is None):
        return
    connection.execute(own.values(because=because))
    place = {"received_at": row.last_image_at, "device_id": row.device_id, "exam_id": row.exam_id}
    if joined:
        place["pixels_gone_at"] = None  # its picture is drawn anew
    connection.execute(case.update().where(case.c.id == row.case_id).values(next_at=next_at, **place))
    if done:
        states.reopen(connection, row.case_id, now, next_at)


def _evidence(connection: Connection, row: Row[Any], quiet: Quiet, now: int) -> tuple[Because | None, int]:
    """What says that the set is whole, the strongest first, and when it is due; None: something is missing."""
    said = said_of(connection, row.level, row.uid, row.id)
    quiet_at = row.last_image_at + quiet.of(row.level, row.calling_ae)
    if said is not None:
        return (None, quiet_at) if said.missing else (said.evidence, now)
    if row.level == "study":
        return "quiet", quiet_at
    return _counted(connection, row, now) or _released(connection, row, now) or ("quiet", quiet_at)


def _counted(connection: Connection, row: Row[Any], now: int) -> tuple[Because, int] | None:
    """As many images as the headers say that there are."""
    if not counted_by_headers(connection, row.id).is_all or not _is_believed(connection, row, "count", now):
        return None
    return "count", now


def _released(connection: Connection, row: Row[Any], now: int) -> tuple[Because, int] | None:
    """Every association that brought an image of it was released, and brought more than a single picture."""
    query = (
        select(
            func.count(), func.count(case.c.association_ended_at), func.max(case.c.association_ended_at),
            func.sum(set_member.c.frames),
        )
        .select_from(set_member)
        .join(case, case.c.id == set_member.c.case_id)
    )  # fmt: skip
    images, released, last, frames = connection.execute(query.where(set_member.c.set_id == row.id)).one()
    if released < images or frames < 2 or not _is_believed(connection, row, "association", now):
        return None
    short = counted_by_headers(connection, row.id).is_short and _is_believed(connection, row, "count", now)
    return None if short else ("association", last)


def counted_by_headers(connection: Connection, set_id: int) -> HeaderCount:
    """What the headers of its images say of their number."""
    query = (
        select(
            func.count(acquisition.c.sop_uid.distinct()), func.min(set_member.c.case_id),
            func.max(set_member.c.case_id), set_member.c.time, set_member.c.times,
            func.max(set_member.c.expected),
        )
        .join(acquisition, acquisition.c.case_id == set_member.c.case_id)
        .where(set_member.c.set_id == set_id)
        .group_by(set_member.c.time, set_member.c.times)
    )  # fmt: skip
    return header_count([Time(*row) for row in connection.execute(query)])


def _is_believed(connection: Connection, row: Row[Any], evidence: Because, now: int) -> bool:
    """Whether this evidence has not been wrong for a set of this device lately."""
    query = select(image_set.c.id).where(
        image_set.c.device_id == row.device_id,
        image_set.c.misled_by == evidence,
        image_set.c.last_image_at > now - _TRUST_AGAIN_MS,
    )
    return connection.execute(query.limit(1)).first() is None
