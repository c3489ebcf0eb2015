"""Log-in, log-out, language."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.responses import Response

from cloud_sync.central.auth import COOKIE
from cloud_sync.central.frame import LANGUAGE_COOKIE, View, view_of

router = APIRouter()
_See = Annotated[View, Depends(view_of)]


@router.get("/login")
def ask(view: _See) -> HTMLResponse:
    """The form."""
    return view.page("login.html", refused=False, name="")


@router.post("/login")
async def enter(
    request: Request,
    view: _See,
    name: Annotated[str, Form(max_length=64)],
    password: Annotated[str, Form(max_length=200)],
) -> Response:
    """One answer for every kind of failure, so that it names no account."""
    address = request.client.host if request.client else ""
    token = await view.centre.auth.log_in(name.strip(), password, address)
    if token is None:
        return view.page("login.html", 401, refused=True, name=name)
    settings = view.centre.settings
    response = RedirectResponse("/", status_code=303)
    response.set_cookie(
        COOKIE, token, max_age=int(settings.session_hours * 3600), samesite="strict", httponly=True,
        secure=settings.secure_cookie,
    )  # fmt: skip
    return response


@router.post("/logout")
def leave(request: Request, view: _See) -> RedirectResponse:
    """End this session."""
    view.centre.auth.log_out(request.cookies.get(COOKIE, ""))
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


@router.post("/language")
def speak(request: Request, view: _See, language: Annotated[str, Form(max_length=16)]) -> RedirectResponse:
    """Remembered by cookie; back to the page the form was on, only by its path and query."""
    came = urlsplit(request.headers.get("referer", ""))
    safe = came.path.startswith("/") and not came.path.startswith("//")
    back = (f"{came.path}?{came.query}" if came.query else came.path) if safe else "/"
    response = RedirectResponse(back, status_code=303)
    chosen = view.centre.pages.texts.choose(language, default=view.language)
    response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=31_536_000, samesite="strict", httponly=True)
    return response
