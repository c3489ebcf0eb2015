"""Boxes and their certificates: who is in, who is out, and a token sheet for one more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, cast

import segno
from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from markupsafe import Markup
from starlette.exceptions import HTTPException

from capture.text import Bilingual
from cloud_sync.central.accounts import Account
from cloud_sync.central.enrolment import overview, revoking, tokens, vault
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.enrolment.tokens import Wish
from cloud_sync.central.frame import View, administrator, view_of
from cloud_sync.wire.enrolment import Ticket

router = APIRouter()
_See = Annotated[View, Depends(view_of)]
_Administrator = Annotated[Account, Depends(administrator)]
_Short = Annotated[str, Form(max_length=128)]

_DAY_MS = 86_400_000
_SOON_MS = 60 * _DAY_MS
"""In which somebody should issue the servers' papers anew; without them every box is shut out."""

STEPS = (
    Bilingual("核对质控盒铭牌上的序列号与本单一致", "Compare the number on the box's type plate with this sheet"),
    Bilingual(
        "在质控盒上运行 sudo qcbox enrol，用扫码枪扫入二维码或粘贴下方文字",
        "On the box run sudo qcbox enrol, and scan the code or paste the text below",
    ),
    Bilingual(
        "运行 systemctl restart qcbox-agent，然后 qcbox doctor",
        "Run systemctl restart qcbox-agent, then qcbox doctor",
    ),
    Bilingual("用后销毁本单", "Destroy this sheet when it was used"),
)


@dataclass(frozen=True, slots=True)
class Office:
    """What the pages need of the centre's enrolment. ``reserved``: names that are no box's."""

    settings: EnrolmentSettings
    reserved: frozenset[str]


def _office(request: Request) -> Office:
    return cast(Office, request.app.state.office)


_Office = Annotated[Office, Depends(_office)]


@router.get("/enrolment")
def show(view: _See, office: _Office) -> HTMLResponse:
    """All boxes with papers, tokens that wait, alarms."""
    with view.centre.database.read() as connection:
        return view.page(
            "enrolment.html",
            enabled=office.settings.enabled,
            boxes=overview.boxes(connection),
            tokens=overview.waiting(connection, view.centre.wall()),
            alarms=overview.alarms(connection),
            now=view.centre.wall(),
            late=_late(view, office),
            ending=vault.ending(office.settings.folder, view.centre.wall() + _SOON_MS),
        )


@router.get("/enrolment/{box}")
def show_box(view: _See, office: _Office, box: str) -> HTMLResponse:
    """One box: every certificate, alarms, and the way out."""
    with view.centre.database.read() as connection:
        found = overview.boxes(connection, box)
        if not found:
            raise HTTPException(404)
        return view.page(
            "enrolled_box.html",
            box=found[0],
            certificates=overview.certificates(connection, box),
            alarms=overview.alarms(connection, box),
            reasons=revoking.FOR_PEOPLE,
            now=view.centre.wall(),
            late=_late(view, office),
        )


def _late(view: View, office: Office) -> int:
    """Certificates that end before this should have been renewed long ago."""
    return view.centre.wall() + office.settings.certificate_days * _DAY_MS // 4


@router.post("/enrolment/token")
def make_token(
    view: _See, office: _Office, administrator: _Administrator, box: _Short, site: _Short, serial: _Short
) -> HTMLResponse:
    """A token sheet. It is shown this once: the centre keeps only a hash."""
    settings, now = office.settings, view.centre.wall()
    pin = vault.pin(settings.folder)
    wish = Wish(box.strip(), site.strip(), serial.strip())
    until = now + round(settings.token_hours * 3_600_000)
    with view.centre.database.write() as connection:
        token = tokens.make(connection, wish, office.reserved, now, until, administrator.name)
    ticket = Ticket(settings.url, token, pin)
    code = segno.make(ticket.text(), error="m", micro=False)
    picture = code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True)
    return view.page(
        "token_sheet.html",
        wish=wish,
        ticket=ticket,
        until=until,
        steps=STEPS,
        picture=Markup(picture),  # noqa: S704  # segno's own drawing
    )


@router.post("/enrolment/revoke")
def revoke(
    view: _See,
    administrator: _Administrator,
    box: _Short,
    reason: _Short,
    note: Annotated[str, Form(max_length=256)] = "",
) -> RedirectResponse:
    """Out, at once: nothing is taken in from it any more; list and session follow within seconds."""
    with view.centre.database.write() as connection:
        revoking.revoke(connection, box, reason, note, view.centre.wall(), administrator.name)
    return RedirectResponse(f"/enrolment/{box}", status_code=303)
