"""The door as an ASGI application: the verbs of EST (RFC 7030), and the signed content behind it.

Deny by default: whoever shows no certificate that is valid, ours and not taken back reaches the three addresses of
a first enrolment, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import anyio.to_thread
import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from capture.errors import QcError
from cloud_sync.central.enrolment.desk import Desk, Issued, Known
from cloud_sync.central.enrolment.refusals import problem_of, refusal
from cloud_sync.central.enrolment.vault import Vault
from cloud_sync.kit.web import SmallBodies
from cloud_sync.wire.codec import WireError, decode, encode
from cloud_sync.wire.enrolment import (
    AUTHORITIES,
    CONFIRM,
    ENROL,
    RENEW,
    REPOSITORY,
    Authorities,
    EnrolRequest,
    Grant,
    RenewRequest,
)
from cloud_sync.wire.words import Wire

log = structlog.get_logger()
W = TypeVar("W", bound=Wire)


@dataclass(frozen=True, slots=True)
class Directions:
    """Where a box is sent. ``root`` gives the QC group's present root, or None while there is none."""

    enrolment: str
    broker_host: str
    broker_port: int
    root: Callable[[], bytes | None]

    def grant(self, issued: Issued, believed: str) -> Grant:
        """All that a box is given with its certificate."""
        return Grant(
            box=issued.box, certificate=issued.pem, authorities=believed,
            not_before=issued.not_before, not_after=issued.not_after, broker_host=self.broker_host,
            broker_port=self.broker_port, enrolment=self.enrolment, root=(self.root() or b"").decode(),
        )  # fmt: skip


def create_door(
    desk: Desk,
    vault: Callable[[], Vault],
    directions: Directions,
    wall: Callable[[], int],
    repository: ASGIApp | None,
) -> ASGIApp:
    """``repository`` answers for what lies under ``/repository``, to boxes only."""
    door = _Door(desk, vault, directions, wall)
    routes: list[Route | Mount] = [
        Route(AUTHORITIES, door.authorities, methods=["GET"]),
        Route(ENROL, door.enrol, methods=["POST"]),
        Route(RENEW, door.renew, methods=["POST"]),
        Route(CONFIRM, door.confirm, methods=["POST"]),
    ]
    if repository is not None:
        routes.append(Mount(REPOSITORY, _BoxesOnly(repository, door)))
    app = Starlette(
        routes=routes, exception_handlers={QcError: _refuse, WireError: _misread, HTTPException: _http}
    )
    app.router.redirect_slashes = False
    app.add_middleware(SmallBodies)
    return app


class _Door:
    def __init__(
        self, desk: Desk, vault: Callable[[], Vault], directions: Directions, wall: Callable[[], int]
    ) -> None:
        self._desk, self._vault, self._directions, self._wall = desk, vault, directions, wall

    async def authorities(self, request: Request) -> Response:
        """Open to all: an authority's certificate is public. A box that does not know it yet checks it by the
        pin."""
        vault = await anyio.to_thread.run_sync(self._vault)
        return _said(Authorities(authorities=vault.believed))

    async def enrol(self, request: Request) -> Response:
        asked = await _read(request, EnrolRequest)
        return await self._granted(lambda: self._desk.enrol(asked, self._wall()))

    async def renew(self, request: Request) -> Response:
        """By the certificate shown in TLS, or by proof of the key of one that has expired."""
        asked = await _read(request, RenewRequest)
        der = peer(request.scope)

        def issue() -> Issued:
            now = self._wall()
            known = self._desk.admitted(der, now) if der else self._desk.proven(asked, now)
            return self._desk.renew(known, asked, now)

        return await self._granted(issue)

    async def confirm(self, request: Request) -> Response:
        known = await self.known(request.scope)
        await anyio.to_thread.run_sync(self._desk.confirm, known, self._wall())
        return Response(status_code=204)

    async def known(self, scope: Scope) -> Known:
        """The box that speaks. Raises SetAside."""
        return await anyio.to_thread.run_sync(self._desk.admitted, peer(scope), self._wall())

    async def _granted(self, issue: Callable[[], Issued]) -> Response:
        def answer() -> Grant:
            return self._directions.grant(issue(), self._vault().believed)

        grant = await anyio.to_thread.run_sync(answer)
        log.info("enrolment.granted", box=grant.box)
        return _said(grant)


class _BoxesOnly:
    """ASGI: passes on what a box asks for, and tells nobody else what there is."""

    def __init__(self, app: ASGIApp, door: _Door) -> None:
        self._app, self._door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._door.known(scope)
        await self._app(scope, receive, send)


def peer(scope: Scope) -> bytes | None:
    """The client certificate of this connection in DER, its chain and time checked by TLS (``listener``)."""
    found = scope.get("state", {}).get("certificate")
    return found if isinstance(found, bytes) else None


async def _read(request: Request, model: type[W]) -> W:
    return decode(await request.body(), model)


def _said(message: Wire, status: int = 200) -> Response:
    return Response(encode(message), status, {"cache-control": "no-store"}, "application/json")


def _problem(error: QcError, status: int) -> Response:
    return _said(problem_of(error), status)


async def _refuse(request: Request, error: Exception) -> Response:
    if not isinstance(error, QcError):
        raise error
    log.warning("enrolment.refused", code=error.code, address=request.client.host if request.client else "")
    return _problem(error, 403)


async def _misread(request: Request, error: Exception) -> Response:
    return _problem(refusal("enrol.unreadable"), 400)


async def _http(request: Request, error: Exception) -> Response:
    return Response(status_code=error.status_code if isinstance(error, HTTPException) else 500)
