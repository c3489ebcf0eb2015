"""Breathing put into real chests that hold their breath, and what the box measures of the right diaphragm.

    python -m models.training.ct.breathing CHEST.nii.gz...

Each slice becomes the mean of the anatomy that passed it while it was taken. All moves along the table: not at the
first slice, the whole way at the lungs' base, in between by a line.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np

from models.ct.body import body_of
from models.ct.breathing import right_dome
from models.ct.look import Look
from models.ct.scan import Scan, small_scan
from models.training.mr.template import volume

PERIOD_S = 4.0
AMPLITUDES_MM, TABLES_MM_S, SEEN_S, PHASES = (5.0, 10.0, 15.0), (10.0, 25.0, 50.0), (0.3, 0.6), 8
WIDER = 1.5
"""The factor at which CC06 warns."""
_MOMENTS = 7


@dataclass(frozen=True, slots=True)
class Breath:
    """A sine of 4 s: the diaphragm goes ``amplitude_mm`` to either side. ``seen_s``: how long a slice is taken."""

    amplitude_mm: float
    table_mm_s: float
    seen_s: float
    phase: float

    def at(self, z_mm: float) -> Sequence[float]:
        """How far the diaphragm is from its place at moments while the slice at ``z_mm`` is taken."""
        seconds = z_mm / self.table_mm_s + np.linspace(-self.seen_s / 2, self.seen_s / 2, _MOMENTS)
        away = self.amplitude_mm * np.sin(2 * np.pi * seconds / PERIOD_S + self.phase)
        return [float(one) for one in away]


def breathing(scan: Scan, base_mm: float, breath: Breath) -> Scan:
    """The scan of the same chest while it breathes. ``base_mm``: where the lungs end, from the first slice."""
    slices = []
    for z in scan.z_mm.tolist():
        moves = min(max(z / base_mm, 0.0), 1.0)
        places = np.interp([z + moves * away for away in breath.at(z)], scan.z_mm, np.arange(len(scan.z_mm)))
        low = np.minimum(places.astype(int), len(scan.hu) - 2)
        share = (places - low)[:, None, None]
        slices.append(((1 - share) * scan.hu[low] + share * scan.hu[low + 1]).mean(axis=0))
    return replace(scan, hu=np.stack(slices).astype(np.float32))


def edge_mm(scan: Scan) -> float:
    """As the box measures it; NaN where it does not."""
    look = _look(scan)
    lungs = None if look is None else look.lungs
    dome = None if look is None or lungs is None else right_dome(scan, look.body, lungs)
    return float("nan") if dome is None else dome.edge_mm


def _look(scan: Scan) -> Look | None:
    body = body_of(scan)
    return None if body is None else Look(scan, body)


def chest_of(path: Path) -> tuple[Scan, float]:
    """A chest in a NIfTI file as the box sees it, and where its lungs end, mm.

    Raises:
        ValueError: no lungs in it.
    """
    found = volume(path)
    across, deep, along = found.spacing_mm
    levels = range(found.values.shape[2] - 1, -1, -1)
    layers = (np.ascontiguousarray(found.values[:, ::-1, z].T[:, ::-1]) for z in levels)
    scan = small_scan(layers, np.arange(len(levels), dtype=np.float64) * along, (deep, across))
    look = _look(scan)
    if look is None or look.lungs is None:
        raise ValueError(f"no lungs in {path}")
    return scan, float(scan.z_mm[look.lungs.last])


def trials(scan: Scan, base_mm: float) -> Iterator[tuple[float, float, list[float]]]:
    """(amplitude, seconds, edges over tables and phases)."""
    for amplitude, seen in product(AMPLITUDES_MM, SEEN_S):
        breaths = [
            Breath(amplitude, table, seen, 2 * np.pi * k / PHASES) for table in TABLES_MM_S for k in range(PHASES)
        ]
        yield amplitude, seen, [edge_mm(breathing(scan, base_mm, one)) for one in breaths]


def main(paths: Sequence[Path]) -> None:
    """Print what each chest reads still, and how many breaths widen its edge by the factor."""
    for path in paths:
        scan, base = chest_of(path)
        still = edge_mm(scan)
        print(f"{path.name}: still {still:.2f} mm")
        for amplitude, seen, edges in trials(scan, base):
            wider = int((np.array(edges) > WIDER * still).sum())
            print(f"  +-{amplitude:.0f} mm, {seen} s a slice: {wider} of {len(edges)} over {WIDER} times as wide")


if __name__ == "__main__":
    main([Path(one) for one in sys.argv[1:]])
