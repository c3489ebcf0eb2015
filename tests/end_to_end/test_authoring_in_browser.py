"""The centre's authoring pages in a real Chromium: from a limit to a signed release by two persons."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright, expect

from cloud_sync.central.app import create_app
from cloud_sync.central.auth import COOKIE
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.settings import PortalSettings
from tests.peers import CHROMIUM, CHROMIUM_FLAGS, accepts, free_port, wait_until
from tests.unit.cloud_sync.central.authoring.stage import PA, SHIPS, Group, enter, fill, films, people
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE

pytestmark = pytest.mark.real
expect.set_options(timeout=30_000)


@dataclass
class Desk:
    """The centre served, and a browser for each person. ``complaints``: errors of pages and of their consoles."""

    address: str
    database: Database
    group: Group
    browser: Browser
    complaints: list[str] = field(default_factory=list)

    async def of(self, name: str, language: str = "en", width: int = 1280, height: int = 800) -> Page:
        context = await self.browser.new_context(viewport={"width": width, "height": height})
        cookies = {COOKIE: enter(self.database, name), "qcbox_language": language}
        await context.add_cookies(
            [{"name": key, "value": value, "url": self.address} for key, value in cookies.items()]
        )
        page = await context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        return page


@asynccontextmanager
async def desk(folder: Path) -> AsyncIterator[Desk]:
    database, group = Database(f"sqlite:///{folder}/central.db"), Group.found(folder)
    people(database, "no password is asked for")
    fill(database, ["box-a1", "box-b1", "box-c1"], films(30))
    app = create_app(PortalSettings(), database, lambda: IngestStatus(True, 0, ""), publishing=group.publishing)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        await asyncio.to_thread(wait_until, lambda: accepts(port), "the centre serves")
        async with async_playwright() as player:
            browser = await player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            yield Desk(f"http://127.0.0.1:{port}", database, group, browser)
            await browser.close()
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join)
        app.state.workshop.replayer.close()
        database.close()


async def test_a_limit_is_changed_tried_signed_and_approved(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        page = await at.of("li")
        await page.goto(f"{at.address}/rules")
        await page.fill("#q", "rotated")
        await expect(page.locator("#found")).to_contain_text("PA03.rotation")
        await expect(page).to_have_url(f"{at.address}/rules?q=rotated&layer=&modality=&pack=")
        await (
            page.locator(".shelf", has=page.locator("h2", has_text=PA))
            .get_by_role("button", name="New draft")
            .click()
        )
        await page.get_by_role("link", name="Rotated").click()

        fails = page.locator(".expression", has=page.locator("[name=fails]"))
        await page.fill("[name=fails]", "chest.rotaton_ratio > limit.fail_ratio")
        await expect(fails).to_contain_text("Line 1, column 1: there is no name chest.rotaton_ratio")
        await expect(fails.locator("mark")).to_have_text("chest.rotaton_ratio")
        await expect(fails).to_contain_text("near names: chest.rotation_ratio")
        await page.fill("[name=fails]", "chest.rotation_ratio > limit.fail_ratio")
        await expect(fails).to_contain_text("well-formed")
        await page.locator("[name=limit_name]").first.fill("warning")
        await expect(page.locator(".expression", has=page.locator("[name=warn]"))).to_contain_text(
            "limit.warn_ratio"
        )
        await page.locator("[name=limit_name]").first.fill("warn_ratio")
        await page.locator("[name=limit_value]").first.fill("0.3")
        await page.get_by_role("button", name="Save and run the cases").click()
        await expect(page.locator("[name=limit_value]").first).to_have_value("0.3")
        await expect(page.locator(".standing")).to_contain_text(re.compile(r"all \d\d\d cases hold"))

        await page.get_by_role("link", name="Try it").click()
        await page.get_by_role("button", name="Try it").click()
        await expect(page.locator(".figures")).to_contain_text("30", timeout=180_000)
        await expect(page.locator(".replay")).to_contain_text("PA03.rotation")

        await page.get_by_role("link", name="Changes and approval").click()
        await expect(page.locator(".diff")).to_contain_text("0.5 (may be set in [0.25, 1])")
        await page.fill("[name=note]", "Warn earlier")
        await page.fill("[name=passphrase]", PASSPHRASE)
        await page.get_by_role("button", name="Sign and submit").click()
        await expect(page.locator("main")).to_contain_text("Waits for another person")

        other = await at.of("wang", "zh_CN", 1920, 1080)
        await other.goto(page.url)
        await expect(other.locator(".diff")).to_contain_text("0.3（可在 [0.25, 1] 内修改）")
        await other.fill("[name=passphrase]", PASSPHRASE)
        await other.get_by_role("button", name="签名并发布").click()
        await expect(other.locator(".banner")).to_contain_text("已发布")
        [target] = at.group.repository.listed()
        assert (target.name, target.version) == (PA, SHIPS + 1)
        assert at.complaints == []


@pytest.mark.parametrize(("language", "width", "height"), [("en", 1280, 800), ("zh_CN", 1920, 1080)])
async def test_no_page_is_wider_than_the_screen(tmp_path: Path, language: str, width: int, height: int) -> None:
    async with desk(tmp_path) as at:
        page = await at.of("li", language, width, height)
        await page.goto(f"{at.address}/rules/pack/{PA}")
        await page.locator(".heading form button").click()
        for part in ("", "/rule?id=PA03.rotation", "/cases", "/text", "/try", "/review"):
            await page.goto(f"{at.address}/rules/draft/1{part}")
            beyond = await page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert beyond <= 0, part
        assert at.complaints == []
