"""From a picture that rests on a console without an interface to its card in the technologist's browser.

``python -m tests.benchmarks.screen_alert [--count 20]``: the parts of the end-to-end test, taught once, then one
exam after the other. The time is that from the moment at which the console's browser has drawn the exam
to its card in the other browser.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.async_api import async_playwright, expect

from tests.console_page import html, said
from tests.end_to_end.test_screen_to_alert import PATIENCE_MS, Box, console, log_in, teach, x11
from tests.peers import CHROMIUM, CHROMIUM_FLAGS
from tests.screens import film


def _next(number: int) -> tuple[str, str]:
    """Another patient's exam at another time, with another film; what was seen before is no new image."""
    before, patient, at = said(2), f"P00{60000 + number}", f"10:{number % 60:02d}:54"
    page = html(2, film(100 + number)).replace(before["PatientID"], patient).replace(before["StudyTime"], at)
    return patient, page


async def measure(folder: Path, count: int) -> list[float]:
    """Seconds, one an exam."""
    took: list[float] = []
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
                    began = time.perf_counter()
                    first = board.locator("#board article.card").first
                    await expect(first).to_contain_text(patient, timeout=PATIENCE_MS)
                    took.append(time.perf_counter() - began)
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
        took = np.array(asyncio.run(measure(Path(folder), asked.parse_args().count)))
    print(f"{len(said(0))} fields, n = {len(took)}: p50 {np.median(took):.2f} s, ", end="")
    print(f"p95 {np.percentile(took, 95):.2f} s, most {took.max():.2f} s")


if __name__ == "__main__":
    main()
