"""What every page of ours needs: templates that escape, strict headers, files with a version, local times."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources.abc import Traversable
from types import CodeType
from zoneinfo import ZoneInfo

from babel.dates import format_timedelta
from jinja2 import BaseLoader, BytecodeCache, ChoiceLoader, Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cloud_sync.kit.i18n import Texts

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""No inline script or style, nothing from elsewhere, no frame; a page with patients stays in no cache."""


MOST_BODY = 64 * 1024
"""Bytes of a request."""


class SecurityHeaders:
    """ASGI middleware: puts ``HEADERS`` on every response that does not set them itself. Streams untouched."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_guarded)


class SmallBodies:
    """ASGI middleware: a form or a decision is small; anybody may send more, before they have logged in."""

    def __init__(self, app: ASGIApp, larger: Mapping[str, int] | None = None) -> None:
        """``larger``: bytes of the few addresses that take a file."""
        self._app = app
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        heard, most = 0, self._larger.get(scope.get("path", ""), MOST_BODY)

        async def receive_little() -> Message:
            nonlocal heard
            message = await receive()
            heard += len(message.get("body", b""))
            if heard > most:
                raise HTTPException(413)
            return message

        await self._app(scope, receive_little, send)


class _Compiled(BytecodeCache):
    """Templates are compiled once in a process, however many applications it makes (a test makes hundreds)."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._kept[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled()


class Pages:
    """Jinja2 templates with autoescape and strict names; ``_`` says a text in the page's language."""

    def __init__(self, texts: Texts, *templates: str, static: Traversable, static_url: str = "/static") -> None:
        """``templates``: folders, the first that has a name wins."""
        loaders: list[BaseLoader] = [FileSystemLoader(folder) for folder in templates]
        self.texts = texts
        self._jinja = Environment(
            loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, bytecode_cache=_COMPILED,
        )  # fmt: skip
        self._jinja.globals["static"] = _versions(static, static_url).__getitem__
        for name in self._jinja.list_templates(extensions=["html"]):
            self._jinja.get_template(name)  # compiled now: a mistake shows at start, the first page is fast

    def text(self, template: str, language: str, **values: object) -> str:
        """One template or fragment as text."""

        def say(msgid: str, **parts: object) -> str:
            return self.texts.say(language, msgid, **parts)

        page = self._jinja.get_template(template)
        return page.render(_=say, language=language, languages=self.texts.languages, **values)

    def page(self, template: str, language: str, status: int = 200, **values: object) -> HTMLResponse:
        """One template as a response."""
        return HTMLResponse(self.text(template, language, **values), status_code=status)


def local(ms: int, zone: ZoneInfo, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """UTC milliseconds as wall-clock time of a site."""
    return datetime.fromtimestamp(ms / 1000, UTC).astimezone(zone).strftime(form)


def midnight(now: int, zone: ZoneInfo) -> int:
    """UTC milliseconds of the last midnight at a site."""
    here = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
    return int(here.replace(hour=0, minute=0, second=0, microsecond=0).timestamp() * 1000)


def age(then: int, now: int, language: str) -> str:
    """How long ago in words: ``3 minutes``, ``3分钟``. Both in milliseconds; the future counts as now."""
    return format_timedelta(timedelta(milliseconds=max(0, now - then)), locale=language, threshold=1.2)


def _versions(folder: Traversable, url: str) -> dict[str, str]:
    """Addresses that change with the content, so that a browser never mixes two releases."""
    files = {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}
    return {name: f"{url}/{name}?v={hashlib.sha256(content).hexdigest()[:12]}" for name, content in files.items()}
