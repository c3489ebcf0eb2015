"""Accounts, for administrators."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse

from cloud_sync.central import accounts
from cloud_sync.central.accounts import Account
from cloud_sync.central.frame import View, administrator, view_of

router = APIRouter()
_See = Annotated[View, Depends(view_of)]
_Administrator = Annotated[Account, Depends(administrator)]
_Name = Annotated[str, Form(max_length=64)]


@router.get("/accounts")
def show(view: _See, administrator: _Administrator) -> HTMLResponse:
    """Who may log in, and a form for one more."""
    with view.centre.database.read() as connection:
        return view.page("accounts.html", accounts=accounts.listed(connection), roles=accounts.ROLES)


@router.post("/accounts/add")
def add(
    view: _See,
    administrator: _Administrator,
    name: _Name,
    role: _Name,
    password: Annotated[str, Form(max_length=200)],
) -> RedirectResponse:
    """A new account."""
    secret_hash = accounts.hash_password(password)
    with view.centre.database.write() as connection:
        accounts.add(connection, name.strip(), role, secret_hash, view.centre.wall(), by=administrator.name)
    return RedirectResponse("/accounts", status_code=303)


@router.post("/accounts/remove")
def remove(view: _See, administrator: _Administrator, name: _Name) -> RedirectResponse:
    """Nobody enters with it any more, and who is in is out. Not one's own."""
    with view.centre.database.write() as connection:
        accounts.remove(connection, name, view.centre.wall(), by=administrator.name)
    return RedirectResponse("/accounts", status_code=303)
