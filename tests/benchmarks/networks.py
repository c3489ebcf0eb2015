"""``python -m tests.benchmarks.networks``: what the networks cost one core, and whether they hold their goldens.

CPU time of one thread, median of the runs; beside it the ratio to a matrix product in the same process, which
compares across machines and busy hours. Bars (issue 3): all measures of one radiograph <= 0.8 s, memory <= 350 MB,
goldens within 0.001; exit 1 when one is missed. A drawn chest is judged; ``--film`` takes another. Memory is
the peak of a process that judged it and did nothing else, as a worker does.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from capture.dicom.reader import read
from models.bundles import golden
from models.bundles.metadata import GOLDENS
from models.circumstances import Circumstances
from models.content import drafts, factory
from models.content.package import Package
from models.judge import judge

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
REFERENCE_SIDE = 768
SECONDS, PEAK_MB = 0.8, 350.0
LONG_SIDE = 2500


def cpu_ms(step: Callable[[], object], runs: int) -> float:
    """Median CPU time of one run, after one that does not count."""
    step()
    took = []
    for _ in range(runs):
        started = time.process_time()
        step()
        took.append((time.process_time() - started) * 1000)
    return statistics.median(took)


def measure(path: Path, runs: int) -> dict[str, Any]:
    """Everything, in this process, which must have been started with one thread."""
    from tests.factories import arrival_of

    cv2.setNumThreads(1)
    content = drafts.content()
    acquisition = read(path, arrival_of(path))
    here = Circumstances(received_at=0)
    outcome = judge(acquisition, content, here)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = cpu_ms(lambda: judge(acquisition, content, here), runs)
    matrix = np.random.default_rng(0).random((REFERENCE_SIDE, REFERENCE_SIDE), np.float32)
    reference = cpu_ms(lambda: matrix @ matrix, runs)
    rows = []
    goldens = {package.name: _goldens(package) for package in factory.bundles()}
    for bundle in content.bundles:
        blank = bundle.session.blank()
        took = cpu_ms(lambda run=bundle.run, blank=blank: run(blank), runs)  # type: ignore[misc]  # bound in the loop
        worst = max((held.difference for held in golden.check(bundle, goldens[bundle.name])), default=None)
        rows.append({"name": bundle.name, "cpu_ms": took, "mb": bundle.size / 1e6, "golden": worst})
    return {
        "reference_ms": reference,
        "networks": rows,
        "judged_ms": whole,
        "spoke": [used.name for used in outcome.verdict.bundles],
        "peak_mb": peak,
    }


def _goldens(package: Package) -> dict[str, bytes]:
    return {name: raw for name, raw in package.files.items() if name.startswith(GOLDENS)}


def as_text(found: dict[str, Any]) -> str:
    """A table."""
    unit = found["reference_ms"]
    lines = [f"{'':28} {'cpu ms':>8} {'ratio':>7} {'MB':>6} {'golden':>9}"]
    for row in found["networks"]:
        worst = "-" if row["golden"] is None else f"{row['golden']:.1e}"
        lines.append(
            f"{row['name']:28} {row['cpu_ms']:8.1f} {row['cpu_ms'] / unit:7.2f} {row['mb']:6.1f} {worst:>9}"
        )
    lines.append(f"{'all measures of one film':28} {found['judged_ms']:8.1f} {found['judged_ms'] / unit:7.2f}")
    lines.append(f"networks that spoke: {', '.join(found['spoke']) or 'none'}")
    lines.append(f"peak memory {found['peak_mb']:.0f} MB; matrix product {unit:.1f} ms")
    return "\n".join(lines)


def holds(found: dict[str, Any]) -> bool:
    """Whether the bars are met on this machine."""
    worst = max((row["golden"] or 0.0 for row in found["networks"]), default=0.0)
    quick = found["judged_ms"] <= SECONDS * 1000
    return bool(quick and found["peak_mb"] <= PEAK_MB and worst <= golden.TOLERANCE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--film", type=Path, help="8-bit picture of a chest instead of a drawn one")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--judge", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        print(json.dumps(measure(options.judge, options.runs)))
        return 0
    from models.training.drawn import draw
    from tests.factories import write
    from tests.films import as_dx, read_film

    with tempfile.TemporaryDirectory() as folder:
        picture = read_film(options.film) if options.film else draw(1, 600, 500).picture
        path = write(as_dx(picture, "benchmark", long_side=LONG_SIDE), Path(folder) / "film.dcm")
        # Thread pools are sized when numpy is loaded: a process of its own, with one thread.
        child = [
            sys.executable,
            "-m",
            "tests.benchmarks.networks",
            "--judge",
            str(path),
            "--runs",
            str(options.runs),
        ]
        answer = subprocess.run(child, env=os.environ | ONE_THREAD, check=True, capture_output=True, text=True)
    found = json.loads(answer.stdout)
    print(json.dumps(found) if options.json else as_text(found))
    return 0 if holds(found) else 1


if __name__ == "__main__":
    sys.exit(main())
