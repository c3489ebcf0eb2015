"""``python -m tests.benchmarks.latency``: last byte of a 3000 x 3000 16-bit DX to its card in a real browser.

The last byte is the time the receiver stamps on the object (it is synced then); the card's time is taken in the
browser by a MutationObserver, on the same clock. Prints percentiles and the box's own stage histogram.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from deploy.demo.sending import storescu
from deploy.demo.site import Site
from tests.factories import dx, phantom, write
from tests.peers import CHROMIUM, CHROMIUM_FLAGS

WATCH = """
window.seen = {};
const note = () => document.querySelectorAll('[data-card]').forEach(card => {
  const id = card.dataset.card;
  if (id && !(id in window.seen)) window.seen[id] = Date.now();
});
note();
new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
"""


def log_in(browser: Browser, site: Site) -> Page:
    """A browser page on the live board, as the demo's technologist."""
    login = site.logins[0]
    page = browser.new_page(viewport={"width": 1920, "height": 1080})
    page.goto(f"{site.console_url}/login")
    page.fill("input[name=name]", login.name)
    page.fill("input[name=secret]", login.secret)
    page.press("input[name=secret]", "Enter")
    page.wait_for_selector("[data-board], #board")
    return page


def received_ms(case_id: str) -> int:
    """The receive time is the first part of a case's id."""
    return int(case_id.split("-")[0], 16)


def stages(site: Site) -> dict[str, dict[str, int]]:
    """The box's own stage histogram: for each stage how many images took at most so many seconds."""
    with urllib.request.urlopen(f"{site.console_url}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    histogram: dict[str, dict[str, int]] = {}
    for line in re.finditer(r"^qcbox_stage_seconds_bucket\{(.+?)\} (\S+)", text, re.M):
        labels = dict(re.findall(r'(\w+)="([^"]+)"', line[1]))
        histogram.setdefault(labels["stage"], {})[labels["le"]] = int(float(line[2]))
    return histogram


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between two images")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder) / "site") as site, sync_playwright() as player:
        picture = phantom(3000, 3000, top=60_000)
        browser = player.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        page = log_in(browser, site)
        page.evaluate(WATCH)
        for number in range(options.count):
            path = write(
                dx(picture, 16, SOPInstanceUID=f"1.2.826.0.1.3680043.8.498.{number + 1}"), Path(folder) / "dx.dcm"
            )
            storescu(site.dicom_port, "1.2.840.10008.1.2.1", [path])
            page.wait_for_function("n => Object.keys(window.seen).length >= n", arg=number + 1, timeout=30_000)
            time.sleep(options.pause)
        seen: dict[str, int] = page.evaluate("() => window.seen")
        by_stage = stages(site)
        browser.close()
    waits = sorted((at - received_ms(case_id)) / 1000 for case_id, at in seen.items())
    cuts = statistics.quantiles(waits, n=20, method="inclusive")
    outcome = {
        "n": len(waits),
        "p50_s": statistics.median(waits),
        "p95_s": cuts[18],
        "max_s": waits[-1],
        "stages": by_stage,
    }
    print(json.dumps(outcome, indent=None if options.json else 2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
