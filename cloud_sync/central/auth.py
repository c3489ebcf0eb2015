"""The gate in front of every page: refuses by default, so a page that nobody thought of is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio.to_thread
import structlog
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud_sync.central import accounts
from cloud_sync.central.accounts import Account
from cloud_sync.central.database import Database
from cloud_sync.kit.secret import matches

COOKIE = "qcbox_centre"
_OPEN = ("/login", "/language", "/healthz")

log = structlog.get_logger()


class Auth:
    """Log-in and log-out over the database. All but ``log_in`` block: call them from a worker thread."""

    def __init__(self, database: Database, session_hours: float, wall: Callable[[], int]) -> None:
        self._database, self._wall = database, wall
        self._session_ms = int(session_hours * 3_600_000)
        # One at a time: anybody in the network may try, and a hash takes memory and a core on purpose.
        # Whoever waits for it takes no worker thread, which other pages need.
        self._hashing = asyncio.Lock()

    async def log_in(self, name: str, password: str, address: str) -> str | None:
        """A session's token, or None; which of the reasons, the answer does not tell."""
        async with self._hashing:
            return await anyio.to_thread.run_sync(self._log_in, name, password, address)

    def _log_in(self, name: str, password: str, address: str) -> str | None:
        now = self._wall()
        with self._database.write() as connection:
            secret_hash = accounts.attempt(connection, name, now)
        if not matches(secret_hash, password):
            log.warning("account.refused", address=address)
            return None
        with self._database.write() as connection:
            token = accounts.enter(connection, name, now, now + self._session_ms)
        log.info("account.login", address=address)
        return token

    def log_out(self, token: str) -> None:
        """End a session."""
        with self._database.write() as connection:
            accounts.leave(connection, token)

    def holder(self, token: str | None) -> Account | None:
        """Who holds this token."""
        if not token:
            return None
        with self._database.read() as connection:
            return accounts.holder(connection, token, self._wall())


class Gate:
    """ASGI middleware: finds the account of every request and turns away who has none."""

    def __init__(self, app: ASGIApp, auth: Auth) -> None:
        self._app, self._auth = app, auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        account = await anyio.to_thread.run_sync(self._auth.holder, request.cookies.get(COOKIE))
        request.state.account = account
        if account is not None or scope["path"] in _OPEN:
            await self._app(scope, receive, send)
            return
        await _to_login(request)(scope, receive, send)


def _to_login(request: HTTPConnection) -> Response:
    if request.headers.get("hx-request"):
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    if request.url.path.startswith("/export"):
        return Response("401 log in first / 请先登录\n", status_code=401, media_type="text/plain")
    return RedirectResponse("/login", status_code=303)
