"""A chest drawn in millimetres of the film, and a network that finds exactly what was drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from models.anatomy.both_ways import turned_back
from models.anatomy.structures import ORGANS, POINTS, SIDE

Map = NDArray[np.float32]
Place = tuple[float, float]
_SOFT_MM = 0.6
"""Half width of a border's slope: the network is as sure as it gets."""
_POINT_MM = 6.0


@dataclass(frozen=True)
class Oval:
    """Centre and half axes."""

    x: float
    y: float
    across: float
    down: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        return self.x - self.across, self.y - self.down, self.x + self.across, self.y + self.down

    def map(self, x: Map, y: Map, soft: float) -> Map:
        radius = np.hypot((x - self.x) / self.across, (y - self.y) / self.down)
        return _slope((1 - radius) * min(self.across, self.down), soft)


@dataclass(frozen=True)
class Drawing:
    """An upright adult PA film: image left is the patient's right."""

    width: float = 360.0
    height: float = 360.0
    lung_left: Oval | None = Oval(105, 180, 60, 130)
    lung_right: Oval | None = Oval(250, 185, 55, 125)
    scapula_left: Oval | None = Oval(30, 120, 20, 50)
    scapula_right: Oval | None = Oval(328, 120, 20, 50)
    end_left: Place | None = (160.0, 80.0)
    end_right: Place | None = (200.0, 80.0)
    spine_x: float = 180.0
    """Of its middle at half the film's height."""
    spine_deg: float = 0.0
    """Its top leans to the right of the picture."""
    soft: float = _SOFT_MM
    without: frozenset[str] = field(default_factory=frozenset)

    def flipped(self) -> Drawing:
        """As a mirror shows it."""

        def oval(one: Oval | None) -> Oval | None:
            return one and replace(one, x=self.width - one.x)

        def place(one: Place | None) -> Place | None:
            return one and (self.width - one[0], one[1])

        return replace(
            self,
            lung_left=oval(self.lung_right),
            lung_right=oval(self.lung_left),
            scapula_left=oval(self.scapula_right),
            scapula_right=oval(self.scapula_left),
            end_left=place(self.end_right),
            end_right=place(self.end_left),
            spine_x=self.width - self.spine_x,
            spine_deg=-self.spine_deg,
        )

    def moved(self, right: float, down: float) -> Drawing:
        """The patient moved on a film that stays."""

        def oval(one: Oval | None) -> Oval | None:
            return one and replace(one, x=one.x + right, y=one.y + down)

        def place(one: Place | None) -> Place | None:
            return one and (one[0] + right, one[1] + down)

        return replace(
            self,
            lung_left=oval(self.lung_left),
            lung_right=oval(self.lung_right),
            scapula_left=oval(self.scapula_left),
            scapula_right=oval(self.scapula_right),
            end_left=place(self.end_left),
            end_right=place(self.end_right),
            spine_x=self.spine_x + right - down * float(np.tan(np.radians(self.spine_deg))),
        )

    def maps(self) -> dict[str, Map]:
        """By channel, on the canvas that the film fills."""
        scale = max(self.width, self.height) / SIDE
        steps = (np.arange(SIDE, dtype=np.float32) + 0.5) * scale
        x, y = np.meshgrid(steps, steps)
        on_film = (x < self.width) & (y < self.height)
        middle = self.spine_x + (self.height / 2 - y) * np.tan(np.radians(self.spine_deg))
        drawn = {
            "lung_image_left": self.lung_left and self.lung_left.map(x, y, self.soft),
            "lung_image_right": self.lung_right and self.lung_right.map(x, y, self.soft),
            "scapula_image_left": self.scapula_left and self.scapula_left.map(x, y, self.soft),
            "scapula_image_right": self.scapula_right and self.scapula_right.map(x, y, self.soft),
            "heart": Oval(self.spine_x + 25, 240, 60, 45).map(x, y, self.soft),
            "spine": _slope(18 - np.abs(x - middle), self.soft),
            "clavicle_end_image_left": self.end_left and _spot(x, y, self.end_left),
            "clavicle_end_image_right": self.end_right and _spot(x, y, self.end_right),
            "spinous_line": np.exp(-0.5 * ((x - middle) / _POINT_MM) ** 2),
        }
        empty = np.zeros_like(x)
        return {
            name: np.asarray((empty if found is None else found) * on_film, np.float32)
            for name, found in ((name, drawn.get(name)) for name in (*ORGANS, *POINTS))
            if name not in self.without
        } | {name: empty for name in self.without}


class DrawnNetwork:
    """Finds the drawing in any picture, and its mirror image in the second; counts how often it is asked."""

    def __init__(self, drawing: Drawing) -> None:
        self._maps = drawing.maps()
        self.runs = 0

    def run(self, inputs: Mapping[str, Map]) -> dict[str, Map]:
        image = inputs["image"]
        assert image.shape in ((1, 1, SIDE, SIDE), (2, 1, SIDE, SIDE)) and image.dtype == np.float32
        self.runs += 1
        width = 1 + int(np.flatnonzero(image[0, 0].any(axis=0))[-1]) if image[0].any() else SIDE
        names = {"structures": ORGANS, "points": POINTS}
        return {name: self._seen(channels, width)[: len(image)] for name, channels in names.items()}

    def _seen(self, names: Sequence[str], width: int) -> Map:
        straight = np.stack([self._maps[name] for name in names])[None]
        return np.concatenate([straight, turned_back(straight, names, width)])


def _slope(inside: Map, soft: float) -> Map:
    return np.asarray(1 / (1 + np.exp(-np.clip(inside / soft, -40, 40))), np.float32)


def _spot(x: Map, y: Map, at: Place) -> Map:
    return np.asarray(np.exp(-0.5 * ((x - at[0]) ** 2 + (y - at[1]) ** 2) / _POINT_MM**2), np.float32)
