"""A field collimated too narrow: anatomy cut off, with the border that a collimator makes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from models.image.picture import Mask, Picture
from models.training.degradations.exposure_domain import exposure_of, film_of

Side = Literal["top", "bottom", "left", "right"]
Outside = Literal["unexposed", "shutter", "cut"]
"""What lies outside: scatter and noise, bright; a black electronic shutter at the border; or the picture ends
there."""

_LEAK = 0.004
_SCATTER = 0.05
_SCATTER_REACH = 0.04
"""Of the long side: 15 mm of a 43 cm film."""
_GRAIN = 0.02
_LESS_SCATTER = 0.15
"""Share of the exposure that is scatter of the part that is now outside, when all of it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Cropped:
    """The new film, and where the exposed field lies in it (left, top, right, bottom; pixels, edges)."""

    film: Picture
    field: tuple[float, float, float, float]
    offset: tuple[int, int]
    """Columns and rows of the old film that lie before the new one's first."""

    def of_mask(self, mask: Mask) -> Mask:
        """What of a mask of the old film is on the new one, inside the field."""
        height, width = self.film.shape
        x, y = self.offset
        moved = mask[y : y + height, x : x + width]
        rows, columns = np.indices(moved.shape)
        left, top, right, bottom = self.field
        inside = (columns + 0.5 > left) & (columns + 0.5 < right) & (rows + 0.5 > top) & (rows + 0.5 < bottom)
        return np.asarray(moved & inside)


def crop_field(
    film: Picture,
    side: Side,
    fraction: float,
    rng: np.random.Generator,
    *,
    outside: Outside = "unexposed",
    penumbra_px: float = 1.5,
) -> Cropped:
    """Close the collimator on one side by a share of the film's extent there (``mm / (spacing * extent)`` for
    millimetres).

    The exposure falls over the penumbra (an error function of this sigma) to leakage and the tail of the scatter
    from inside; noise outside is strong, for little exposure is left; inside there is less scatter, so a little
    more contrast. A fraction of 0 gives the film as it was.

    Raises:
        ValueError: a fraction outside 0..0.9.
    """
    if not 0 <= fraction <= 0.9:
        raise ValueError("the fraction must be 0 to 0.9")
    upright, flipped = side in ("top", "bottom"), side in ("bottom", "right")
    extent = film.shape[0 if upright else 1]
    border = fraction * extent
    field = _field(film.shape, side, border)
    if outside == "cut":
        return _cut(film, side, round(border))
    if border == 0:
        return Cropped(film.copy(), field, (0, 0))
    place = np.arange(extent, dtype=np.float32) + 0.5
    depth = (extent - place if flipped else place) - np.float32(border)
    depth = np.broadcast_to(depth[:, None] if upright else depth[None, :], film.shape)
    closed = _collimated(exposure_of(film), depth, penumbra_px, fraction, rng)
    shown = film_of(closed)
    if outside == "shutter":
        shown = np.where(depth > 0, shown, np.float32(0))
    return Cropped(np.asarray(shown, np.float32), field, (0, 0))


def _collimated(
    exposure: Picture, depth: Picture, penumbra_px: float, fraction: float, rng: np.random.Generator
) -> Picture:
    """``depth``: pixels inside the border, negative outside."""
    reach = _SCATTER_REACH * max(exposure.shape)
    smooth = cv2.GaussianBlur(exposure, (0, 0), reach)
    inside = exposure - np.minimum(_LESS_SCATTER * fraction * smooth, 0.5 * exposure)
    through = _step(depth / max(penumbra_px, 0.1))
    near = cv2.GaussianBlur(np.asarray(smooth * (depth > 0), np.float32), (0, 0), reach)
    tail = _SCATTER * near * np.exp(np.minimum(depth, 0) / reach) + _LEAK * float(smooth.mean())
    total = inside * through + tail * (1 - through)
    grain = rng.standard_normal(exposure.shape, dtype=np.float32) * _GRAIN * np.sqrt(np.maximum(total, 0) * 0.05)
    return np.asarray(np.maximum(total + grain * (1 - through), 1e-6), np.float32)


def _step(x: Picture) -> Picture:
    """The normal distribution's integral, within 0.02 of it."""
    return np.asarray(1 / (1 + np.exp(-1.702 * np.clip(x, -30, 30))), np.float32)


def _field(shape: tuple[int, ...], side: Side, border: float) -> tuple[float, float, float, float]:
    rows, columns = shape
    return (
        border if side == "left" else 0.0,
        border if side == "top" else 0.0,
        columns - border if side == "right" else float(columns),
        rows - border if side == "bottom" else float(rows),
    )


def _cut(film: Picture, side: Side, border: int) -> Cropped:
    left, top, right, bottom = (round(edge) for edge in _field(film.shape, side, border))
    kept = np.ascontiguousarray(film[top:bottom, left:right])
    return Cropped(kept, (0.0, 0.0, float(right - left), float(bottom - top)), (left, top))
