"""A chest film by DCMTK's storescu: what the technologist sees of it at the console, in a real Chromium."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect

from models.image.picture import Picture
from tests.end_to_end.site import Site
from tests.end_to_end.test_chest_film import FAULTS, image_of, packaged_film
from tests.peers import CHROMIUM, CHROMIUM_FLAGS

pytestmark = [pytest.mark.slow, pytest.mark.real]
expect.set_options(timeout=60_000)

PIN = "482913"
SIZES = {"1080p": (1920, 1080), "small": (1280, 800)}
PICTURES = os.environ.get("QCBOX_PICTURES")
"""A folder for screenshots, for people who want to look."""


def with_account(site: Site) -> Site:
    """Before it starts."""
    command = [sys.executable, "-m", "edge", "account", "add", "wang", "--role", "technologist"]
    command += ["--language", "en", "--config", str(site.folder / "qcbox.toml")]
    subprocess.run(command, input=f"{PIN}\n", text=True, check=True)
    return site


@asynccontextmanager
async def technologist(site: Site) -> AsyncIterator[Page]:
    """Logged in at the board."""
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800}, locale="en-GB")
        await page.goto(f"http://127.0.0.1:{site.console_port}/login")
        await page.fill("[name=name]", "wang")
        await page.fill("[name=secret]", PIN)
        await page.click("form.login button.primary")
        await page.wait_for_url(f"http://127.0.0.1:{site.console_port}/")
        yield page
        await browser.close()


def send(site: Site, film: Picture, name: str) -> None:
    """Through the door that a device takes."""
    path = site.folder / f"{name}.dcm"
    image_of(film, name).save_as(path, enforce_file_format=True)
    subprocess.run(["storescu", "127.0.0.1", str(site.dicom_port), str(path)], check=True, capture_output=True)


async def photograph(page: Page, name: str) -> None:
    """Both sizes and languages, where somebody wants to look."""
    if PICTURES is None:
        return
    for language in ("en", "zh"):
        for size, (width, height) in SIZES.items():
            await page.set_viewport_size({"width": width, "height": height})
            await page.screenshot(path=Path(PICTURES) / f"{name}-{language}-{size}.png")
        await page.click("form[action='/language'] button")
        await expect(page.locator("html")).to_have_attribute("lang", "zh-CN" if language == "en" else "en")
        await page.wait_for_load_state("load")


async def test_a_cut_film_is_told_and_drawn_and_an_untouched_one_is_not(tmp_path: Path) -> None:
    site = with_account(Site(tmp_path, centre=False))
    try:
        site.start()
        film = packaged_film()
        async with technologist(site) as page:
            send(site, film, "good")
            card = page.locator("#board .card")
            await expect(card.locator(".score")).to_be_visible()
            await expect(card.locator(".findings")).to_have_count(0)
            await expect(card.locator(".of-object")).to_have_count(0)
            await photograph(page, "board-good")

            send(site, FAULTS["cut"].make(film), "cut")
            cut = card.filter(has=page.locator(".findings"))
            await expect(cut.locator(".findings h3").first).to_contain_text("cut off")
            await expect(cut.locator(".findings p").first).not_to_be_empty()
            await photograph(page, "board-cut")

            await cut.locator("a.thumb").click()
            drawing = page.locator("figure.picture svg").first
            for kind in ("of-lung", "of-margin.strong"):
                await expect(drawing.locator(f".marks .{kind}").first).to_be_visible()
            before = await drawing.screenshot()
            await photograph(page, "case-cut")
            await page.wait_for_load_state("load")
            await page.keyboard.press("v")
            await expect(page.locator("#overlay")).to_have_attribute("aria-pressed", "false")
            assert await drawing.screenshot() != before, "the marks are off"
    finally:
        site.close()
