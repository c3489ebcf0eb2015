"""Rotation of the trunk from the asymmetry of the clavicle ends about the spinous line."""

from __future__ import annotations

_RATIO_PER_DEG = 0.12
"""Cone beam, source at 1.8 m, clavicle 130 mm in front of the spinous process (image-qc.md 9.2: 0.10 to 0.14)."""
_SHARE_PER_DEG = 0.0090
"""Between 0.0094 (PA, source at 1.5 to 2 m) and 0.0087 (AP, 1 to 1.5 m)."""


def degrees(ratio: float) -> float:
    """Degrees for a signed asymmetry ``(dR - dL) / (dR + dL)``; the sign stays."""
    return ratio / _RATIO_PER_DEG


def degrees_of_shift(share: float) -> float:
    """Degrees for the signed shift of the clavicle ends' middle off the spinous line, over the lungs' width.

    Tighter than :func:`degrees`, which also depends on how far apart the ends are: with perfect points, on
    simulated bodies not fitted on, 0.96 (PA) and 1.27 (AP) degrees of mean error against 1.49 and 1.63
    (models.training.projection.rotation, 150 bodies of one patient).
    """
    return share / _SHARE_PER_DEG
