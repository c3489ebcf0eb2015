"""Long straight borders of a field: a Hough transform over the sign of the gradient.

A collimator's border differs from every edge of a body in three ways: it is straight over most of its length,
the step has one sign all along, and what lies outside it is quiet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Mask, Picture, gradient, steepness

Side = Literal["left", "right", "top", "bottom"]

_MAX_ANGLE_DEG = 11.0
_STEP_DEG = 0.5
_SMOOTH_PX = 1.5
_STEEP = 0.015
"""Least gradient of a border, in equalised tone per pixel of the small picture."""
_MIN_STRIP = 0.012
"""Least width of what lies outside, as a share of the picture; less is not worth a border."""
_MAX_STRIP = 0.8
_MIN_VOTES = 0.22
_PEAKS = 8


@dataclass(frozen=True, slots=True)
class Edges:
    """Points of near-vertical edges of a picture, thinned to the crest. The angle is that of the line."""

    x: Picture
    y: Picture
    sign: NDArray[np.int8]
    steep: Picture
    """Gradient at each point, tone per pixel."""
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Border:
    """A candidate: x = at + slope * (y - middle), in the coordinates of :class:`Edges`."""

    at: float
    slope: float
    sign: int
    steep: float
    """Median gradient along it, tone per pixel."""
    hits: Mask
    """Per row: whether the border is there."""
    against: Mask
    """Per row: whether there is a step of the other sign instead."""

    def support(self, low: float, high: float) -> float:
        """Share of the rows between ``low`` and ``high`` in which the border is there, less those against it."""
        a, b = max(0, round(low)), min(len(self.hits), round(high))
        if b - a < 16:
            return 0.0
        return float(self.hits[a:b].mean() - 2.0 * self.against[a:b].mean())


def edges_of(tone: Picture) -> Edges:
    """Crest points of near-vertical edges; give the transposed picture for the horizontal ones."""
    gx, gy = gradient(tone, _SMOOTH_PX)
    steep = np.abs(gx)
    crest = steep > _STEEP
    crest[:, 1:] &= steep[:, 1:] >= steep[:, :-1]
    crest[:, :-1] &= steep[:, :-1] > steep[:, 1:]
    crest &= np.abs(gy) <= np.tan(np.radians(_MAX_ANGLE_DEG + 8)) * steep
    crest[:, [0, -1]] = False
    y, x = np.nonzero(crest)
    left, mid, right = steep[y, x - 1], steep[y, x], steep[y, x + 1]
    shift = 0.5 * (left - right) / np.minimum(left - 2 * mid + right, -1e-9)
    sign = np.sign(gx[y, x]).astype(np.int8)
    return Edges(
        (x + np.clip(shift, -0.5, 0.5)).astype(np.float32), y.astype(np.float32), sign, mid, tone.shape[:2]
    )


@dataclass(frozen=True, slots=True)
class Peak:
    """A line that many points of one sign lie on; ordered by their number."""

    votes: int
    at: float
    slope: float
    sign: int


def peaks_of(edges: Edges) -> list[Peak]:
    """Hough transform over the lines within ``_MAX_ANGLE_DEG`` of the columns, most votes first."""
    height, width = edges.shape
    middle = (height - 1) / 2
    half = int(np.ceil(height / 2 * np.tan(np.radians(_MAX_ANGLE_DEG)))) + 2
    found: list[Peak] = []
    for angle in np.arange(-_MAX_ANGLE_DEG, _MAX_ANGLE_DEG + _STEP_DEG / 2, _STEP_DEG):
        slope = float(np.tan(np.radians(angle)))
        cell = np.round(edges.x - slope * (edges.y - middle)).astype(np.int32) + half
        for sign in (-1, 1):
            votes = np.bincount(cell[edges.sign == sign], minlength=width + 2 * half)
            votes = votes[:-1] + votes[1:]
            best = np.flatnonzero(votes >= _MIN_VOTES * height)
            if len(best) > _PEAKS:
                best = best[np.argpartition(votes[best], -_PEAKS)[-_PEAKS:]]
            found.extend(Peak(int(votes[at]), float(at - half + 0.5), slope, sign) for at in best)
    return sorted(found, key=lambda peak: peak.votes, reverse=True)


def borders(
    edges: Edges, peaks: Sequence[Peak], tone: Picture, busy: Picture, side: Literal["left", "right"]
) -> Iterator[Border]:
    """Candidates for one side, outermost first.

    ``busy``: where the picture is lively, see :func:`busyness`.
    """
    width = edges.shape[1]
    kept: list[Border] = []
    failed: list[Border] = []
    for peak in peaks:
        if not _reachable(peak.at, width, side) or any(_same(peak, other) for other in kept):
            continue
        border = _fit(edges, peak.at, peak.slope, peak.sign)
        if border is None or any(
            _same(border, other) and abs(border.slope - other.slope) < 0.002 for other in failed
        ):
            continue
        good = _reachable(border.at, width, side) and _steps(border, tone) and _quiet(border, busy, side)
        (kept if good else failed).append(border)
    kept.sort(key=lambda border: border.at, reverse=side == "right")
    yield from kept


def _same(one: Peak | Border, other: Border) -> bool:
    return abs(one.at - other.at) < 6 and one.sign == other.sign


def _reachable(at: float, width: int, side: str) -> bool:
    strip = (at if side == "left" else width - 1 - at) / width
    return _MIN_STRIP <= strip <= _MAX_STRIP


def _fit(edges: Edges, at: float, slope: float, sign: int) -> Border | None:
    """Refine by least squares, twice, on the points within 2 then 1.5 pixels."""
    middle = (edges.shape[0] - 1) / 2
    for reach in (2.0, 1.5):
        near = (np.abs(edges.x - (at + slope * (edges.y - middle))) <= reach) & (edges.sign == sign)
        if near.sum() < 16:
            return None
        slope, at = (float(v) for v in np.polyfit(edges.y[near] - middle, edges.x[near], 1))
    off = np.abs(edges.x - (at + slope * (edges.y - middle))) <= 1.5
    hits = np.zeros(edges.shape[0], bool)
    against = np.zeros(edges.shape[0], bool)
    hits[edges.y[off & (edges.sign == sign)].astype(int)] = True
    against[edges.y[off & (edges.sign != sign)].astype(int)] = True
    hits = cv2.dilate(hits.astype(np.uint8)[:, None], np.ones((3, 1), np.uint8))[:, 0] > 0
    return Border(at, slope, sign, float(np.median(edges.steep[near])), hits, against)


def busyness(tone: Picture) -> Picture:
    """Where the picture is lively: gradient of a smooth copy, any direction, in tone per pixel."""
    return steepness(tone, 2 * _SMOOTH_PX)


_REACH = 12


def half_level(border: Border, picture: Picture, side: Literal["left", "right"]) -> Border:
    """Move a border to where the values are half way between outside and inside (the IEC definition of a field).

    The crest of the equalised tone lies nearer to the darker end of a wide penumbra.
    """
    height, width = picture.shape
    rows = np.flatnonzero(border.hits)
    line = border.at + border.slope * (rows - (height - 1) / 2)
    outward = -1.0 if side == "left" else 1.0
    steps = np.arange(-_REACH, _REACH + 0.5, 0.5)
    x = (line[:, None] - outward * steps[None, :]).astype(np.float32)
    y = np.broadcast_to(rows[:, None], x.shape).astype(np.float32)
    inside_picture = (x[:, 0] >= 0) & (x[:, 0] <= width - 1)
    if inside_picture.sum() < 16:
        return border
    profile = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[inside_picture]
    outer, inner = np.median(profile[:, :5], axis=1), np.median(profile[:, -5:], axis=1)
    rise = (profile - outer[:, None]) / np.where(np.abs(inner - outer) < 1e-6, np.inf, inner - outer)[:, None]
    crossed = rise >= 0.5
    first = np.argmax(crossed, axis=1)
    good = crossed.any(axis=1) & (first > 0)
    if good.sum() < 16:
        return border
    index = np.flatnonzero(good)
    after, before = rise[index, first[index]], rise[index, first[index] - 1]
    where = steps[first[index]] - 0.5 * (after - 0.5) / np.maximum(after - before, 1e-6)
    return replace(border, at=border.at - outward * float(np.median(where)))


_LIVELY = 0.012
_MAX_LIVELY = 0.08
_PENUMBRA = 7.0
_AWAY = 7
_LEAST_STEP = 1.9
"""Least step of a border, 7 pixels to both sides, over its gradient: half of an ideal step's sqrt(2 pi) sigma."""


def _steps(border: Border, tone: Picture) -> bool:
    """Whether the level differs on both sides by what the gradient promises: about a dead line it does not."""
    rows = np.flatnonzero(border.hits)
    line = border.at + border.slope * (rows - (tone.shape[0] - 1) / 2)
    left, right = (np.clip(np.round(line + off), 0, tone.shape[1] - 1).astype(int) for off in (-_AWAY, _AWAY))
    return float(np.median(tone[rows, right] - tone[rows, left])) * border.sign >= _LEAST_STEP * border.steep


def _quiet(border: Border, busy: Picture, side: str) -> bool:
    """Whether little happens outside the border, beyond its penumbra. Letters and markers may stand there."""
    height, width = busy.shape
    rows = np.arange(0, height, 4)
    line = border.at + border.slope * (rows - (height - 1) / 2)
    columns = np.arange(0, width, 2)
    if side == "left":
        outside = columns[None, :] < line[:, None] - _PENUMBRA
    else:
        outside = columns[None, :] > line[:, None] + _PENUMBRA
    if not outside.any():
        return True
    lively = busy[::4, ::2] > _LIVELY
    return float((lively & outside).sum() / outside.sum()) <= _MAX_LIVELY
