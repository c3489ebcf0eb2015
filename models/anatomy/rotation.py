"""Rotation of the trunk from the shift of the clavicle ends off the spinous line."""

from __future__ import annotations

_SHARE_PER_DEG = 0.0090
"""Between 0.0094 (PA, source at 1.5 to 2 m) and 0.0087 (AP, 1 to 1.5 m)."""


def degrees_of_shift(share: float) -> float:
    """Degrees for the signed shift of the clavicle ends' middle off the spinous line, over the lungs' width.

    Tighter than the asymmetry ``(dR - dL) / (dR + dL)`` (0.12 per degree, image-qc.md 9.2), which also depends on
    how far apart the ends are: with perfect points, on simulated bodies not fitted on, 0.96 (PA) and 1.27 (AP)
    degrees of mean error against 1.49 and 1.63
    (models.training.projection.rotation, 150 bodies of one patient).
    """
    return share / _SHARE_PER_DEG
