"""Whether boxes with a new release alert, or have images repeated, far more often than the others do.

Two comparisons, and both must show a jump: with the boxes that do not have the release, over the same time, and
with the same boxes' own days before. The first alone would blame a release for a hospital that always has more
alerts, the second alone for a bad week everywhere. Each is the two-proportion z test with pooled variance (Fleiss,
Statistical Methods for Rates and Proportions, 3rd edition, 2003, section 3.1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Select, and_, case, exists, func, or_, select

from cloud_sync.central import schema
from cloud_sync.central.rollout import tables
from cloud_sync.central.rollout.rows import Rollout, present
from cloud_sync.central.rollout.terms import ACTIVE, Reason, SignalRule
from cloud_sync.wire.words import Action, Grade, Level, Mode, Severity

_result, _state = schema.result, tables.content_state
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Share:
    """How many of so many."""

    hits: int
    total: int

    @property
    def rate(self) -> float:
        return self.hits / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """One rate of the boxes with the release: since they have it, before, and that of the boxes without it."""

    after: Share
    before: Share
    control: Share


def deviations(one: Share, other: Share) -> float:
    """How many standard deviations the first rate is above the second; 0 when there is nothing to compare."""
    if not one.total or not other.total:
        return 0.0
    pooled = (one.hits + other.hits) / (one.total + other.total)
    spread = math.sqrt(pooled * (1 - pooled) * (1 / one.total + 1 / other.total))
    return (one.rate - other.rate) / spread if spread else 0.0


def jumped(rule: SignalRule, rates: Rates) -> bool:
    """Whether the rate is a jump against both. Without enough images on a side that side tells nothing; without
    enough of the release's own, or of the control's, there is no jump."""
    if min(rates.after.total, rates.control.total) < rule.images:
        return False
    others = [rates.control] + ([rates.before] if rates.before.total >= rule.images else [])
    return all(_far_above(rule, rates.after, other) for other in others)


def _far_above(rule: SignalRule, one: Share, other: Share) -> bool:
    return one.rate > rule.ratio * other.rate and deviations(one, other) > rule.deviations


def suspicion(connection: Connection, one: Rollout) -> Reason | None:
    """The first rate that jumped, with its figures."""
    rule = one.plan.signals
    if rule is None:
        return None
    for name, hit in (("alerts", _alerted()), ("repeats", _repeated())):
        rates = _rates(connection, one, rule, hit)
        if jumped(rule, rates):
            return Reason(
                name,
                (("rate", _percent(rates.after)), ("images", rates.after.total),
                 ("control", _percent(rates.control)), ("control_images", rates.control.total),
                 ("before", _percent(rates.before)), ("before_images", rates.before.total)),
            )  # fmt: skip
    return None


def _percent(share: Share) -> float:
    return round(100 * share.rate, 1)


def _rates(connection: Connection, one: Rollout, rule: SignalRule, hit: ColumnElement[bool]) -> Rates:
    """The box's clock says when it had an image and when it activated a release, so the two can be compared."""
    began = case((_state.c.active_at > one.watched_from, _state.c.active_at), else_=one.watched_from)
    span = int(rule.before_days * _DAY_MS)
    has = _state.c.state.in_(ACTIVE)
    after = _of_boxes_with(one, hit).where(has, _result.c.received >= began)
    before = _of_boxes_with(one, hit).where(
        has, _result.c.received < _state.c.active_at, _result.c.received >= _state.c.active_at - span
    )
    ever = select(_state.c.box).where(_state.c.sha256 == one.target.sha256, _state.c.active_at.is_not(None))
    control = _counted(one, hit).where(_result.c.received >= one.watched_from, _result.c.box.not_in(ever))
    return Rates(*(_share(connection, query) for query in (after, before, control)))


def _counted(one: Rollout, hit: ColumnElement[bool]) -> Select[tuple[int, int]]:
    hits = func.coalesce(func.sum(case((hit, 1), else_=0)), 0)
    query = select(func.count().label("total"), hits.label("hits"))
    query = query.select_from(_result).where(_result.c.mode != Mode.SHADOW)
    modalities = one.target.audience.modalities
    return query.where(_result.c.modality.in_(modalities)) if modalities else query


def _of_boxes_with(one: Rollout, hit: ColumnElement[bool]) -> Select[tuple[int, int]]:
    mine = (_state.c.box == _result.c.box) & (_state.c.sha256 == one.target.sha256)
    joined = _counted(one, hit).join(_state, mine)
    return joined.outerjoin(tables.born, tables.born.c.box == _state.c.box).where(present(_state))


def _share(connection: Connection, query: Select[tuple[int, int]]) -> Share:
    row = connection.execute(query).one()
    return Share(hits=int(row.hits), total=int(row.total))


def _alerted() -> ColumnElement[bool]:
    """What the console says aloud: a grade below yi, or a failed rule that is major or worse."""
    found = schema.finding
    loud = exists().where(
        found.c.event_id == _result.c.event_id, found.c.level == Level.FAIL,
        found.c.severity.in_((Severity.MAJOR, Severity.VETO)),
    )  # fmt: skip
    return or_(_result.c.grade.in_((Grade.BING, Grade.FEI)), loud)


def _repeated() -> ColumnElement[bool]:
    """A person had it made again, and did not take that back."""
    event, made = schema.event, tables.decision
    about = (
        made.c.box == event.c.box, made.c.stream == event.c.stream, made.c.result_seq == event.c.seq,
        event.c.id == _result.c.event_id, made.c.action == Action.REPEAT,
    )  # fmt: skip
    return and_(exists().where(*about, made.c.undone == 0), ~exists().where(*about, made.c.undone == 1))
