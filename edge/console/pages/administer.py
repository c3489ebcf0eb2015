"""Accounts, managed on a running box by a QC lead."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from edge.clock import now_ms
from edge.console.auth import Viewer
from edge.console.frame import View, administrator, view_of
from edge.store import accounts, audit

router = APIRouter(include_in_schema=False)
_See = Annotated[View, Depends(view_of)]
_Administrator = Annotated[Viewer, Depends(administrator)]
_Name = Annotated[str, Form(min_length=1, max_length=64)]
_Secret = Annotated[str, Form(max_length=200)]


@router.post("/account/add")
async def add(
    view: _See, viewer: _Administrator, name: _Name, display_name: _Name, role: _Name, secret: _Secret
) -> RedirectResponse:
    """A new account."""
    accounts.check_secret(_known(role), secret)
    secret_hash, now = await view.console.auth.hash(secret), now_ms()

    def store(connection: Connection) -> None:
        accounts.add(
            connection, name=name, display_name=display_name, role=role, secret_hash=secret_hash,
            language=view.language, now=now,
        )  # fmt: skip
        audit.add(connection, now, viewer.account.id, "account.added", name, role)

    await view.console.services.db.awrite(store)
    return RedirectResponse("/account", status_code=303)


@router.post("/account/reset")
async def reset(view: _See, viewer: _Administrator, name: _Name, secret: _Secret) -> RedirectResponse:
    """A new secret for somebody who forgot or was locked; enables a disabled account."""
    account = await view.console.services.db.aread(lambda c: accounts.named(c, name))
    accounts.check_secret(account.role, secret)
    secret_hash = await view.console.auth.hash(secret)

    def store(connection: Connection) -> None:
        accounts.reset(connection, name, secret_hash)
        audit.add(connection, now_ms(), viewer.account.id, "account.reset", name)

    await view.console.services.db.awrite(store)
    return RedirectResponse("/account", status_code=303)


@router.post("/account/disable")
async def disable(view: _See, viewer: _Administrator, name: _Name) -> RedirectResponse:
    """Nobody enters with it any more. Not one's own, so that nobody locks the last door behind them."""
    if name == viewer.account.name:
        raise HTTPException(403)

    def store(connection: Connection) -> None:
        accounts.disable(connection, name, now_ms())
        audit.add(connection, now_ms(), viewer.account.id, "account.disabled", name)

    await view.console.services.db.awrite(store)
    return RedirectResponse("/account", status_code=303)


def _known(role: str) -> accounts.Role:
    if role not in accounts.ROLES:
        raise HTTPException(422)
    return role
