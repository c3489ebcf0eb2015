import httpx
import pytest
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cloud_sync.kit.csrf import CrossSiteGuard, cross_site


@pytest.mark.parametrize(
    ("method", "headers", "refused"),
    [
        ("GET", {"sec-fetch-site": "cross-site"}, False),
        ("HEAD", {"origin": "https://evil.test"}, False),
        ("POST", {}, False),
        ("POST", {"sec-fetch-site": "same-origin"}, False),
        ("POST", {"sec-fetch-site": "none"}, False),
        ("POST", {"sec-fetch-site": "same-site"}, True),
        ("POST", {"sec-fetch-site": "cross-site", "origin": "http://box:8080", "host": "box:8080"}, True),
        ("POST", {"origin": "http://box:8080", "host": "box:8080"}, False),
        ("POST", {"origin": "http://box:9999", "host": "box:8080"}, True),
        ("POST", {"origin": "null", "host": "box:8080"}, True),
        ("DELETE", {"origin": "https://evil.test", "host": "box"}, True),
    ],
)
def test_decides_by_the_headers_a_browser_sets(method: str, headers: dict[str, str], refused: bool) -> None:
    assert cross_site(method, Headers(headers)) is refused


async def test_the_guard_answers_403_and_never_calls_the_application() -> None:
    called: list[str] = []

    async def change(request: object) -> PlainTextResponse:
        called.append("changed")
        return PlainTextResponse("changed")

    guarded = CrossSiteGuard(Starlette(routes=[Route("/", change, methods=["POST"])]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://box") as browser:
        assert (await browser.post("/", headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
        assert called == []
        assert (await browser.post("/", headers={"Sec-Fetch-Site": "same-origin"})).text == "changed"
    assert called == ["changed"]
