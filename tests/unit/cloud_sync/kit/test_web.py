from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from jinja2 import UndefinedError
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from cloud_sync.kit.i18n import Texts
from cloud_sync.kit.web import HEADERS, Pages, SecurityHeaders, age, local, midnight

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def pages(tmp_path: Path) -> Pages:
    for name in ("locales", "templates", "static"):
        (tmp_path / name).mkdir()
    (tmp_path / "locales" / "zh_CN.po").write_text('msgid "Hello {who}"\nmsgstr "你好{who}"\n', encoding="utf-8")
    page = '{{ _("Hello {who}", who=who) }} {{ static("app.css") }} {{ language }}'
    (tmp_path / "templates" / "page.html").write_text(page, encoding="utf-8")
    (tmp_path / "static" / "app.css").write_text("body {}", encoding="utf-8")
    return Pages(Texts.load(tmp_path / "locales"), str(tmp_path / "templates"), static=tmp_path / "static")


def test_a_page_speaks_its_language_and_escapes_what_it_is_given(pages: Pages) -> None:
    page = pages.page("page.html", "zh_CN", who="<script>alert(1)</script>", status=404)
    assert page.status_code == 404
    assert bytes(page.body).decode().startswith("你好&lt;script&gt;alert(1)&lt;/script&gt; /static/app.css?v=")


def test_a_template_that_lacks_a_value_fails_instead_of_showing_nothing(pages: Pages) -> None:
    with pytest.raises(UndefinedError):
        pages.text("page.html", "en")


async def test_every_response_carries_the_headers_and_may_set_its_own() -> None:
    async def plain(request: object) -> PlainTextResponse:
        return PlainTextResponse("x")

    async def cached(request: object) -> PlainTextResponse:
        return PlainTextResponse("x", headers={"Cache-Control": "max-age=5"})

    guarded = SecurityHeaders(Starlette(routes=[Route("/", plain), Route("/cached", cached)]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(guarded), base_url="http://box") as browser:
        response = await browser.get("/")
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
        assert (await browser.get("/cached")).headers["Cache-Control"] == "max-age=5"
        assert (await browser.get("/nowhere")).headers["X-Content-Type-Options"] == "nosniff"


def test_times_are_shown_in_the_zone_of_the_site() -> None:
    assert local(0, SHANGHAI) == "1970-01-01 08:00:00"
    assert local(0, ZoneInfo("UTC"), "%H:%M") == "00:00"
    assert midnight(20 * 3600_000, SHANGHAI) == 16 * 3600_000
    assert midnight(16 * 3600_000 - 1, SHANGHAI) == -8 * 3600_000


def test_an_age_is_said_in_words_and_the_future_is_now() -> None:
    assert age(0, 180_000, "en") == "3 minutes"
    assert age(0, 180_000, "zh_CN") == "3分钟"
    assert age(5_000, 0, "en") == "0 seconds"
