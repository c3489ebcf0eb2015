"""Structures: what the network ``chest-anatomy`` finds on its canvas, cleaned up, with how sure it is of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anatomy.canvas import Canvas
from models.image.lines import Side
from models.image.picture import Mask, Picture

SIDE = 256
"""Of the canvas that the network sees, in pixels."""
LUNGS = ("lung_image_left", "lung_image_right")
ORGANS = (
    *LUNGS,
    "heart",
    "clavicle_image_left",
    "clavicle_image_right",
    "scapula_image_left",
    "scapula_image_right",
    "spine",
)
"""Channels of the output ``structures``, in order. Image left is the side of the picture, not of the patient."""
CLAVICLE_ENDS = ("clavicle_end_image_left", "clavicle_end_image_right")
POINTS = (*CLAVICLE_ENDS, "spinous_line")
"""Channels of the output ``points``: the medial ends of the clavicles, and the line of the spinous processes."""

CUTS: tuple[Side, ...] = ("left", "right", "top", "bottom")
"""Channels of the output ``cut``: whether a lung goes on beyond the field's border at this side of the picture."""

_YES = 0.5
_SURE, _PERHAPS = 0.75, 0.25
_THREAD_PX = 2
"""Half the width of an outgrowth that is none of a lung: 7 mm of an adult film in all."""
_FINE = 4
"""Contours are drawn on a grid this many times finer than the canvas."""
Points = NDArray[np.float64]
"""(n, 2): x, y."""


@dataclass(frozen=True, eq=False)
class Organ:
    """One structure: its largest connected part, holes filled.

    ``probability``: 0 away from that part. ``certainty``: area that the network is sure of over the area where
    it sees anything (0..1); a clear border gives about 0.9, a guessed one far less.
    ``stray``: area of the parts left out, over the whole.
    """

    probability: Picture
    certainty: float
    stray: float

    @cached_property
    def mask(self) -> Mask:
        return self.probability >= _YES

    @property
    def area(self) -> int:
        """Pixels of the canvas."""
        return int(np.count_nonzero(self.mask))

    @cached_property
    def contour(self) -> Points:
        """The outline in canvas coordinates (pixel edges counted from 0), finer than a pixel."""
        return self._outline(_YES)

    @cached_property
    def contour_of_doubt(self) -> Points:
        """The outline of everything that might belong to it."""
        return self._outline(_PERHAPS)

    @cached_property
    def contour_of_core(self) -> Points:
        """The outline of what surely belongs to it; empty where there is nothing of the kind."""
        return self._outline(_SURE)

    @cached_property
    def _fine(self) -> Picture:
        size = self.probability.shape[1] * _FINE, self.probability.shape[0] * _FINE
        return np.asarray(cv2.resize(self.probability, size, interpolation=cv2.INTER_LINEAR), np.float32)

    def _outline(self, level: float) -> Points:
        above = (self._fine >= level).astype(np.uint8)
        outlines, _ = cv2.findContours(above, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        if not outlines:
            return np.zeros((0, 2))
        longest = max(outlines, key=cv2.contourArea)
        return (longest[:, 0, :].astype(np.float64) + 0.5) / _FINE


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """Everything found in one film. An organ or a heat map that is hardly there is left out."""

    canvas: Canvas
    organs: Mapping[str, Organ]
    heat: Mapping[str, Picture]
    """The network's heat maps of :data:`POINTS`, as they are."""
    cut: Mapping[Side, float] = field(default_factory=dict)
    """Probability that a lung goes on beyond the field's border on this side; empty: the network was not asked."""

    def organ(self, name: str) -> Organ | None:
        return self.organs.get(name)


def structures_of(canvas: Canvas, outputs: Mapping[str, NDArray[np.float32]]) -> Structures:
    """The network's outputs for one canvas: ``structures`` and ``points``, each (1, channels, side, side), and
    ``cut`` (1, sides), which a network of another house may lack."""
    found: dict[str, Organ] = {}
    for name, values in zip(ORGANS, outputs["structures"][0], strict=True):
        organ = organ_of(_on_film(values, canvas), whole=name in LUNGS)
        if organ is not None:
            found[name] = organ
    heat = {name: _on_film(values, canvas) for name, values in zip(POINTS, outputs["points"][0], strict=True)}
    cut = outputs["cut"][0].tolist() if "cut" in outputs else []
    return Structures(canvas, found, heat, dict(zip(CUTS, cut, strict=False)))


def organ_of(probability: Picture, *, whole: bool = False) -> Organ | None:
    """The largest part of a probability map, or None where the network finds nothing.

    ``whole``: the organ has no thin outgrowths; what looks like one (a rib's border, a bubble in the stomach)
    is cut short.
    """
    raw = (probability >= _YES).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(raw, connectivity=4)
    if count < 2:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = labels == int(np.argmax(areas)) + 1
    filled = _without_holes(largest)
    # The soft border belongs to the part that it surrounds.
    near = cv2.dilate(filled.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool)
    others = (labels > 0) & ~largest
    if whole:
        near &= _without_threads(filled)
    soft = np.where(filled & ~largest, np.maximum(probability, _SURE), probability)
    kept = np.where(near & ~others, soft, 0).astype(np.float32)
    sure, perhaps = int((kept >= _SURE).sum()), int((kept >= _PERHAPS).sum())
    if not perhaps:  # nothing but threads
        return None
    return Organ(kept, sure / perhaps, 1 - float(areas.max() / areas.sum()))


def _on_film(values: NDArray[np.float32], canvas: Canvas) -> Picture:
    """The map without what lies on the canvas's padding."""
    film = np.zeros_like(values)
    film[: canvas.height, : canvas.width] = values[: canvas.height, : canvas.width]
    return film


def _without_threads(mask: Mask) -> Mask:
    """Everything near what is thicker than a thread; a sharp angle, as of rib and diaphragm, keeps its tip."""
    core = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, _disc(_THREAD_PX))
    return cv2.dilate(core, _disc(2 * _THREAD_PX + 1)).astype(bool)


def _disc(radius: int) -> NDArray[np.uint8]:
    size = 2 * radius + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def _without_holes(mask: Mask) -> Mask:
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, outlines, -1, 1, cv2.FILLED)
    return filled.astype(bool)
