"""Refuses requests that another site makes a browser send, by the headers browsers set themselves.

Sec-Fetch-Site decides where a browser sends it; Origin against Host decides for older browsers. A request
with neither does not come from a browser and carries no stolen cookie. No tokens, no forms to keep in step.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def cross_site(method: str, headers: Headers) -> bool:
    """Whether a request that changes something was started by another site."""
    if method in _SAFE:
        return False
    fetch_site = headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host", "")


class CrossSiteGuard:
    """ASGI middleware: answers 403 to a cross-site request and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and cross_site(scope["method"], Headers(scope=scope)):
            refusal = PlainTextResponse("403 cross-site request refused / 拒绝跨站请求\n", status_code=403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)
