"""A picture that may leave the box: a case's, without the patient; or the reason why it stays."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from capture.arrival import Arrival
from capture.errors import Misuse
from capture.redaction.answer import Refused
from capture.redaction.written import png
from edge.clock import now_ms
from edge.console.auth import Viewer
from edge.console.frame import CASE_ID, View, decider, view_of
from edge.store import audit, cards, cases
from edge.store.cards import Card

router = APIRouter(include_in_schema=False)
_CaseId = Annotated[str, Path(pattern=CASE_ID)]
_See = Annotated[View, Depends(view_of)]
_Decider = Annotated[Viewer, Depends(decider)]


@router.get("/case/{case_id}/without-identity")
async def take(case_id: _CaseId, view: _See, viewer: _Decider) -> Response:
    """As PNG. Who took it is in the audit log before it is handed out; so is who was refused.

    Raises:
        Misuse: with the code of the refusal.
    """
    services, room = view.console.services, view.console.teaching

    def read(connection: Connection) -> tuple[Card, str] | None:
        card = cards.one(connection, case_id, identity=True)
        return None if card is None or card.of_set else (card, cases.sha256_of(connection, case_id))

    found = await services.db.aread(read)
    if found is None or not services.blobs.has(found[1]):
        raise HTTPException(404)
    card, sha256 = found
    path = services.blobs.path(sha256)
    arrival = Arrival(case_id, sha256, path.stat().st_size, "dicom", card.source, card.received_at)
    library = room.library
    taught = [library.get(name, library.versions(name)[-1]) for name in library.ids()]
    answer = await room.reading.redact(path, arrival, taught, _known(card))
    action, detail = ("picture.taken", "") if not isinstance(answer, Refused) else ("picture.refused", answer.code)
    await services.db.awrite(lambda c: audit.add(c, now_ms(), viewer.account.id, action, case_id, detail))
    if isinstance(answer, Refused):
        raise Misuse(answer.code, answer.reason, answer.hint)
    headers = {"Content-Disposition": f'attachment; filename="{case_id}.png"'}
    return Response(png(answer), media_type="image/png", headers=headers)


def _known(card: Card) -> tuple[str, ...]:
    if card.patient is None:
        return ()
    who = card.patient
    return tuple(filter(None, (who.name, who.id, who.birth_date, who.accession_number)))
