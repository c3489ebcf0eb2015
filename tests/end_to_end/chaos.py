"""Kill everything, again and again, and count what is left: ``python -m tests.end_to_end.chaos --cycles 200``.

Oracle: every object answered Success has exactly one verdict at the box and one row at the centre; nothing is
doubled; nothing is there that nobody sent. Faults come from a seed, so that a failure can be had again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.end_to_end.site import Modality, Site, complaints, settle

STEPS: dict[str, tuple[str, ...]] = {
    "listen": (
        "spool.written", "spool.synced", "spool.recorded", "spool.committed",
        "listener.answered",
    ),
    "agent": (
        "intake.linked", "intake.committed", "intake.acknowledged", "spool.half_acknowledged",
        "store.executed", "store.committed", "dispatch.claimed", "dispatch.judged", "dispatch.stored",
        "link.published", "link.noted_sent", "link.ack_received", "link.ack_noted",
    ),
    "central": ("central.before_commit", "central.after_commit", "central.after_ack"),
}  # fmt: skip
_PATIENCE_S = 6.0


@dataclass
class Tally:
    """What was done in a run."""

    faults: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    """Crash points that were not reached in time; the process was killed instead."""


def cycle(site: Site, chance: random.Random, tally: Tally) -> None:
    """One fault, and the way back."""
    name = chance.choice(list(site.children))
    child = site.children[name]
    if name in STEPS and chance.random() < 0.7:
        step = chance.choice(STEPS[name])
        child.kill()
        site.plant(name, step, chance.randint(1, 3))
        end = time.monotonic() + _PATIENCE_S
        while child.alive and time.monotonic() < end:
            time.sleep(0.02)
        tally.faults[step] += 1
        tally.missed[step] += child.alive
    else:
        time.sleep(chance.uniform(0.0, 1.0))
        tally.faults[f"kill {name}"] += 1
    child.kill()
    if chance.random() < 0.3:
        time.sleep(chance.uniform(0.0, 0.5))
    child.start()
    if chance.random() < 0.6:
        site.wait_for(name)


def run(
    folder: Path, cycles: int, seed: int, *, centre: bool = True, pause_s: float = 0.15
) -> tuple[Tally, int, list[str]]:
    """So many cycles; return what was done, how many objects were answered, and what is wrong."""
    chance, tally = random.Random(seed), Tally()
    site = Site(folder, centre=centre)
    try:
        site.start()
        modality = Modality(site.dicom_port)
        modality.start(pause_s)
        for _ in range(cycles):
            cycle(site, chance, tally)
        for name, child in site.children.items():
            if child.alive:
                site.wait_for(name)
            else:
                site.revive(name)
        modality.stop()
        settle(site)
        return tally, len(modality.answered), complaints(site, modality)
    finally:
        site.close()


def main() -> None:
    """Run from the command line; exit 1 when anything is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-centre", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        tally, answered, wrong = run(Path(folder), chosen.cycles, chosen.seed, centre=not chosen.without_centre)
        print(f"seed {chosen.seed}: {chosen.cycles} cycles, {answered} objects, {time.monotonic() - began:.0f} s")
        print("faults:", dict(sorted(tally.faults.items())))
        print("not reached:", {step: count for step, count in sorted(tally.missed.items()) if count})
        print("\n".join(wrong) or "nothing lost, nothing doubled, nothing invented")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
