"""Who is looking: log-in, sessions, roles, and the gate in front of every page.

The gate refuses by default: a page that nobody thought of is closed, not open.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from cloud_sync.kit.secret import hash_secret, matches
from edge.clock import now_ms
from edge.console.settings import ConsoleSettings
from edge.store import accounts, audit
from edge.store.accounts import Account
from edge.store.database import Database

COOKIE = "qcbox_session"
_OPEN = ("/login", "/language", "/healthz")
_PASSIVE = ("/live", "/part/")
"""What a page asks for by itself: no sign that a person is there."""
_TOUCH_MS = 30_000
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody logged in. ``locked``: nobody has touched the page for a while, so it shows no patient."""

    account: Account
    locked: bool

    @property
    def sees_identity(self) -> bool:
        return self.account.role in ("technologist", "qc-lead") and not self.locked

    @property
    def decides(self) -> bool:
        return self.sees_identity

    @property
    def teaches(self) -> bool:
        """May teach screens, and sees them while doing so; every look is in the audit log."""
        return self.account.role == "engineer" and not self.locked

    @property
    def keeps_content(self) -> bool:
        """May take signed content back."""
        return self.account.role in ("qc-lead", "engineer") and not self.locked

    @property
    def administers(self) -> bool:
        """May manage accounts. Not an engineer, who could give an account that sees patients."""
        return self.account.role == "qc-lead" and not self.locked


class Auth:
    """Log-in and log-out over the database."""

    def __init__(self, db: Database, settings: ConsoleSettings) -> None:
        self._db = db
        self._settings = settings
        # One at a time: anybody in the network may try, and a hash takes memory and a core on purpose.
        self._hashing = asyncio.Semaphore(1)

    async def log_in(self, name: str, secret: str, address: str) -> tuple[Account, str] | None:
        """The account and a fresh session token, or None; which of the reasons, the answer does not tell."""
        now = now_ms()
        tried, right = await self._try(name, secret, now)
        account_id = tried.account.id if tried.account else None
        if not right or tried.account is None:
            subject = tried.account.name if tried.account else "?"
            await self._db.awrite(lambda c: audit.add(c, now, account_id, "login.refused", subject, address))
            log.warning("account.refused", account=account_id, address=address)
            return None
        account, token = tried.account, secrets.token_urlsafe(32)

        def enter(connection: Connection) -> None:
            expires_at = now + self._settings.session_hours * 3_600_000
            accounts.forgive(connection, account.id)
            accounts.open_session(connection, account.id, token, address, now, expires_at)
            audit.add(connection, now, account.id, "login", account.name, address)

        await self._db.awrite(enter)
        log.info("account.login", account=account.id, role=account.role, address=address)
        return account, token

    async def log_out(self, viewer: Viewer, token: str) -> None:
        """End one session."""

        def leave(connection: Connection) -> None:
            accounts.close_session(connection, token)
            audit.add(connection, now_ms(), viewer.account.id, "logout", viewer.account.name)

        await self._db.awrite(leave)

    async def change_secret(self, account: Account, current: str, fresh: str) -> bool:
        """Set a new secret of one's own; False when the current one is wrong.

        Raises:
            Misuse: the new secret is too weak for the role.
        """
        accounts.check_secret(account.role, fresh)
        _, right = await self._try(account.name, current, now_ms())
        if not right:
            return False
        fresh_hash = await self.hash(fresh)

        def change(connection: Connection) -> None:
            accounts.reset(connection, account.name, fresh_hash)
            audit.add(connection, now_ms(), account.id, "account.secret", account.name)

        await self._db.awrite(change)
        return True

    async def _try(self, name: str, secret: str, now: int) -> tuple[accounts.Attempt, bool]:
        """Count an attempt, then look at the secret: there is no second door at which nobody counts."""
        settings = self._settings

        def count(connection: Connection) -> accounts.Attempt:
            return accounts.attempt(connection, name, settings.login_attempts, settings.lock_minutes * 60_000, now)

        async with self._hashing:
            tried = await self._db.awrite(count)
            return tried, await asyncio.to_thread(matches, tried.secret_hash, secret)

    async def hash(self, secret: str) -> str:
        """Hash a new secret without holding up other pages."""
        async with self._hashing:
            return await asyncio.to_thread(hash_secret, secret)

    async def viewer(self, token: str | None, *, passive: bool) -> Viewer | None:
        """Who holds this token. A request that a person made keeps the page from locking."""
        if not token:
            return None
        now = now_ms()
        session = await self._db.aread(lambda c: accounts.find_session(c, token, now))
        if session is None:
            return None
        locked = now - session.last_seen > self._settings.idle_minutes * 60_000
        if not locked and not passive and now - session.last_seen > _TOUCH_MS:
            await self._db.awrite(lambda c: accounts.touch_session(c, token, now))
        return Viewer(session.account, locked)


class Gate:
    """ASGI middleware: finds the viewer of every request and turns away who may not pass."""

    def __init__(self, app: ASGIApp, auth: Auth) -> None:
        self._app = app
        self._auth = auth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/static/"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        path = scope["path"]
        passive = path.startswith(_PASSIVE) or path.endswith("/picture")
        viewer = await self._auth.viewer(request.cookies.get(COOKIE), passive=passive)
        request.state.viewer = viewer
        if path in _OPEN or viewer is not None or (path == "/metrics" and from_loopback(request)):
            await self._app(scope, receive, send)
        else:
            await _to_login(request)(scope, receive, send)


def from_loopback(request: HTTPConnection) -> bool:
    """Whether the peer is this machine itself."""
    if request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _to_login(request: HTTPConnection) -> Response:
    path = request.url.path
    if path.startswith("/api/") or path == "/metrics":
        hint = {"zh": "请先登录", "en": "Log in first"}
        return JSONResponse({"code": "auth.required", "text": hint, "hint": hint}, status_code=401)
    if request.headers.get("hx-request") or path == "/live":
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse("/login", status_code=303)
