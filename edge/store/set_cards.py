"""What a card of a series or study has beside its verdict: how many images, whether all, and what it replaces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, and_, func, or_, select

from edge.store.facts import some_of
from edge.store.schema import case, image_set, set_member, verdict
from models.measurement import Measurements

_OF_SET = ("set.images", "set.expected_images", "set.is_whole", "set.because")
in_a_set = select(set_member.c.case_id).where(set_member.c.case_id == case.c.id).correlate(case).exists()
"""It is one of the images of a series, which has a card of its own; in a query over ``case``."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The verdict that a corrected one replaces."""

    grade: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class OfSet:
    """What a card of a series or study says beside its verdict."""

    level: str
    images: int
    """That were judged, or that have come so far."""
    expected: int | None
    whole: bool
    """False: more may come, or are missing."""
    because: str | None
    """What said that it is whole."""
    replaces: Earlier | None


def sets_of(connection: Connection, rows: Sequence[Any]) -> dict[str, OfSet]:
    """By case: what only sets have."""
    if not rows:
        return {}
    facts = some_of(connection, [row.verdict_id for row in rows], _OF_SET)
    replaced = [row.verdict_replaces for row in rows]
    earlier = {
        row.id: Earlier(row.grade, row.created_at)
        for row in connection.execute(select(verdict).where(verdict.c.id.in_(replaced)))
    }
    return {
        row.case__id: _of_set(
            connection, row, facts.get(row.verdict_id, Measurements()), earlier.get(row.verdict_replaces)
        )
        for row in rows
    }


def _of_set(connection: Connection, row: Any, facts: Measurements, earlier: Earlier | None) -> OfSet:
    images, expected = facts.number("set.images"), facts.number("set.expected_images")
    return OfSet(
        level=row.case__kind,
        images=_come(connection, row.case__id) if images is None else round(images),
        expected=None if expected is None else round(expected),
        whole=facts.value("set.is_whole") is True,
        because=facts.text("set.because"),
        replaces=earlier,
    )


def _come(connection: Connection, case_id: str) -> int:
    """Images of a set that is not judged yet."""
    series = image_set.alias("series_of_it")
    mine = or_(
        series.c.id == image_set.c.id, and_(image_set.c.level == "study", series.c.exam_id == image_set.c.exam_id)
    )
    query = (
        select(func.count())
        .select_from(image_set)
        .join(series, mine)
        .join(set_member, set_member.c.set_id == series.c.id)
        .where(image_set.c.case_id == case_id, set_member.c.frames > 0)
    )
    return int(connection.scalar(query) or 0)


def set_of(connection: Connection, case_id: str) -> str | None:
    """The case of the series that an image belongs to, or of the study that a series belongs to."""
    mine = image_set.alias("mine")
    of_image = select(image_set.c.case_id).join(set_member, set_member.c.set_id == image_set.c.id)
    of_series = (
        select(image_set.c.case_id)
        .join(mine, and_(mine.c.exam_id == image_set.c.exam_id, mine.c.level == "series"))
        .where(mine.c.case_id == case_id, image_set.c.level == "study")
    )
    found: str | None = connection.scalar(of_image.where(set_member.c.case_id == case_id)) or connection.scalar(
        of_series
    )
    return found
