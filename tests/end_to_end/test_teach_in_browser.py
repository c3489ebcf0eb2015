"""Teaching in a real Chromium: hands on the stage, and a whole console taught with the real readers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from capture.screen.library import Library
from edge.reading import ReadingRoom
from edge.server import ConsoleServer
from tests.peers import CHROMIUM, CHROMIUM_FLAGS
from tests.teaching import SCREEN, ByHeart, Shown, exam, shown_on, stage_with_screen
from tests.unit.edge.console.stage import SECRETS

pytestmark = pytest.mark.real
expect.set_options(timeout=60_000)


@dataclass
class Desk:
    """One engineer's browser at the box, and the screen that is taught."""

    page: Page
    shown: Shown
    address: str
    library: Library
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    async def boxes(self) -> dict[str, list[int]]:
        state = json.loads(await self.page.get_attribute("#work", "data-state") or "{}")
        return {one["key"]: one["box"] for one in state["boxes"]}

    async def capture(self, letter: str, bgr: np.ndarray) -> None:
        self.shown.bgr = bgr
        row = self.page.locator(".shots li").nth("abc".index(letter))
        await row.locator(".capture").click()
        await expect(row.locator("img")).to_be_visible()

    async def find(self) -> None:
        await self.page.get_by_role("button", name="Find the fields").click()
        await expect(self.page.locator(".drawers")).to_be_visible()

    async def middle(self, key: str) -> tuple[float, float]:
        """Where the middle of a box is on the page now."""
        x, y, w, h = (await self.boxes())[key]
        view = await self.page.locator("#boxes").bounding_box()
        seen = [float(n) for n in (await self.page.get_attribute("#boxes", "viewBox") or "").split()]
        assert view is not None
        scale = view["width"] / seen[2]
        return view["x"] + (x + w / 2 - seen[0]) * scale, view["y"] + (y + h / 2 - seen[1]) * scale

    async def until(self, holds: Callable[[dict[str, list[int]]], bool]) -> dict[str, list[int]]:
        """Wait until it holds of the boxes as the box has them."""
        for _ in range(600):
            found = await self.boxes()
            if holds(found):
                return found
            await asyncio.sleep(0.1)
        raise AssertionError("waited in vain")


@asynccontextmanager
async def desk(
    folder: Path, reading: ReadingRoom, size: tuple[int, int] = (1280, 800), **options: object
) -> AsyncIterator[Desk]:
    stage = stage_with_screen(folder, reading, port=0)
    server, stop, shown = ConsoleServer(stage.services, reading), asyncio.Event(), shown_on(stage)
    serving = asyncio.create_task(server.run(stop))
    try:
        async with shown.running(), async_playwright() as player:
            browser = await player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            context = await browser.new_context(viewport={"width": size[0], "height": size[1]}, **options)  # type: ignore[arg-type]
            page = await context.new_page()
            made = Desk(
                page,
                shown,
                f"http://127.0.0.1:{server.port}",
                Library(stage.services.settings.screens_path),
                browser,
            )
            page.on("pageerror", lambda error: made.complaints.append(str(error)))
            page.on("console", lambda said: made.complaints.append(said.text) if said.type == "error" else None)
            await page.goto(f"{made.address}/login")
            await page.fill("[name=name]", "engineer")
            await page.fill("[name=secret]", SECRETS["engineer"])
            await page.click("form.login button.primary")
            await page.wait_for_url(f"{made.address}/")
            await page.goto(f"{made.address}/teach/{SCREEN}")
            yield made
            await browser.close()
    finally:
        stop.set()
        await serving
        stage.close()


async def test_boxes_are_moved_resized_drawn_removed_and_all_of_it_undone(tmp_path: Path) -> None:
    exams = [exam(number) for number in range(3)]
    async with desk(tmp_path, ByHeart(exams)) as at:
        page = at.page
        for letter, one in zip("ab", exams, strict=False):
            await at.capture(letter, one.bgr)
        await at.find()
        start = await at.boxes()
        await expect(page.locator('[data-value="f1"]')).to_have_text(exams[0].texts[1][1])
        await expect(page.locator(".value-chip")).to_have_count(5)

        x, y = await at.middle("f3")
        await page.mouse.click(x, y)
        await expect(page.locator(".rows li.chosen")).to_have_attribute("data-key", "f3")
        x, y = await at.middle("f3")
        await page.mouse.move(x, y)
        await page.mouse.down()
        await page.mouse.move(x + 30, y + 40, steps=4)
        await page.mouse.up()
        await expect(page.locator("[data-post=undo]")).to_be_enabled()
        moved = await at.until(lambda now: now["f3"][0] > start["f3"][0])
        assert moved["f3"][2:] == start["f3"][2:] and moved["f3"][1] > start["f3"][1]

        # Keys: one pixel to the right, one pixel wider.
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("Shift+ArrowRight")
        wanted = [moved["f3"][0] + 1, moved["f3"][1], moved["f3"][2] + 1, moved["f3"][3]]
        await at.until(lambda now: now["f3"] == wanted)

        await page.keyboard.press("n")
        view = await page.locator("#boxes").bounding_box()
        assert view is not None
        await page.mouse.move(view["x"] + 300, view["y"] + 300)
        await page.mouse.down()
        await page.mouse.move(view["x"] + 400, view["y"] + 330, steps=4)
        await page.mouse.up()
        await expect(page.locator(".rows li.chosen")).to_have_count(1)
        await at.until(lambda now: len(now) == len(start) + 1)
        await page.keyboard.press("Delete")
        await at.until(lambda now: len(now) == len(start))
        for _ in range(6):
            if await at.boxes() == start:
                break
            before = await page.get_attribute("#work", "data-state")
            await page.keyboard.press("Control+z")
            await expect(page.locator("#work")).not_to_have_attribute("data-state", before or "")
        assert await at.boxes() == start
        assert at.complaints == []


async def test_zoom_by_wheel_and_buttons_keeps_the_point_and_fits_again(tmp_path: Path) -> None:
    exams = [exam(number) for number in range(2)]
    async with desk(tmp_path, ByHeart(exams)) as at:
        for letter, one in zip("ab", exams, strict=False):
            await at.capture(letter, one.bgr)
        await at.find()
        x, y = await at.middle("f1")
        await at.page.mouse.move(x, y)
        await at.page.mouse.wheel(0, -500)
        await expect(at.page.locator("#scale")).not_to_have_text("100 %")
        nearby = await at.middle("f1")
        assert abs(nearby[0] - x) < 3 and abs(nearby[1] - y) < 3
        await at.page.keyboard.press("0")
        await expect(at.page.locator("#scale")).to_have_text("100 %")
        await at.page.click('[data-zoom="1.25"]')
        await expect(at.page.locator("#scale")).to_have_text("125 %")
        assert at.complaints == []


async def test_a_finger_chooses_drags_and_two_fingers_zoom(tmp_path: Path) -> None:
    exams = [exam(number) for number in range(2)]
    async with desk(tmp_path, ByHeart(exams), has_touch=True) as at:
        page = at.page
        for letter, one in zip("ab", exams, strict=False):
            await at.capture(letter, one.bgr)
        await at.find()
        start = await at.boxes()
        x, y = await at.middle("f2")
        await page.touchscreen.tap(x, y)
        await expect(page.locator(".rows li.chosen")).to_have_attribute("data-key", "f2")
        finger = await page.context.new_cdp_session(page)

        async def touch(kind: str, *points: tuple[float, float]) -> None:
            listed = [{"x": px, "y": py, "id": n} for n, (px, py) in enumerate(points)]
            await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": listed})

        await touch("touchStart", (x, y))
        for step in range(1, 5):
            await touch("touchMove", (x, y + 10 * step))
        await touch("touchEnd")
        await at.until(lambda now: now["f2"][1] > start["f2"][1])
        await touch("touchStart", (300, 400), (400, 400))
        for step in range(1, 6):
            await touch("touchMove", (300 - 20 * step, 400), (400 + 20 * step, 400))
        await touch("touchEnd")
        await expect(page.locator("#scale")).not_to_have_text("100 %")
        assert at.complaints == []


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1920, 1080)])
async def test_nothing_is_cut_off_and_a_finger_finds_every_button(tmp_path: Path, width: int, height: int) -> None:
    exams = [exam(number) for number in range(3)]
    async with desk(tmp_path, ByHeart(exams), (width, height), locale="zh-CN") as at:
        page = at.page
        for letter, one in zip("abc", exams, strict=True):
            await at.capture(letter, one.bgr)
        await at.find()
        await page.click('[data-pick="f3"]')
        await expect(page.locator(".editor")).to_be_visible()
        for step in ("capture", "fields", "confirm", "save"):
            await page.click(f'.steps [data-step="{step}"]')
            await expect(page.locator(f'.steps [data-step="{step}"][aria-current]')).to_be_visible()
            whole = "(e => e.scrollWidth <= innerWidth && e.scrollHeight <= innerHeight)(document.documentElement)"
            assert await page.evaluate(whole), step
            for button in await page.locator("button:visible, a.button:visible").all():
                box = await button.bounding_box()
                assert box is not None and box["height"] >= 44 and box["width"] >= 44, (
                    step,
                    await button.inner_html(),
                )
        assert at.complaints == []
