"""One case: picture, verdict, every measurement, history; and what a person does with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Query
from fastapi.responses import FileResponse, HTMLResponse
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge.clock import now_ms
from edge.console import deeds
from edge.console.auth import Viewer
from edge.console.frame import CASE_ID, LAST_ROW, Console, View, anybody, decider, view_of
from edge.console.pages.board import read_board
from edge.console.wording import REJECT_REASONS
from edge.store import audit, board, cards
from edge.store.cards import Card
from edge.store.set_cards import set_of
from models.measurement import Measurement

router = APIRouter(include_in_schema=False)
CaseId = Annotated[str, Path(pattern=CASE_ID)]
_See = Annotated[View, Depends(view_of)]
_Who = Annotated[Viewer, Depends(anybody)]
_Decider = Annotated[Viewer, Depends(decider)]
_MEMBERS = 40
"""Series of a study, or images of a series to look at, that its page names."""
_OnBoard = Annotated[bool, Query(alias="board")]


@router.get("/case/{case_id}")
async def show(case_id: CaseId, view: _See, viewer: _Who) -> HTMLResponse:
    """Everything the box knows of a case. A view with identity is itself an entry of the audit log."""
    identity = viewer.sees_identity
    db = view.console.services.db
    if identity and await db.aread(lambda c: cards.one(c, case_id, identity=False)) is not None:
        await db.awrite(lambda c: audit.add(c, now_ms(), viewer.account.id, "case.viewed", case_id))

    def read(connection: Connection) -> dict[str, object] | None:
        card = cards.one(connection, case_id, identity=identity)
        if card is None:
            return None
        facts = () if card.verdict_id is None else board.facts(connection, card.verdict_id, identity=identity)
        measured = [fact for fact in facts if isinstance(fact, Measurement)]
        return {
            "card": card,
            "measured": [fact for fact in measured if not fact.name.startswith("dicom.")],
            "from_header": [fact for fact in measured if fact.name.startswith("dicom.")],
            "unmeasured": [fact for fact in facts if not isinstance(fact, Measurement)],
            "verdicts": board.verdicts(connection, case_id),
            "members": cards.members(connection, case_id, _MEMBERS, identity=identity),
            "part_of": set_of(connection, case_id),
            "decisions": board.decisions(connection, case_id),
            "deeds": audit.of_subject(connection, case_id),
        }

    found = await db.aread(read)
    if found is None:
        raise HTTPException(404)
    return view.page("case.html", **found)


@router.get("/case/{case_id}/picture")
async def picture(case_id: CaseId, view: _See, viewer: _Who) -> FileResponse:
    """The windowed preview, made once when the case was judged."""
    card = await _card(view.console, case_id)
    if not view.picture(card) or card.preview_sha256 is None:
        raise HTTPException(404)
    path = view.console.services.blobs.path(card.preview_sha256)
    if not path.is_file():
        raise HTTPException(404)
    return FileResponse(path, media_type="image/jpeg")


@router.get("/part/decide/{case_id}/{action}")
async def form(
    case_id: CaseId, action: str, view: _See, viewer: _Decider, on_board: _OnBoard = False
) -> HTMLResponse:
    """The form that asks for a reason, shown in a dialog."""
    if action not in ("repeat", "override"):
        raise HTTPException(404)
    card = await _card(view.console, case_id, identity=viewer.sees_identity)
    codes = [code.rsplit(":")[-1] for found in card.findings for code in found.codes]
    suggested = next((code for code in codes if code in REJECT_REASONS), "")
    values = {
        "card": card,
        "action": action,
        "reasons": REJECT_REASONS,
        "suggested": suggested,
        "on_board": on_board,
    }
    return view.page("part/decide.html", **values)


@router.post("/case/{case_id}/acknowledge")
async def acknowledge(case_id: CaseId, view: _See, viewer: _Decider, on_board: _OnBoard = False) -> Response:
    """A person has seen it."""
    await deeds.acknowledge(view.console, viewer, case_id)
    return await _changed(view, viewer, on_board)


@router.post("/case/{case_id}/decide/{action}")
async def decide(
    case_id: CaseId,
    action: str,
    view: _See,
    viewer: _Decider,
    reason_code: Annotated[str, Form(max_length=16)] = "",
    comment: Annotated[str, Form(max_length=500)] = "",
    on_board: _OnBoard = False,
) -> Response:
    """Accept, repeat or release."""
    await deeds.decide(view.console, viewer, case_id, action, reason_code or None, comment)
    return await _changed(view, viewer, on_board)


@router.post("/undo/{decision_id}")
async def undo(
    decision_id: Annotated[int, Path(ge=1, le=LAST_ROW)], view: _See, viewer: _Decider, on_board: _OnBoard = False
) -> Response:
    """Take a decision back within the shift."""
    await deeds.undo(view.console, viewer, decision_id)
    return await _changed(view, viewer, on_board)


async def _changed(view: View, viewer: Viewer, on_board: bool) -> Response:
    """The board's cards afresh; any other page loads again."""
    if not on_board:
        return Response(status_code=204, headers={"HX-Refresh": "true"})
    return view.page("part/board.html", board=await read_board(view.console, identity=viewer.sees_identity))


async def _card(console: Console, case_id: str, *, identity: bool = False) -> Card:
    card = await console.services.db.aread(lambda c: cards.one(c, case_id, identity=identity))
    if card is None:
        raise HTTPException(404)
    return card
