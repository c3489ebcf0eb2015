"""The centre's pages as one FastAPI application."""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from capture.errors import Misuse
from cloud_sync.central import frame
from cloud_sync.central.auth import Gate
from cloud_sync.central.authoring import workshop
from cloud_sync.central.database import Database
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.frame import centre_of, view_of
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.pages import (
    administer,
    boxes,
    draft,
    enrolment,
    entry,
    founding,
    overriding,
    overview,
    problems,
    releasing,
    results,
    rollouts,
    rules,
    signing,
    trying,
)
from cloud_sync.central.rollout.terms import Plan
from cloud_sync.central.settings import PortalSettings
from cloud_sync.central.signing.settings import PublishingSettings
from cloud_sync.kit.csrf import CrossSiteGuard
from cloud_sync.kit.web import HEADERS, SecurityHeaders, SmallBodies

log = structlog.get_logger()
_LARGER = {rules.IMPORT: rules.LARGEST_IMPORT, draft.TEXT: draft.LARGEST_TEXT}
_ROOMS = (
    entry, overview, results, problems, rules, founding, draft, overriding, trying, releasing, rollouts, boxes,
    signing, enrolment, administer,
)  # fmt: skip


def wall_ms() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def create_app(
    settings: PortalSettings,
    database: Database,
    ingest: Callable[[], IngestStatus],
    wall: Callable[[], int] = wall_ms,
    publishing: PublishingSettings | None = None,
    plan: Plan | None = None,
    office: enrolment.Office | None = None,
) -> FastAPI:
    """All pages over the centre's database. ``publishing``: where signed content lies; ``plan``: of new rollouts;
    ``office``: for papers of boxes; all by default as in settings."""
    app = FastAPI(title="qcbox centre", docs_url=None, redoc_url=None, openapi_url=None)
    centre = frame.make(settings, database, ingest, wall)
    app.state.centre = centre
    app.state.workshop = workshop.make(database, publishing or PublishingSettings())
    app.state.plan = plan or Plan()
    app.state.office = office or enrolment.Office(EnrolmentSettings(), frozenset())
    for room in _ROOMS:
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=frame.HERE / "static"), name="static")
    app.add_api_route("/healthz", _healthy)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Misuse, _misused)
    app.add_exception_handler(Exception, _broken)
    # Added last runs first: headers on everything, then the guard, then the gate.
    app.add_middleware(Gate, auth=centre.auth)
    app.add_middleware(SmallBodies, larger=_LARGER)
    app.add_middleware(CrossSiteGuard)
    app.add_middleware(SecurityHeaders)
    return app


def _healthy(request: Request) -> JSONResponse:
    """Whether the ingest is connected. Says nothing else: anybody may ask."""
    connected = centre_of(request).ingest().connected
    return JSONResponse({"ok": connected}, status_code=200 if connected else 503)


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return view_of(request).page("error.html", status, status=status, hint="")


async def _invalid(request: Request, error: Exception) -> Response:
    return view_of(request).page("error.html", 422, status=422, hint="")


async def _misused(request: Request, error: Exception) -> Response:
    view = view_of(request)
    hint = error.say(view.language) if isinstance(error, Misuse) else ""
    return view.page("error.html", 422, status=422, hint=hint)


async def _broken(request: Request, error: Exception) -> Response:
    """Log the type and the place, never the text: it may quote what was asked."""
    log.error("request.failed", exc_info=error)
    answer = view_of(request).page("error.html", 500, status=500, hint="")
    answer.headers.update(HEADERS)  # Starlette answers a bug outside of every middleware
    return answer
