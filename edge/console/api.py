"""The JSON API, version 1, for programs of the site. Same log-in, same roles; OpenAPI at /api/v1/openapi.json."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from cloud_sync.kit.web import midnight
from edge.clock import now_ms
from edge.console import deeds
from edge.console.auth import Viewer
from edge.console.frame import CASE_ID, LAST_ROW, View, anybody, decider, view_of
from edge.store import board, cards
from edge.store.cards import Card
from models.measurement import Measurement, Value
from models.rules.verdict import Finding

_See = Annotated[View, Depends(view_of)]
_Who = Annotated[Viewer, Depends(anybody)]
_Decider = Annotated[Viewer, Depends(decider)]
_CaseId = Annotated[str, Path(pattern=CASE_ID)]
_RowId = Annotated[int, Path(ge=1, le=LAST_ROW)]
_Limit = Annotated[int, Query(ge=1, le=200)]


class Answer(BaseModel):
    """Base of what the API answers."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class Text(Answer):
    """One text in both languages."""

    zh: str
    en: str


class Problem(Answer):
    """A rule that warned or failed."""

    rule_id: str
    level: str
    severity: str
    deduct: float
    title: Text
    advice: Text
    codes: tuple[str, ...]


class OfSet(Answer):
    """How many images a verdict on a series or study rests on; ``because``: what said that these are all."""

    level: str
    images: int
    expected: int | None
    whole: bool
    because: str | None


class Case(Answer):
    """An image, series or study and its verdict. Holds no patient identity, whoever asks."""

    id: str
    received_at: int
    state: str
    device: str
    modality: str | None
    body_part: str | None
    view: str | None
    laterality: str | None
    grade: str | None
    score: float | None
    findings: tuple[Problem, ...]
    needs_acknowledgement: bool
    acknowledged_at: int | None
    decision: str | None
    alike: int
    of_set: OfSet | None


class Fact(Answer):
    """A measurement; ``value`` is null where ``reason`` says why."""

    name: str
    value: Value | None
    unit: str
    reason: str | None


class WholeCase(Case):
    """A case with everything measured."""

    measurements: tuple[Fact, ...]


class Alert(Answer):
    """An alert; ``id`` counts up and is the event id of ``/live``."""

    id: int
    case_id: str
    level: str
    grade: str | None
    needs_acknowledgement: bool
    acknowledged_at: int | None
    created_at: int


class Device(Answer):
    """A device and its day."""

    key: str
    name: str
    modality: str | None
    last_seen: int
    today: dict[str, int]


class Deciding(BaseModel):
    """A decision to store."""

    model_config = ConfigDict(extra="forbid")

    case_id: Annotated[str, Field(pattern=CASE_ID)]
    action: str
    reason_code: str | None = None
    comment: str | None = None


class Decided(Answer):
    """A stored decision."""

    id: int
    case_id: str
    action: str
    reason_code: str | None
    created_at: int
    undone_at: int | None


class Failure(Answer):
    """What every error looks like."""

    code: str
    text: Text
    hint: Text


_REFUSALS: dict[int | str, dict[str, object]] = {n: {"model": Failure} for n in (401, 403, 404, 422)}
router = APIRouter(prefix="/api/v1", tags=["v1"], responses=_REFUSALS)


@router.get("/cases")
async def list_cases(view: _See, viewer: _Who, limit: _Limit = 30) -> list[Case]:
    """The newest cases; images of one series with the same findings are one."""
    found = await view.console.services.db.aread(lambda c: cards.recent(c, limit, identity=False))
    return [Case.model_validate(_case(card)) for card in found]


@router.get("/cases/{case_id}")
async def one_case(case_id: _CaseId, view: _See, viewer: _Who) -> WholeCase:
    """One case with its measurements."""
    db = view.console.services.db
    card = await db.aread(lambda c: cards.one(c, case_id, identity=False))
    if card is None:
        raise HTTPException(404)
    verdict_id = card.verdict_id
    facts = () if verdict_id is None else await db.aread(lambda c: board.facts(c, verdict_id, identity=False))
    measured = [
        Fact(name=fact.name, value=fact.value, unit=fact.unit, reason=None)
        if isinstance(fact, Measurement)
        else Fact(name=fact.name, value=None, unit="", reason=fact.reason)
        for fact in facts
    ]
    return WholeCase.model_validate({**_case(card), "measurements": measured})


@router.get("/alerts")
async def list_alerts(
    view: _See, viewer: _Who, after: Annotated[int, Query(ge=0, le=LAST_ROW)] = 0, limit: _Limit = 100
) -> list[Alert]:
    """Alerts with an id above ``after``, the newest ``limit`` of them, oldest first."""
    rows = await view.console.services.db.aread(lambda c: board.alerts_after(c, after, limit))
    return [Alert.model_validate(row) for row in rows]


@router.get("/devices")
async def list_devices(view: _See, viewer: _Who) -> list[Device]:
    """Devices with today's grades."""
    since = midnight(now_ms(), view.console.zone)
    return [
        Device.model_validate(row)
        for row in await view.console.services.db.aread(lambda c: board.devices(c, since))
    ]


@router.post("/decisions", status_code=201)
async def make_decision(wish: Deciding, view: _See, viewer: _Decider) -> Decided:
    """Accept, repeat or release an image."""
    made = await deeds.decide(view.console, viewer, wish.case_id, wish.action, wish.reason_code, wish.comment)
    return Decided.model_validate(made)


@router.delete("/decisions/{decision_id}")
async def undo_decision(decision_id: _RowId, view: _See, viewer: _Decider) -> Decided:
    """Take a decision back."""
    return Decided.model_validate(await deeds.undo(view.console, viewer, decision_id))


def _case(card: Card) -> dict[str, object]:
    names = ("received_at", "state", "device", "modality", "body_part", "view", "laterality", "grade", "score",
             "needs_acknowledgement", "acknowledged_at", "alike", "of_set")  # fmt: skip
    plain = {name: getattr(card, name) for name in names}
    findings = [_problem(found) for found in card.findings]
    return {
        "id": card.case_id,
        **plain,
        "findings": findings,
        "decision": card.decided.action if card.decided else None,
    }


def _problem(found: Finding) -> Problem:
    return Problem(
        rule_id=found.rule_id,
        level=found.level,
        severity=found.severity,
        deduct=found.deduct,
        title=Text(zh=found.title.zh, en=found.title.en),
        advice=Text(zh=found.advice.zh, en=found.advice.en),
        codes=found.codes,
    )
