"""Windows on a plate: another crop, tilt and zoom each time, and a field whose borders cut a lung or just miss it.

A cut is hard to tell by the lung's outline alone: where a lung just fits, it runs along the border, too. So the
network is asked on which sides the lungs go on beyond the border, and sees many cuts of a few percent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anatomy.chest import SIDES
from models.anatomy.structures import LUNGS
from models.image.lines import Side
from models.training.films import Plate, warped

Rng = np.random.Generator
Box = tuple[float, float, float, float]
"""Left, top, right, bottom; pixels, edges counted from 0."""

CUT, WHOLE, UNKNOWN = 1.0, 0.0, -1.0
SURELY_CUT, SURELY_FREE = 0.9, 0.3
"""Percent of the picture's width that a lung reaches beyond a border, or stays within it; between them a mask does
not tell one from the other."""
_ASPECTS = (0.65, 1.5)
"""Width over height that a chest film may have."""
_SLIGHT, _TIGHT = (0.8, 9.0), (0.4, 4.0)
"""Percent of the width that a border cuts off, or leaves free, where it is drawn beside the lung."""
_LEAST_SEEN = 0.6
"""Of the lungs' width and height, a border beside the lung leaves at least so much."""
_EDGE_PX = 1.5
"""A lung nearer to its plate's edge may go on beyond it."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A plate as another film shows it."""

    plate: Plate
    field: Box
    """The exposed field on it; beyond its borders the collimator is closed."""
    cut: Mapping[Side, float]
    """CUT where a lung goes on beyond the border, WHOLE where none does, UNKNOWN."""


def as_it_is(plate: Plate) -> Seen:
    """The plate itself, exposed to its edges: what lies beyond them is not known."""
    width, height = plate.size
    field = (0.0, 0.0, float(width), float(height))
    return Seen(plate, field, _cuts(plate, lung_points(plate), field, width))


def another_window(plate: Plate, side: int, rng: Rng) -> Seen:
    """Borders moved in (a crop) or out (more shutter, -1 in the values), turned, stretched; long side ``side``."""
    linear, shift, size = _framing(plate, side, rng)
    points = lung_points(plate) @ linear.T + shift
    field, picture = _borders(points, size, rng)
    scale = side / max(picture[2] - picture[0], picture[3] - picture[1])
    origin = np.asarray(picture[:2])
    matrix = np.column_stack([linear, shift - origin]).astype(np.float32) * np.float32(scale)
    columns, rows = (min(side, round(length * scale)) for length in np.subtract(picture[2:], picture[:2]))
    placed = (np.asarray(field).reshape(2, 2) - origin) * scale
    (left, top), (right, bottom) = placed.tolist()
    box = (left, top, right, bottom)
    seen = warped(plate, matrix, (columns, rows), outside=-1.0)
    return Seen(seen, box, _cuts(plate, (points - origin) * scale, box, columns))


def lung_points(plate: Plate) -> NDArray[np.float64]:
    """The outlines of both lungs, (n, 2) in the plate's pixels; none where they are not known."""
    outlines = [
        outline[:, 0, :].astype(np.float64) + 0.5
        for name in LUNGS
        if name in plate.maps
        for outline in cv2.findContours(
            (plate.maps[name] > 127).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
        )[0]
    ]
    return np.concatenate(outlines) if outlines else np.zeros((0, 2))


def _framing(plate: Plate, side: int, rng: Rng) -> tuple[NDArray[np.float64], NDArray[np.float64], Box]:
    """Linear part and shift of the window, and the box that it shows."""
    columns, rows = plate.size
    while True:
        left, top, right, bottom = (_border(rng) for _ in range(4))
        width, height = columns * max(0.4, 1 - left - right), rows * max(0.4, 1 - top - bottom)
        if _ASPECTS[0] < width / height < _ASPECTS[1]:
            break
    stretch = math.sqrt(rng.uniform(0.9, 1.1))
    scale = side / max(width * stretch, height / stretch)
    turn = math.radians(float(np.clip(rng.normal(0, 6), -18, 18)))
    shear = float(rng.normal(0, 0.04))
    across, down = scale * stretch, scale / stretch
    shape = np.asarray([[math.cos(turn), -math.sin(turn) + shear], [math.sin(turn), math.cos(turn)]])
    linear = np.diag([across, down]) @ shape
    middle = np.asarray([columns * left + width / 2, rows * top + height / 2])
    size = np.asarray([width * across, height * down])
    return linear, size / 2 - linear @ middle, (0.0, 0.0, float(size[0]), float(size[1]))


def _border(rng: Rng) -> float:
    """Part of the side cut off (positive) or added (negative)."""
    kind = rng.random()
    if kind < 0.4:
        return float(rng.uniform(-0.02, 0.04))
    return float(rng.uniform(0, 0.28)) if kind < 0.6 else -float(rng.uniform(0, 0.30))


def _borders(points: NDArray[np.float64], window: Box, rng: Rng) -> tuple[Box, Box]:
    """The exposed field, some of its borders beside the lungs, and the picture, which may reach beyond it."""
    field, picture = list(window), list(window)
    width = window[2] - window[0]
    for at in rng.permutation(4):
        kind, closed = rng.random(), rng.random() < 0.6
        if kind < 0.5 and len(points):
            beside = rng.uniform(*_SLIGHT) if kind < 0.25 else -rng.uniform(*_TIGHT)
            border = _beside(points, int(at), float(beside) / 100 * width)
            if _enough(points, field, int(at), border):
                field[at] = picture[at] = border
        if closed and rng.random() < 0.5:
            beyond = float(rng.uniform(0.02, 0.2)) * width
            picture[at] = field[at] + (beyond if at >= 2 else -beyond)
    return (field[0], field[1], field[2], field[3]), (picture[0], picture[1], picture[2], picture[3])


def _beside(points: NDArray[np.float64], at: int, inwards: float) -> float:
    """A border this far inside the lungs' outermost point; negative: outside of it."""
    along = points[:, at % 2]
    return float(along.min() + inwards if at < 2 else along.max() - inwards)


def _enough(points: NDArray[np.float64], field: list[float], at: int, border: float) -> bool:
    """Whether most of the lungs stays in the field with this border."""
    along = points[:, at % 2]
    low, high = (border, field[at + 2]) if at < 2 else (field[at - 2], border)
    seen = min(high, float(along.max())) - max(low, float(along.min()))
    return seen >= _LEAST_SEEN * float(np.ptp(along))


def _cuts(plate: Plate, points: NDArray[np.float64], field: Box, width: float) -> dict[Side, float]:
    """By side of the field; ``points``: the lungs where they lie about it, beyond its borders, too.

    On projections, whose lungs may end at a field border of their own, nothing is known.
    """
    if not len(points) or plate.points:
        return dict.fromkeys(SIDES, UNKNOWN)
    beyond = 100 * np.asarray([*(field[:2] - points.min(0)), *(points.max(0) - field[2:])]) / width
    edges = lung_points(plate)
    size = np.asarray(plate.size, np.float64)
    open_ended = np.concatenate([edges.min(0) < _EDGE_PX, edges.max(0) > size - _EDGE_PX])
    names: tuple[Side, ...] = ("left", "top", "right", "bottom")
    return {name: _cut(float(b), bool(o)) for name, b, o in zip(names, beyond, open_ended, strict=True)}


def _cut(beyond: float, open_ended: bool) -> float:
    if beyond >= SURELY_CUT:
        return CUT
    return WHOLE if beyond <= -SURELY_FREE and not open_ended else UNKNOWN
