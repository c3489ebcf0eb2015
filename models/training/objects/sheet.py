"""Sheet: where an object is drawn, as the attenuation a beam meets on its way through it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Picture

PER_MM = 3.0
"""Drawing pixels per mm: two to three for each pixel of the films, so that edges come out smooth."""
_SHIFT = 4
"""Fraction bits of OpenCV's drawing coordinates."""

Layer = NDArray[np.uint8]
Point = tuple[float, float]
Points = Sequence[Point] | NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Disc:
    """A filled circle; with ``width`` a ring of that line width. Lengths in mm."""

    centre: Point
    radius: float
    width: float = 0.0

    def draw(self, layer: Layer) -> None:
        thick = -1 if self.width <= 0 else max(1, round(self.width * PER_MM))
        (place,) = _places([self.centre], layer)
        radius = max(1, round(self.radius * PER_MM * (1 << _SHIFT)))
        cv2.circle(layer, (int(place[0]), int(place[1])), radius, 255, thick, cv2.LINE_AA, _SHIFT)


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points, ``width`` mm wide."""

    points: Points
    width: float
    closed: bool = False

    def draw(self, layer: Layer) -> None:
        thick = max(1, round(self.width * PER_MM))
        cv2.polylines(layer, [_places(self.points, layer)], self.closed, 255, thick, cv2.LINE_AA, _SHIFT)


@dataclass(frozen=True, slots=True)
class Plate:
    """A filled polygon."""

    points: Points

    def draw(self, layer: Layer) -> None:
        cv2.fillPoly(layer, [_places(self.points, layer)], 255, cv2.LINE_AA, _SHIFT)


@dataclass(frozen=True, slots=True)
class Text:
    """Letters, ``height`` mm high, centred."""

    text: str
    centre: Point
    height: float
    stroke: float

    def draw(self, layer: Layer) -> None:
        thick = max(1, round(self.stroke * PER_MM))
        scale = self.height * PER_MM / 21
        (width, height), _ = cv2.getTextSize(self.text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
        (place,) = _places([self.centre], layer)
        corner = (int(place[0] / (1 << _SHIFT) - width / 2), int(place[1] / (1 << _SHIFT) + height / 2))
        cv2.putText(layer, self.text, corner, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thick, cv2.LINE_AA)


Shape = Disc | Path | Plate | Text


class Sheet:
    """Attenuation (dimensionless, mu times thickness) on a plane; coordinates in mm from its centre."""

    __slots__ = ("depth",)

    def __init__(self, width: float, height: float) -> None:
        self.depth: Picture = np.zeros((round(height * PER_MM) + 8, round(width * PER_MM) + 8), np.float32)

    def add(self, attenuation: float, *shapes: Shape) -> Sheet:
        """Lay a piece of material on the sheet: overlapping shapes of one call are one piece."""
        self.depth += self._layer(shapes) * (attenuation / 255)
        return self

    def cut(self, *shapes: Shape) -> Sheet:
        """Take holes out of everything that lies there."""
        self.depth *= 1 - self._layer(shapes) / 255
        return self

    def _layer(self, shapes: Sequence[Shape]) -> Picture:
        layer = np.zeros(self.depth.shape, np.uint8)
        for shape in shapes:
            shape.draw(layer)
        return layer.astype(np.float32)


Draw = Callable[[np.random.Generator], Sheet]


def polygon(corners: int, radius: float, turn: float = 0.0, stretch: float = 1.0) -> NDArray[np.float64]:
    """A regular polygon; many corners make an ellipse."""
    angle = np.arange(corners) * 2 * np.pi / corners + turn
    return np.stack([np.cos(angle) * radius * stretch, np.sin(angle) * radius], 1)


def wander(
    rng: np.random.Generator, start: Point, heading: float, length: float, bend: float
) -> NDArray[np.float64]:
    """A smooth wandering line as a cable lies; ``bend`` is the spread of its curvature in rad per 100 mm."""
    steps = max(8, int(length / 3))
    knots = rng.normal(0, bend, max(3, int(length / 40)))
    curvature = np.interp(np.linspace(0, len(knots) - 1, steps), np.arange(len(knots)), knots)
    angle = heading + np.cumsum(curvature) * (length / steps) / 100
    moves = np.stack([np.cos(angle), np.sin(angle)], 1) * (length / steps)
    return np.asarray(np.asarray(start) + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, 0)]), np.float64)


def along(path: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Points at equal distances along a path."""
    lengths = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.arange(0, lengths[-1], step)
    return np.stack([np.interp(at, lengths, path[:, 0]), np.interp(at, lengths, path[:, 1])], 1)


def _places(points: Points, layer: Layer) -> NDArray[np.int32]:
    centre = np.array([layer.shape[1], layer.shape[0]]) / 2
    return np.round((np.asarray(points, np.float64) * PER_MM + centre) * (1 << _SHIFT)).astype(np.int32)
