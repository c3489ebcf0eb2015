"""``python -m tests.benchmarks.processors``: the goldens and whole films on other processors than this one.

onnxruntime, numpy and OpenCV choose their kernels by what the processor says of itself (CPUID), so another one may
give other last digits. ``qemu-x86_64`` (Debian: qemu-user) runs the same programs on a processor of another name:
Nehalem has no AVX; Haswell has AVX2 and FMA, and no AVX-512. Every network runs on its goldens by the product's
self-test, and films are judged whole. Bars (issue 3): goldens within 0.001, every verdict identical; exit 1 when
one is missed. About five minutes for each processor.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from capture.dicom.reader import read
from models.bundles import golden
from models.circumstances import Circumstances
from models.content import drafts, factory
from models.judge import Content, judge
from models.measurement import Measurement
from models.rules.verdict import Verdict
from tests.benchmarks.networks import ONE_THREAD
from tests.factories import arrival_of

EMULATOR = "qemu-x86_64"
PROCESSORS = ("Nehalem", "Haswell")
_TELLING = ("SSE42", "AVX", "FMA3", "AVX2", "AVX512F", "AVX512_SKX")


def prove(folder: Path) -> dict[str, Any]:
    """What this processor says of every golden and of every film in the folder."""
    cv2.setNumThreads(1)
    content = drafts.content()
    files = {package.name: package.files for package in factory.bundles()}
    goldens = {
        f"{bundle.name} {held.name}": held.difference
        for bundle in content.bundles
        for held in golden.check(bundle, files[bundle.name])
    }
    films = {path.stem: _judged(path, content) for path in sorted(folder.glob("*.dcm"))}
    return {"kernels": _kernels(), "goldens": goldens, "films": films}


def _kernels() -> list[str]:
    """What numpy found in CPUID, as onnxruntime and OpenCV do by code of their own."""
    from numpy._core import _multiarray_umath  # type: ignore[attr-defined]  # numpy has no public door to it

    return [name for name in _TELLING if _multiarray_umath.__cpu_features__.get(name)]


def _judged(path: Path, content: Content) -> dict[str, Any]:
    found = judge(read(path, arrival_of(path)), content, Circumstances(received_at=0))
    facts = {
        fact.name: fact.value if isinstance(fact, Measurement) else f"{fact.reason}: {fact.detail}"
        for fact in found.measurements
    }
    return {"verdict": _said(found.verdict), "facts": facts}


def _said(verdict: Verdict) -> dict[str, Any]:
    """All that a verdict decides, without its numbers."""
    return {
        "grade": verdict.grade,
        "score": verdict.score,
        "findings": [[one.rule_id, one.level, one.severity, one.deduct] for one in verdict.findings],
        "not_assessed": [[one.rule_id, *(fact.name for fact in one.missing)] for one in verdict.not_assessed],
        "passed": list(verdict.passed),
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """Another processor against this one."""

    golden: float
    """The largest, over all outputs of all networks, from what the golden says."""
    facts: float
    """The largest of any number measured, as a share of it (of 1 where it is smaller)."""
    fact: str
    changed: tuple[str, ...]
    """Facts that are not numbers, or not on both, and differ."""
    verdicts: int
    same: int

    @property
    def holds(self) -> bool:
        return self.golden <= golden.TOLERANCE and self.same == self.verdicts


def compare(here: dict[str, Any], there: dict[str, Any]) -> Difference:
    """What two answers of :func:`prove` differ in."""
    worst, name = 0.0, ""
    changed: list[str] = []
    for film, mine in here["films"].items():
        for fact, value in mine["facts"].items():
            other = there["films"][film]["facts"][fact]
            if isinstance(value, float) and isinstance(other, float):
                off = abs(value - other) / max(1.0, abs(value))
                worst, name = max((worst, name), (off, fact))
            elif value != other:
                changed.append(f"{film}: {fact}")
    same = sum(mine["verdict"] == there["films"][film]["verdict"] for film, mine in here["films"].items())
    return Difference(max(there["goldens"].values()), worst, name, tuple(changed), len(here["films"]), same)


def on(processor: str | None, folder: Path) -> dict[str, Any]:
    """Ask a process on this processor, or on an emulated one. Raises CalledProcessError: it failed there."""
    before = [] if processor is None else [EMULATOR, "-cpu", processor]
    child = [*before, sys.executable, "-m", "tests.benchmarks.processors", "--prove", str(folder)]
    # numpy's OpenBLAS may take the host's kernels where only the emulated processor's run.
    env = os.environ | ONE_THREAD | {"OPENBLAS_CORETYPE": "Nehalem"}
    answer = subprocess.run(child, env=env, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(answer.stdout)
    return found


def _write(films: list[Path], folder: Path) -> None:
    """A drawn chest, the packaged film of pydicom as it is, cut off and mirrored, and these."""
    from models.training.degradations import mirror
    from models.training.drawn import draw
    from tests.end_to_end.test_chest_film import cut_at_the_left, packaged_film
    from tests.factories import write
    from tests.films import as_dx, read_film

    packaged = packaged_film()
    pictures = {"drawn": draw(1, 600, 500).picture, "packaged": packaged}
    pictures |= {"cut": cut_at_the_left(packaged), "mirrored": mirror(packaged)}
    pictures |= {path.stem: read_film(path) for path in films}
    for name, picture in pictures.items():
        write(as_dx(picture, name), folder / f"{name}.dcm")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("films", nargs="*", type=Path, help="8-bit pictures of chests beside the four of its own")
    parser.add_argument("--cpu", action="append", help=f"one that {EMULATOR} knows: {', '.join(PROCESSORS)}")
    parser.add_argument("--prove", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.prove:
        print(json.dumps(prove(options.prove)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(options.films, folder)
        here = on(None, folder)
        print(f"{'this one':12} goldens within {max(here['goldens'].values()):.1e}; {' '.join(here['kernels'])}")
        held = True
        for processor in options.cpu or PROCESSORS:
            there = on(processor, folder)
            found = compare(here, there)
            held &= found.holds
            print(
                f"{processor:12} goldens within {found.golden:.1e}; {found.same} of {found.verdicts} verdicts"
                f" identical; facts within {found.facts:.1e} ({found.fact}); {' '.join(there['kernels'])}",
                *(f"  differs: {one}" for one in found.changed),
                sep="\n",
                flush=True,
            )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
