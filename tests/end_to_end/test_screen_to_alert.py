"""A console without an interface, to the end: a browser draws it under Xvfb, ffmpeg grabs it, an engineer teaches
the box on its web page, and the next patient's exam is read, judged and shown to the technologist."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.async_api import Browser, Locator, Page, async_playwright, expect

from capture.screen import window
from capture.screen.library import Library
from tests.console_page import IMAGE, html, said
from tests.end_to_end.test_chest_film import cut_at_the_left, packaged_film
from tests.peers import CHROMIUM, CHROMIUM_FLAGS, Child, accepts, free_port, python, wait_until

pytestmark = [pytest.mark.real, pytest.mark.slow]
PATIENCE_MS = 180_000
"""For two networks to read two whole screens beside other tests on two cores. Never a measurement."""
PASSWORDS = {"engineer": "a long password", "technologist": "482913"}
IDENTITY = {"PatientID", "PatientName", "PatientBirthDate", "AccessionNumber"}
NEXT = 2
"""The exam that is made after teaching: a chest whose left lung is cut off."""


@contextmanager
def x11() -> Iterator[str]:
    """An X11 screen of 1080p; its number."""
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1920x1080x24", "-nolisten", "tcp"], pass_fds=(write,)
    )
    os.close(write)
    with os.fdopen(read) as said_number:
        number = said_number.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def display() -> Iterator[str]:
    """See :func:`x11`."""
    with x11() as number:
        yield number


@dataclass
class Box:
    """A box without a centre that watches one screen."""

    folder: Path
    display: str

    def __post_init__(self) -> None:
        self.port = free_port()
        self._live = self.folder / "box" / "screens" / "live" / "dr"
        self.config = self.folder / "qcbox.toml"
        self.config.write_text(
            f"""
            box = "box-1"
            data_dir = "{self.folder / "box"}"
            [site]
            name = "test"
            [spool]
            min_free_mb = 16
            [console]
            port = {self.port}
            [workers]
            count = 1
            [[screens]]
            name = "dr"
            kind = "x11"
            address = "{self.display}"
            fps = 5
            """
        )
        for name, secret in PASSWORDS.items():
            subprocess.run(
                [*self._qcbox("account", "add"), name, "--role", name, "--language", "en",
                 "--config", str(self.config)],
                input=f"{secret}\n", text=True, check=True, capture_output=True,
            )  # fmt: skip
        self.children: list[Child] = [
            python(*self._qcbox("agent")[1:], "--config", str(self.config), log=self.folder / "agent.log"),
            python(*self._qcbox("screen")[1:], "dr", "--config", str(self.config), log=self.folder / "screen.log"),
        ]

    @staticmethod
    def _qcbox(*words: str) -> list[str]:
        return [sys.executable, "-m", "edge", *words]

    def start(self) -> None:
        """Both processes, and wait for the console."""
        for child in self.children:
            child.start()
        wait_until(lambda: accepts(self.port) or not self.children[0].alive, "the agent answers", 240)

    def sees(self, page: bytes, top: int) -> bool:
        """Whether the live picture is this page's, so many pixels below the edge."""
        live = window.live(self._live)
        if live is None:
            return False
        shown, wanted = (
            np.asarray(cv2.imdecode(np.frombuffer(one, np.uint8), cv2.IMREAD_COLOR)) for one in (live.png, page)
        )
        height, width, _ = wanted.shape
        return float(cv2.absdiff(shown[top : top + height, :width], wanted).mean()) < 0.5

    def has_seen(self) -> bool:
        """Whether the screen's process has a template in use, and has looked by it at what stands there."""
        told = window.seen(self._live)
        return told is not None and bool(told.template) and bool(told.events and told.events.get("seen"))

    def log(self) -> str:
        """What both wrote."""
        return "".join(child.text() for child in self.children)

    def close(self) -> None:
        """End both."""
        for child in self.children:
            child.kill()


@asynccontextmanager
async def console(player: object, display: str) -> AsyncIterator[Page]:
    """The modality's console: Chromium over the whole of the X11 screen."""
    environment = {**os.environ, "DISPLAY": display}
    flags = [*CHROMIUM_FLAGS, "--kiosk", "--window-position=0,0", "--window-size=1920,1080", "--hide-scrollbars"]
    browser: Browser = await player.chromium.launch(  # type: ignore[attr-defined]
        executable_path=CHROMIUM, headless=False, args=flags, env=environment,
        ignore_default_args=["--enable-automation"],
    )  # fmt: skip
    page = await browser.new_page(no_viewport=True)
    try:
        yield page
    finally:
        await browser.close()


async def log_in(browser: Browser, box: Box, name: str) -> Page:
    """A page of somebody's own, logged in."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{box.port}/login")
    await page.fill("[name=name]", name)
    await page.fill("[name=secret]", PASSWORDS[name])
    await page.click("form.login button.primary")
    await page.wait_for_url(f"http://127.0.0.1:{box.port}/")
    return page


def _close(text: str) -> str:
    return text.replace(" ", "")


async def draw_image(page: Page, work: Locator) -> None:
    """Drag the image box to where the console has its image."""
    await work.locator("[data-draw=image]").click()
    stage = page.locator("#boxes")
    seen, place = await stage.get_attribute("viewBox"), await stage.bounding_box()
    assert seen is not None and place is not None
    left, top, width, _ = map(float, seen.split())
    scale = place["width"] / width
    for k, (x, y) in enumerate(((IMAGE.x, IMAGE.y), (IMAGE.x + IMAGE.w, IMAGE.y + IMAGE.h))):
        await page.mouse.move(place["x"] + (x - left) * scale, place["y"] + (y - top) * scale, steps=5)
        await (page.mouse.up() if k else page.mouse.down())
    await expect(work.locator("li[data-key=image]")).to_contain_text(re.compile(r"12[34]\d × 9[56]\d"))


async def until(holds: Callable[[], bool], what: str) -> None:
    """Wait while the browsers go on."""
    end = time.monotonic() + PATIENCE_MS / 1000
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < end, f"never: {what}"
        await asyncio.sleep(0.3)


async def press(work: Locator, button: str, wanted: Locator) -> None:
    """Press until it is done: on a busy machine the live picture may be late, and the page says so."""
    for _ in range(3):
        await work.get_by_role("button", name=button).click()
        try:
            return await expect(wanted).to_be_visible(timeout=PATIENCE_MS / 3)
        except AssertionError:
            continue
    raise AssertionError(f"{button}: never done")


async def teach(page: Page, modality: Page, box: Box) -> None:
    """What the engineer does: three exams, the names of what is left unnamed, the values, the self-test."""
    await page.goto(f"http://127.0.0.1:{box.port}/teach/dr")
    work = page.locator("#work")
    for name, number in (("A", 0), ("B", 1), ("C", 3)):
        await modality.set_content(html(number))
        top = await modality.evaluate("outerHeight - innerHeight")
        await until(partial(box.sees, await modality.screenshot(), top), "the live picture is the console's")
        await press(work, f"Capture exam {name}", work.get_by_role("button", name=f"Show exam {name}"))
    await press(work, "Find the fields", work.locator("[data-step=fields][aria-current=step]"))
    named = await work.locator(".rows > li[data-key]:not(.unnamed)").count()
    assert named >= len(said(0)), f"{named} of {len(said(0))} fields have a name"
    await draw_image(page, work)
    await work.get_by_role("button", name="Confirm the values").click()
    for number, name in ((0, "a"), (1, "b"), (3, "c")):
        await expect(work.locator(f"[data-confirm={name}][aria-current=true]")).to_be_visible(timeout=PATIENCE_MS)
        shown = [await one.input_value() for one in await work.locator("form.values input[id^=v-]").all()]
        # Readers lose spaces.
        assert set(map(_close, said(number).values())) <= set(map(_close, shown)), "read as the console shows it"
        await work.get_by_role("button", name="All are right").click()
    await expect(work.locator("[data-step=save][aria-current=step]")).to_be_visible(timeout=PATIENCE_MS)
    await page.fill("#s-title", "DR room")
    await page.select_option("#s-modality", "DX")
    await page.fill("#s-id", "dr-room")
    await page.check("#s-exposure", force=True)
    await expect(work.get_by_role("button", name="Self-test")).to_be_enabled(timeout=PATIENCE_MS)
    await work.get_by_role("button", name="Self-test").click()
    await expect(work.locator(".proof.passed")).to_be_visible(timeout=PATIENCE_MS)
    await work.get_by_role("button", name="Save and use").click()
    await expect(work.get_by_text("Saved and in use")).to_be_visible(timeout=PATIENCE_MS)


async def test_a_closed_console_is_taught_and_the_next_exam_judged(tmp_path: Path, display: str) -> None:
    box = Box(tmp_path, display)
    try:
        async with async_playwright() as player, console(player, display) as modality:
            await modality.set_content(html(0))
            box.start()
            browser = await player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            engineer = await log_in(browser, box, "engineer")
            await teach(engineer, modality, box)
            (taught,) = Library(tmp_path / "box" / "screens").active("dr")
            assert {one.keyword for one in taught.fields} == set(said(0))
            assert {one.keyword for one in taught.fields if one.identifying} >= IDENTITY
            await until(box.has_seen, "what stands there is no new exam")
            technologist = await log_in(browser, box, "technologist")
            await expect(technologist.locator("#board article.card")).to_have_count(0)
            cut = (255 * cut_at_the_left(packaged_film())).astype(np.uint8)
            await modality.set_content(html(NEXT, cut))
            card = technologist.locator("#board article.card").first
            await expect(card).to_contain_text(said(NEXT)["PatientID"], timeout=PATIENCE_MS)
            await expect(card).to_contain_text("From the screen, limited")
            await expect(card).to_contain_text("Lung cut off")
            await expect(technologist.locator("#board article.card")).to_have_count(1)
            await browser.close()
        logged = box.log()
        for text in (said(NEXT)["PatientID"], said(NEXT)["PatientName"], said(0)["PatientName"]):
            assert text not in logged, "no identity in the logs"
    finally:
        box.close()
