"""From a picture that rests on a console without an interface to its card in the technologist's browser.

``python -m tests.benchmarks.screen_alert [--count 20]``: the parts of the end-to-end test, taught once, then one
exam after the other, each with other values in nearly all of its 22 fields. The time is that from the moment at
which the console's browser has drawn the exam to its card in the other browser; beside it, how long it took until
the shot was in the spool, until its verdict was stored, and from there to the card.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.async_api import async_playwright, expect

from tests.console_page import html, said
from tests.end_to_end.test_screen_to_alert import PATIENCE_MS, Box, console, log_in, teach, x11
from tests.peers import CHROMIUM, CHROMIUM_FLAGS
from tests.screens import film


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds since the exam was drawn."""

    spooled: float
    judged: float
    shown: float


def _next(number: int) -> tuple[str, str]:
    """Another patient's exam at another time, with another film; what was seen before is no new image."""
    before, patient, at = said(number % 4), f"P00{60000 + number}", f"10:{number % 60:02d}:54"
    page = html(number % 4, film(100 + number))
    return patient, page.replace(before["PatientID"], patient).replace(before["StudyTime"], at)


def _stored(folder: Path) -> tuple[float, float]:
    """When the newest case was received and judged, in seconds since 1970."""
    with closing(sqlite3.connect(f"file:{folder}/box/qcbox.db?mode=ro", uri=True)) as database:
        asked = (
            "SELECT received_at, created_at FROM case_ JOIN verdict ON case_id = case_.id ORDER BY verdict.id DESC"
        )
        received_at, judged_at = database.execute(asked).fetchone()
    return received_at / 1000, judged_at / 1000


async def measure(folder: Path, count: int) -> list[Took]:
    """One an exam."""
    took: list[Took] = []
    with x11() as display:
        box = Box(folder, display)
        try:
            async with async_playwright() as player, console(player, display) as modality:
                await modality.set_content(html(0))
                box.start()
                browser = await player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
                await teach(await log_in(browser, box, "engineer"), modality, box)
                await asyncio.sleep(5)
                board = await log_in(browser, box, "technologist")
                for number in range(count):
                    patient, page = _next(number)
                    await modality.set_content(page)
                    await modality.evaluate("() => new Promise(r => requestAnimationFrame(() => setTimeout(r)))")
                    began = time.time()
                    first = board.locator("#board article.card").first
                    await expect(first).to_contain_text(patient, timeout=PATIENCE_MS)
                    shown = time.time()
                    spooled, judged = _stored(folder)
                    took.append(Took(spooled - began, judged - began, shown - began))
                    await asyncio.sleep(2)
                await browser.close()
        finally:
            box.close()
    return took


def main() -> None:
    """See the module."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=20)
    with tempfile.TemporaryDirectory() as folder:
        measured = asyncio.run(measure(Path(folder), asked.parse_args().count))
    took = np.array([one.shown for one in measured])
    print(f"{len(said(0))} fields, n = {len(took)}: p50 {np.median(took):.2f} s, ", end="")
    print(f"p95 {np.percentile(took, 95):.2f} s, most {took.max():.2f} s")
    spooled, judged = (np.array([getattr(one, name) for one in measured]) for name in ("spooled", "judged"))
    parts = [np.median(one) for one in (spooled, judged - spooled, took - judged)]
    print("medians: in the spool {:.2f} s, judged {:.2f} s later, on the board {:.2f} s later".format(*parts))


if __name__ == "__main__":
    main()
