"""The exposed field of a radiograph, found in its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from models.image.lines import Border, Side, borders, busyness, edges_of, half_level, peaks_of
from models.image.picture import Mask, Picture

_LEAST_SUPPORT = 0.6
"""Share of its own length along which a border must be visible."""
_LEAST_ALONE = 0.85
"""The same for the only border: an arm or a table's edge is long and nearly straight."""
_SAME_ANGLE_DEG = 1.6
_PER_SIDE = 4
_LEAST_SIZE = 0.12


@dataclass(frozen=True, slots=True)
class Field:
    """A rectangle in pixels of the picture, pixel edges counted from 0, x right, y down.

    ``seen``: the sides whose border is visible; the others are the picture's own.
    """

    centre: tuple[float, float]
    width: float
    height: float
    angle_deg: float
    seen: frozenset[Side]
    confidence: float

    def corners(self) -> Picture:
        """Four corners (x, y), clockwise from the top left."""
        turn = np.radians(self.angle_deg)
        across = np.array([np.cos(turn), np.sin(turn)]) * self.width / 2
        down = np.array([-np.sin(turn), np.cos(turn)]) * self.height / 2
        centre = np.array(self.centre)
        points = [centre - across - down, centre + across - down, centre + across + down, centre - across + down]
        return np.array(points, np.float32)

    def box(self, shape: tuple[int, ...], scale: float) -> tuple[slice, slice]:
        """Upright box (rows, columns) around the field in a picture ``scale`` times smaller."""
        corners = self.corners() / scale
        left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
        right, bottom = np.minimum(np.ceil(corners.max(axis=0)), (shape[1], shape[0])).astype(int)
        return slice(int(top), int(bottom)), slice(int(left), int(right))

    def mask(self, shape: tuple[int, int], scale: float, inset: float = 0.0) -> Mask:
        """True inside the field, in a picture ``scale`` times smaller; ``inset`` in pixels of that picture.

        Only borders that are visible are drawn in by ``inset``.
        """
        grow = {side: inset * scale if side in self.seen else 0.0 for side in ("left", "right", "top", "bottom")}
        turn = np.radians(self.angle_deg)
        dx, dy = (grow["left"] - grow["right"]) / 2, (grow["top"] - grow["bottom"]) / 2
        centre = (
            self.centre[0] + dx * np.cos(turn) - dy * np.sin(turn),
            self.centre[1] + dx * np.sin(turn) + dy * np.cos(turn),
        )
        width, height = self.width - grow["left"] - grow["right"], self.height - grow["top"] - grow["bottom"]
        inner = Field(centre, width, height, self.angle_deg, self.seen, self.confidence)
        canvas = np.zeros(shape, np.uint8)
        cv2.fillConvexPoly(canvas, np.round(inner.corners() / scale - 0.5).astype(np.int32), 1)
        return canvas.astype(bool)


def find_field(small: Picture, tone: Picture, scale: float, shape: tuple[int, int]) -> Field:
    """The field in a small picture and its equalised tone (0..1); ``scale`` and ``shape`` lead to the full one.

    With no visible border it is the whole picture. Method: image-qc.md 7 row 2 (gradient peaks and Hough).
    """
    busy = busyness(tone)
    lying_tone, lying_busy = np.ascontiguousarray(tone.T), np.ascontiguousarray(busy.T)
    upright, lying = edges_of(tone), edges_of(lying_tone)
    columns, rows = peaks_of(upright), peaks_of(lying)
    candidates: dict[Side, list[Border | None]] = {
        "left": [None, *list(borders(upright, columns, tone, busy, "left"))[:_PER_SIDE]],
        "right": [None, *list(borders(upright, columns, tone, busy, "right"))[:_PER_SIDE]],
        "top": [None, *list(borders(lying, rows, lying_tone, lying_busy, "left"))[:_PER_SIDE]],
        "bottom": [None, *list(borders(lying, rows, lying_tone, lying_busy, "right"))[:_PER_SIDE]],
    }
    best: dict[Side, Border] = {}
    best_support: dict[Side, float] = {}
    for combination in product(*candidates.values()):
        chosen = {side: border for side, border in zip(candidates, combination, strict=True) if border is not None}
        support = _supports(chosen, tone.shape)
        if support is not None and sum(support.values()) > sum(best_support.values()):
            best, best_support = chosen, support
    standing = np.ascontiguousarray(small.T)
    for side, border in best.items():
        picture = small if side in ("left", "right") else standing
        best[side] = half_level(border, picture, "left" if side in ("left", "top") else "right")
    return _rectangle(best, best_support, scale, shape)


def _supports(chosen: Mapping[Side, Border], shape: tuple[int, ...]) -> dict[Side, float] | None:
    """Support of each chosen border between the others, or None when they do not make a field."""
    if not chosen:
        return None
    angles = [_angle(side, border) for side, border in chosen.items()]
    if max(angles) - min(angles) > _SAME_ANGLE_DEG:
        return None
    rows, columns = shape[0], shape[1]
    left, right = _at(chosen.get("left"), 0), _at(chosen.get("right"), columns - 1)
    top, bottom = _at(chosen.get("top"), 0), _at(chosen.get("bottom"), rows - 1)
    if right - left < _LEAST_SIZE * columns or bottom - top < _LEAST_SIZE * rows:
        return None
    found: dict[Side, float] = {}
    for side, border in chosen.items():
        upright = side in ("left", "right")
        before: Side = "top" if upright else "left"
        after: Side = "bottom" if upright else "right"
        offset = border.at - ((columns if upright else rows) - 1) / 2
        length = rows if upright else columns
        ends = _meet(chosen.get(before), offset, 0), _meet(chosen.get(after), offset, length)
        found[side] = border.support(*ends)
        if found[side] < (_LEAST_ALONE if len(chosen) == 1 else _LEAST_SUPPORT):
            return None
    return found


def _at(border: Border | None, otherwise: float) -> float:
    return otherwise if border is None else border.at


def _meet(border: Border | None, offset: float, otherwise: float) -> float:
    return otherwise if border is None else border.at + border.slope * offset


def _angle(side: Side, border: Border) -> float:
    turn = float(np.degrees(np.arctan(border.slope)))
    return -turn if side in ("left", "right") else turn


def _rectangle(
    chosen: Mapping[Side, Border], support: Mapping[Side, float], scale: float, shape: tuple[int, int]
) -> Field:
    height, width = shape
    if not chosen:
        return Field((width / 2, height / 2), width, height, 0.0, frozenset(), 0.5)
    weight = list(support.values())
    angle = float(np.average([_angle(side, border) for side, border in chosen.items()], weights=weight))
    turn = np.radians(angle)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    # Distances of the four sides from the picture's centre, in the field's own axes.
    ends = {"left": -width / 2, "right": width / 2, "top": -height / 2, "bottom": height / 2}
    for side, border in chosen.items():
        centre = (width if side in ("left", "right") else height) / 2
        ends[side] = ((border.at + 0.5) * scale - centre) * cos
    mid_x, mid_y = (ends["left"] + ends["right"]) / 2, (ends["top"] + ends["bottom"]) / 2
    centre_xy = (width / 2 + mid_x * cos - mid_y * sin, height / 2 + mid_x * sin + mid_y * cos)
    return Field(
        centre=centre_xy,
        width=ends["right"] - ends["left"],
        height=ends["bottom"] - ends["top"],
        angle_deg=angle,
        seen=frozenset(chosen),
        confidence=float(np.mean(weight)),
    )
