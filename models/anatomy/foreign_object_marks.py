"""Marks of a probability map: connected cells that may be one object. Shared by the box and by the evaluation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Mask, Picture

Array = NDArray[np.float32]
FLOOR = 0.02
"""Probability from which cells may be a mark; marks this unsure are for the evaluation."""
_SHARE = 0.25
"""Of its peak: cells below it are not part of a mark."""


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """One candidate for an object."""

    cells: Mask
    peak: float
    """Highest probability in it."""


def maps_of(run: Callable[[Array], Mapping[str, Array]], canvases: Array) -> Array:
    """The network's maps of canvases: mean log odds of a look at each and one at its mirror image.

    Args:
        run: float32 ``(n, 1, side, side)`` to ``objects``, ``(n, channels, cells, cells)``.
        canvases: float32 ``(n, side, side)``.
    """
    both = run(np.concatenate([canvases, canvases[..., ::-1]])[:, None])["objects"]
    inside = np.clip(both, 1e-6, 1 - 1e-6)
    straight, mirrored = np.split(np.log(inside / (1 - inside)), 2)
    return np.asarray(1 / (1 + np.exp(-(straight + mirrored[..., ::-1]) / 2)), np.float32)


def spots_of(probability: Picture, floor: float = FLOOR) -> list[Spot]:
    """The marks of a map, surest first; gaps of a single cell are closed."""
    closed = cv2.morphologyEx(probability, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels = cv2.connectedComponents((closed >= floor).astype(np.uint8), connectivity=8)
    spots: list[Spot] = []
    for label in range(1, count):
        cells = labels == label
        peak = float(probability[cells].max())
        spots.append(Spot(cells & (closed >= _SHARE * peak), peak))
    return sorted(spots, key=lambda spot: -spot.peak)


def over(spots: list[Spot], area: Mask, probability: Picture) -> list[Spot]:
    """Those that overlap an area, each as sure as the map is inside it; surest first."""
    inside = [
        Spot(spot.cells, float(probability[spot.cells & area].max()))
        for spot in spots
        if bool((spot.cells & area).any())
    ]
    return sorted(inside, key=lambda spot: -spot.peak)
