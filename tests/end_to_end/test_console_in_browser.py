"""The console in a real Chromium: what a technologist sees, hears of and presses."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from capture.text import Bilingual
from edge.server import ConsoleServer
from models.rules.verdict import Grade
from tests.peers import CHROMIUM, CHROMIUM_FLAGS
from tests.unit.edge.console.stage import SECRETS, Stage, build, off_centre, verdict

pytestmark = pytest.mark.real
expect.set_options(timeout=30_000)
"""How long a page may take before a test fails: patience with a busy machine, never a measurement."""

CLOSE_AND_ENTER = """() => {
  const help = document.getElementById("help");
  help.showModal();
  help.close();
  const key = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(key);
}"""
"""Enter before the next frame: until then the focus is on the button of the dialog that was closed."""


@dataclass
class Kiosk:
    """One box and one browser at it. ``complaints``: errors of the page and of its console."""

    stage: Stage
    page: Page
    address: str
    stop: Callable[[], Awaitable[None]]
    start: Callable[[], Awaitable[None]]
    complaints: list[str] = field(default_factory=list)

    async def log_in(self, language: str = "en") -> None:
        await self.page.goto(f"{self.address}/login")
        await self.page.fill("[name=name]", "technologist")
        await self.page.fill("[name=secret]", SECRETS["technologist"])
        await self.page.click("form.login button.primary")
        await self.page.wait_for_url(f"{self.address}/")
        if await self.page.get_attribute("html", "lang") != language:
            await self.page.click("form[action='/language'] button")
        await expect(self.page.locator("html")).to_have_attribute("lang", language)
        await expect(self.page.locator("#sound[data-state]")).to_be_visible()


@asynccontextmanager
async def kiosk(folder: Path, width: int = 1280, height: int = 800, **console: object) -> AsyncIterator[Kiosk]:
    given: dict[str, Any] = {"host": "127.0.0.1", "port": 0, **console}
    stage = build(folder, **given)
    running: list[tuple[asyncio.Event, asyncio.Task[None]]] = []
    port = 0

    async def start() -> None:
        nonlocal port
        settings = stage.services.settings
        again = settings.model_copy(update={"console": settings.console.model_copy(update={"port": port})})
        server = ConsoleServer(replace(stage.services, settings=again))
        port = server.port
        stop = asyncio.Event()
        running.append((stop, asyncio.create_task(server.run(stop))))

    async def stop() -> None:
        event, task = running.pop()
        event.set()
        await task

    await start()
    try:
        async with async_playwright() as player:
            browser = await player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            page = await browser.new_page(viewport={"width": width, "height": height})
            made = Kiosk(stage, page, f"http://127.0.0.1:{port}", stop, start)
            page.on("pageerror", lambda error: made.complaints.append(str(error)))
            page.on("console", lambda said: made.complaints.append(said.text) if said.type == "error" else None)
            yield made
            await browser.close()
    finally:
        if running:
            await stop()
        stage.close()


async def test_an_alert_appears_is_decided_and_undone_by_keyboard(tmp_path: Path) -> None:
    async with kiosk(tmp_path) as at:
        await at.log_in()
        page = at.page
        await expect(page.get_by_text("Waiting for the first image")).to_be_visible()
        at.stage.add(Grade.FEI)
        card = page.locator(".cards .card").first
        await expect(card.get_by_text("Lung field cut off at the left")).to_be_visible()
        await expect(card.get_by_text("Move the detector to the patient's left and repeat")).to_be_visible()
        await expect(card.locator(".grade strong")).to_have_text("Grade D")
        await expect(card.locator("svg .regions rect")).to_have_count(1)
        assert await card.locator("svg image").evaluate("e => fetch(e.href.baseVal).then(r => r.status)") == 200
        await expect(card.get_by_role("button", name="Accept")).to_have_count(0)

        await page.keyboard.press("r")
        dialog = page.locator("#dialog")
        await expect(dialog).to_be_visible()
        await expect(dialog.get_by_label("Positioning")).to_be_checked()
        await dialog.get_by_text("Motion blur").click()
        await dialog.get_by_role("button", name="Repeat").click()
        await expect(dialog).not_to_be_visible()
        await expect(card.locator(".decided")).to_contain_text("Motion blur")

        await page.keyboard.press("u")
        await expect(card.locator(".decided")).to_have_count(0)
        await page.keyboard.press("s")
        await expect(card.get_by_role("button", name="Seen")).to_have_count(0)
        assert at.complaints == []


async def test_a_good_image_is_shown_but_keys_and_space_belong_to_what_waits(tmp_path: Path) -> None:
    async with kiosk(tmp_path, 1920, 1080) as at:
        await at.log_in()
        at.stage.add(Grade.FEI)
        at.stage.add(Grade.JIA, name="LI^NA=李^娜")
        cards = at.page.locator(".cards .card")
        await expect(cards).to_have_count(2)
        await expect(cards.first.locator(".grade strong")).to_have_text("Grade A")
        await expect(cards.nth(1).locator(".grade strong")).to_have_text("Grade D")
        await expect(at.page.locator(".card.large .grade strong")).to_have_text("Grade D")
        await at.page.keyboard.press("r")
        await expect(at.page.locator("#dialog")).to_contain_text("王 小明")
        await expect(at.page.locator(".recent li")).to_have_count(2)
        assert at.complaints == []


async def test_silence_does_not_look_like_health_and_nothing_is_missed(tmp_path: Path) -> None:
    async with kiosk(tmp_path, heartbeat_seconds=0.3, contact_seconds=1.5) as at:
        await at.log_in()
        lost = at.page.locator("#contact")
        at.stage.add(Grade.JIA)
        await expect(at.page.locator(".cards .card")).to_have_count(1)
        await expect(lost).to_be_hidden()
        await at.stop()
        await expect(lost).to_be_visible()
        await expect(lost).to_contain_text("No contact with the box")
        at.stage.add(Grade.FEI)
        await at.start()
        await expect(lost).to_be_hidden()
        await expect(at.page.locator(".cards .card").first.locator(".grade strong")).to_have_text("Grade D")


async def test_hostile_names_do_nothing_and_no_page_breaks_the_policy(tmp_path: Path) -> None:
    hostile = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"
    async with kiosk(tmp_path) as at:
        await at.log_in()
        case = at.stage.add(Grade.FEI, name=hostile, description=hostile)
        at.stage.set_aside()
        await expect(at.page.locator(".cards .card")).to_have_count(2)
        for path in ("/", f"/case/{case}", "/devices", "/aside", "/account"):
            await at.page.goto(at.address + path)
            assert await at.page.evaluate("window.hacked") is None
        assert at.complaints == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
async def test_nothing_is_cut_off_and_targets_are_large_enough(tmp_path: Path, width: int, height: int) -> None:
    async with kiosk(tmp_path, width, height) as at:
        await at.log_in("zh-CN")
        case = at.stage.add(Grade.BING)
        await expect(at.page.locator(".cards .card")).to_have_count(1)
        for path in ("/", f"/case/{case}", "/devices", "/aside", "/account", "/login"):
            await at.page.goto(at.address + path)
            assert await at.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            for button in await at.page.locator("button:visible, a.button:visible").all():
                box = await button.bounding_box()
                assert box is not None and box["height"] >= 44 and box["width"] >= 44, path
        await at.page.goto(at.address)
        assert re.search("丙级", await at.page.inner_text(".cards .card"))
        assert at.complaints == []


async def test_what_to_press_is_in_sight_however_long_the_advice(tmp_path: Path) -> None:
    async with kiosk(tmp_path) as at:
        advice = Bilingual("请补扫。" * 30, "Add the slices that are missing before the patient leaves. " * 5)
        three = tuple(replace(off_centre(), rule_id=f"PA0{n}", advice=advice) for n in (1, 2, 3))
        long = replace(verdict(Grade.FEI), findings=three)
        await at.log_in()
        at.stage.add(given=long)
        card = at.page.locator(".cards .card").first
        await expect(card.get_by_role("button", name="Repeat")).to_be_in_viewport(ratio=1)
        await expect(card.locator(".picture")).to_be_in_viewport(ratio=1)
        assert await card.evaluate("card => card.getBoundingClientRect().bottom > innerHeight"), (
            "the card is longer"
        )
        last = card.locator(".findings li").last
        await last.scroll_into_view_if_needed()
        await expect(last).to_be_in_viewport(ratio=0.9)
        await expect(card.get_by_role("button", name="Repeat")).to_be_in_viewport(ratio=1)
        assert at.complaints == []


async def test_a_page_that_loads_itself_afresh_keeps_what_was_chosen(tmp_path: Path) -> None:
    """A busy box may be silent for longer than the page waits. What is chosen was lost then."""
    async with kiosk(tmp_path, heartbeat_seconds=60, contact_seconds=300) as at:
        ids = [at.stage.add(grade) for grade in (Grade.FEI, Grade.BING)]
        page = at.page
        await page.clock.install()
        await at.log_in()
        for key in ("ArrowDown", "ArrowDown"):
            await page.keyboard.press(key)
        await expect(page.locator(".chosen")).to_have_attribute("data-card", ids[0])
        loaded = asyncio.ensure_future(page.wait_for_event("load", timeout=120_000))
        while not loaded.done():  # a word of the box that comes just now ends a silence: then there is another
            await page.clock.fast_forward(301_000)
            await asyncio.wait([loaded], timeout=5)
        await loaded
        await expect(page.locator(".chosen")).to_have_attribute("data-card", ids[0])


async def test_keys_move_help_and_sound(tmp_path: Path) -> None:
    async with kiosk(tmp_path) as at:
        ids = [at.stage.add(grade) for grade in (Grade.FEI, Grade.BING)]
        await at.log_in()
        page = at.page
        for key in ("ArrowDown", "ArrowDown"):
            await page.keyboard.press(key)
        await expect(page.locator(".chosen")).to_have_attribute("data-card", ids[0])
        at.stage.add(Grade.YI)
        await expect(page.locator(".cards .card")).to_have_count(3)
        await expect(page.locator(".chosen")).to_have_attribute("data-card", ids[0])
        await page.keyboard.press("?")
        await expect(page.locator("#help")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#sound")).to_have_attribute("data-state", "on")
        await page.keyboard.press("m")
        await expect(page.locator("#sound")).to_have_attribute("data-state", "off")
        await page.keyboard.press("Enter")
        await expect(page).to_have_url(f"{at.address}/case/{ids[0]}")
        assert at.complaints == []


async def test_enter_right_after_a_dialog_closes_opens_what_is_chosen(tmp_path: Path) -> None:
    async with kiosk(tmp_path) as at:
        chosen = at.stage.add(Grade.FEI)
        await at.log_in()
        await at.page.keyboard.press("ArrowDown")
        await expect(at.page.locator(".chosen")).to_have_attribute("data-card", chosen)
        await at.page.evaluate(CLOSE_AND_ENTER)
        await expect(at.page).to_have_url(f"{at.address}/case/{chosen}")
