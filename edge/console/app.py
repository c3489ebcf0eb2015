"""The console as one FastAPI application: pages, live stream, JSON API, metrics, and what an error looks like."""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.staticfiles import StaticFiles

from capture.errors import QcError
from capture.text import Bilingual
from cloud_sync.kit.csrf import CrossSiteGuard
from cloud_sync.kit.web import HEADERS, SecurityHeaders, SmallBodies
from edge.console import api, frame, live
from edge.console.auth import Gate, from_loopback
from edge.console.frame import console_of, view_of, viewer_of
from edge.console.pages import (
    administer,
    board,
    case,
    content,
    device,
    entry,
    hands,
    lists,
    protocol,
    release,
    rules,
    screen,
    teach,
    teach_desk,
    teach_habits,
    teach_live,
    teach_save,
)
from edge.pipeline.patience import disk_full
from edge.reading import ReadingRoom
from edge.services import Services

log = structlog.get_logger()

_ERRORS: dict[int, tuple[Bilingual, Bilingual]] = {
    400: (
        Bilingual("请求无法理解", "The request makes no sense"),
        Bilingual("返回上一页再试", "Go back and try again"),
    ),
    403: (
        Bilingual("没有权限", "Not allowed"),
        Bilingual(
            "您的角色不能执行此操作；若页面已锁定，请重新登录",
            "Your role cannot do this; if the page is locked, log in again",
        ),
    ),
    404: (
        Bilingual("没有这个页面", "There is no such page"),
        Bilingual(
            "图像可能已超过保存期；请从看板重新进入",
            "The image may be past its retention; start again from the board",
        ),
    ),
    405: (Bilingual("不支持此操作", "This cannot be done here"), Bilingual("返回看板", "Go back to the board")),
    422: (
        Bilingual("输入不符合要求", "The input does not fit"),
        Bilingual("检查输入的内容", "Check what was entered"),
    ),
    500: (
        Bilingual("内部错误", "Something went wrong inside"),
        Bilingual(
            "图像和判定没有丢失；请重试，若再次出现请告知工程师",
            "No image and no verdict is lost; try again, and tell the engineer if it stays",
        ),
    ),
    507: (
        Bilingual("磁盘已满", "The disk is full"),
        Bilingual(
            "请工程师清理磁盘；图像在设备或暂存区等待，有空间后自动继续",
            "The engineer has to free space; images wait at the device or in the spool and go on by themselves",
        ),
    ),
}


_ROOMS = (
    board, case, content, lists, device, protocol, release, rules, screen, entry, administer,
    teach, teach_desk, teach_habits, teach_live, teach_save, hands, live, api,
)  # fmt: skip
_LARGER = {"/teach/import": teach.MOST_TEMPLATE + 4096, "/hands/import": hands.MOST_SEQUENCE + 4096}


def create_app(services: Services, reading: ReadingRoom | None = None) -> FastAPI:
    """The whole console over the agent's services. ``reading``: reads screens, if not a process of its own."""
    console = frame.make(services, reading)

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await console.teaching.reading.close()
        await asyncio.to_thread(console.hands.end)

    app = FastAPI(
        title="qcbox console",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
        lifespan=lifespan,
    )
    app.state.console = console
    for room in _ROOMS:
        app.include_router(room.router)
    app.mount("/static", StaticFiles(directory=frame.HERE / "static"), name="static")
    app.add_api_route("/healthz", _healthy, include_in_schema=False)
    app.add_api_route("/metrics", _metrics, include_in_schema=False)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(QcError, _misused)
    app.add_exception_handler(Exception, _broken)
    # Added last runs first: headers on everything, then the guard, then the gate.
    app.add_middleware(Gate, auth=console.auth)
    app.add_middleware(SmallBodies, larger=_LARGER)
    app.add_middleware(CrossSiteGuard)
    app.add_middleware(SecurityHeaders)
    return app


async def _healthy(request: Request) -> JSONResponse:
    """Alive, and the database answers. Says nothing else: anybody may ask."""
    await console_of(request).services.db.aread(lambda c: c.execute(select(1)).scalar_one())
    return JSONResponse({"ok": True})


async def _metrics(request: Request) -> Response:
    """Prometheus: for this machine itself and for engineers."""
    viewer = viewer_of(request)
    if not from_loopback(request) and (viewer is None or viewer.account.role != "engineer"):
        raise HTTPException(403)
    text = await asyncio.to_thread(console_of(request).services.metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _refused(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    text, hint = _ERRORS.get(status, _ERRORS[400])
    return _say(request, status, f"http.{status}", text, hint)


async def _invalid(request: Request, error: Exception) -> Response:
    return _say(request, 422, "http.422", *_ERRORS[422])


async def _misused(request: Request, error: Exception) -> Response:
    assert isinstance(error, QcError)  # noqa: S101 - registered for nothing else
    return _say(request, 422, error.code, error.text, error.hint)


async def _broken(request: Request, error: Exception) -> Response:
    """Log the type and the place, never the text: it may quote a patient."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
    where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    log.error("request.failed", error=type(error).__name__, where=where)
    status = 507 if isinstance(error, OSError | OperationalError) and disk_full(error) else 500
    answer = _say(request, status, f"http.{status}", *_ERRORS[status])
    answer.headers.update(HEADERS)  # Starlette answers a bug outside of every middleware
    return answer


def _say(request: Request, status: int, code: str, text: Bilingual, hint: Bilingual) -> Response:
    """In JSON to programs, as a short note to a part of a page, as a page to people."""
    if request.url.path.startswith("/api/"):
        return JSONResponse({"code": code, "text": _both(text), "hint": _both(hint)}, status_code=status)
    view = view_of(request)
    template = "part/error.html" if request.headers.get("hx-request") else "error.html"
    return view.page(template, status, status=status, code=code, text=text, hint=hint)


def _both(text: Bilingual) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}
