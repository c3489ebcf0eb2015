"""Log-in, log-out, language, and the page of one's own account."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from capture.errors import Misuse
from edge.console.auth import COOKIE, Viewer
from edge.console.frame import LANGUAGE_COOKIE, View, anybody, view_of
from edge.store import accounts

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Who = Annotated[Viewer, Depends(anybody)]


@router.get("/login")
async def ask(view: _See) -> HTMLResponse:
    """The form; a locked page comes here with its name filled in."""
    return view.page("login.html", refused=False, name=view.viewer.account.name if view.viewer else "")


@router.post("/login")
async def enter(
    request: Request,
    view: _See,
    name: Annotated[str, Form(max_length=64)],
    secret: Annotated[str, Form(max_length=200)],
) -> Response:
    """One answer for every kind of failure, so that it names no account."""
    address = request.client.host if request.client else ""
    entered = await view.console.auth.log_in(name.strip(), secret, address)
    if entered is None:
        return view.page("login.html", 401, refused=True, name=name)
    _, token = entered
    response = RedirectResponse("/", status_code=303)
    hours, secure = view.settings.session_hours, view.settings.secure_cookies
    response.set_cookie(COOKIE, token, max_age=hours * 3600, samesite="strict", httponly=True, secure=secure)
    return response


@router.post("/logout")
async def leave(request: Request, view: _See, viewer: _Who) -> RedirectResponse:
    await view.console.auth.log_out(viewer, request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


@router.post("/language")
async def speak(request: Request, view: _See, language: Annotated[str, Form(max_length=16)]) -> RedirectResponse:
    """Remembered for the account, and by cookie for the log-in page."""
    chosen = view.console.pages.texts.choose(language, default=view.language)
    viewer = view.viewer
    if viewer is not None:
        await view.console.services.db.awrite(lambda c: accounts.speak(c, viewer.account.id, chosen))
    response = RedirectResponse(_back(request), status_code=303)
    response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=31_536_000, samesite="strict", httponly=True)
    return response


@router.get("/account")
async def own(view: _See, viewer: _Who) -> HTMLResponse:
    return await _own(view)


@router.post("/account/secret")
async def change(
    view: _See,
    viewer: _Who,
    current: Annotated[str, Form(max_length=200)],
    fresh: Annotated[str, Form(max_length=200)],
) -> Response:
    """A new PIN or password of one's own; every session of the account ends."""
    try:
        changed = await view.console.auth.change_secret(viewer.account, current, fresh)
    except Misuse as error:
        return await _own(view, error.say(view.language), 422)
    if not changed:
        return await _own(view, view.label("This is not the current one"), 403)
    return RedirectResponse("/login", status_code=303)


async def _own(view: View, problem: str = "", status_code: int = 200) -> HTMLResponse:
    listed = await view.console.services.db.aread(accounts.listed)
    return view.page("account.html", status_code, problem=problem, accounts=listed, roles=accounts.ROLES)


def _back(request: Request) -> str:
    """The page the form was on; only its path, so that it cannot lead elsewhere."""
    path = urlsplit(request.headers.get("referer", "")).path
    return path if path.startswith("/") and not path.startswith("//") else "/"
