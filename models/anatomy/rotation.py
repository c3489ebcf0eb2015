"""Rotation of the trunk from the asymmetry of the clavicle ends about the spinous line."""

from __future__ import annotations

_RATIO_PER_DEG = 0.12
"""Cone beam, source at 1.8 m, clavicle 130 mm in front of the spinous process (image-qc.md 9.2: 0.10 to 0.14)."""


def degrees(ratio: float) -> float:
    """Degrees for a signed asymmetry ``(dR - dL) / (dR + dL)``; the sign stays."""
    return ratio / _RATIO_PER_DEG
