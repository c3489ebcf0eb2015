"""Water-equivalent diameter and the dose that goes with it (AAPM reports 220 and 204)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from models.ct.body import Body
from models.ct.scan import Scan

_FACTORS = {16: (1.874799, 0.03871313), 32: (3.704369, 0.03671937)}
"""a, b of f = a exp(-b Dw), Dw in cm, by the phantom that CTDIvol refers to (AAPM 204, appendix A)."""


def water_equivalent_mm(scan: Scan, body: Body) -> NDArray[np.float64]:
    """(n,) Dw by slice: 2 sqrt(A (mean / 1000 + 1) / pi), A the patient without the table (AAPM 220, equation 3).

    NaN where a slice shows no patient.
    """
    diameters = np.full(len(scan.hu), np.nan)
    for at, (one, mask) in enumerate(zip(scan.hu, body.whole, strict=True)):
        area = float(np.count_nonzero(mask)) * scan.pixel_mm2
        if area:
            water = area * max(float(one[mask].mean()) / 1000 + 1, 0.0)
            diameters[at] = 2 * np.sqrt(water / np.pi)
    return diameters


def size_factor(diameter_mm: float, phantom_cm: Literal[16, 32]) -> float:
    """What CTDIvol is multiplied with for the size-specific dose estimate (AAPM 204, appendix A)."""
    a, b = _FACTORS[phantom_cm]
    return a * float(np.exp(-b * diameter_mm / 10))
