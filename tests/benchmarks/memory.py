"""``python -m tests.benchmarks.memory``: memory of all box processes, idle and while images come.

Proportional set size (PSS) of the receiver, the agent and its workers: shared pages counted once. The trend is a
straight line through the readings of the second half, in MB per 1,000 images.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from deploy.demo.outcome import at_box
from deploy.demo.sending import storescu
from deploy.demo.site import Site
from tests.factories import ct, phantom, write
from tests.peers import wait_until

BATCH = 50


def family(pid: int) -> list[int]:
    """A process and everything it started."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def pss_mb(pids: list[int]) -> float:
    """Proportional set size of these processes."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def box_mb(site: Site) -> float:
    """All box processes; broker and centre are not the box."""
    return pss_mb([pid for child in (site.listener, site.watcher, site.agent) for pid in family(child.pid)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Site(Path(folder) / "site") as site:
        time.sleep(5)
        readings = [(0, box_mb(site))]
        picture = phantom(512, 512)
        for first in range(0, options.count, BATCH):
            paths = [
                write(
                    ct(picture, SOPInstanceUID=f"1.2.826.0.1.3680043.8.498.7.{n + 1}"),
                    Path(folder) / f"{n % BATCH}.dcm",
                )
                for n in range(first, first + BATCH)
            ]
            storescu(site.dicom_port, "1.2.840.10008.1.2.1", paths)
            database = site.folder / "box" / "qcbox.db"
            wanted = first + BATCH
            wait_until(lambda: sum(o.alerts for o in at_box(database)) >= wanted, "all are judged", 300)  # noqa: B023
            readings.append((wanted, box_mb(site)))
            print(f"{wanted:6} images {readings[-1][1]:8.1f} MB", file=sys.stderr, flush=True)
    half = readings[len(readings) // 2 :]
    slope = float(np.polyfit([n for n, _ in half], [mb for _, mb in half], 1)[0]) * 1000
    print(
        json.dumps(
            {
                "idle_mb": readings[0][1],
                "last_mb": readings[-1][1],
                "most_mb": max(mb for _, mb in readings),
                "trend_mb_per_1000": slope,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
