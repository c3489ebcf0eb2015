"""How a head is turned: the axis of symmetry of each slice, and how it wanders (CH02)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.ct.body import Body
from models.ct.head import Head
from models.ct.scan import Scan, Values

_SHOWN_HU = (-50.0, 250.0)
_WIDEST_DEG = 30.0
_COARSE_DEG, _FINE_DEG = 3.0, 0.5
_SLICES = 16
_FEWEST = 4


@dataclass(frozen=True, slots=True)
class Axis:
    """Of one slice: degrees that it leans by, the column where it crosses a row, how alike both sides are."""

    degrees: float
    column: float
    alike: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Of a head: about its long axis (yaw) and to a shoulder (roll), degrees; ``alike`` 0 to 1."""

    yaw_deg: float
    roll_deg: float
    alike: float


def turn_of(scan: Scan, body: Body, head: Head) -> Turn | None:
    """None where too few slices show the head well."""
    at = np.arange(len(scan.hu))[head.wide]
    if len(at) < _FEWEST:
        return None
    at = at[np.unique(np.linspace(0, len(at) - 1, _SLICES).round().astype(int))]
    row = float(np.nanmedian(body.centres[at, 0]))
    axes: list[Axis] = []
    for one in at:
        shown = np.clip(scan.hu[one], *_SHOWN_HU) - _SHOWN_HU[0]
        seen = np.where(head.skull[one], shown, 0).astype(np.float32)
        axes.append(axis_of(seen, scan.spacing_mm, row))
    return _turn(axes, scan.z_mm[at], scan.spacing_mm[1])


def _turn(axes: Sequence[Axis], z_mm: np.ndarray[tuple[int], np.dtype[np.float64]], across_mm: float) -> Turn:
    yaw = float(np.median([one.degrees for one in axes]))
    columns = np.array([one.column for one in axes]) * across_mm
    slopes = [
        (columns[b] - columns[a]) / (z_mm[b] - z_mm[a])
        for a in range(len(axes))
        for b in range(a + len(axes) // 3 + 1, len(axes))
    ]
    roll = float(np.degrees(np.arctan(np.median(slopes))))
    return Turn(yaw, roll, float(np.median([one.alike for one in axes])))


def axis_of(values: Values, spacing_mm: tuple[float, float], row: float) -> Axis:
    """The line about which one slice mirrors itself best. ``values``: 0 outside the head.

    The correlation of a row with its own mirror image is the square of its spectrum (convolution theorem): so
    every shift of the axis is tried at once for each angle.
    """
    moments = cv2.moments(values)
    if not moments["m00"]:
        return Axis(0.0, 0.0, 0.0)
    centre = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]
    coarse = np.arange(-_WIDEST_DEG, _WIDEST_DEG + 1, _COARSE_DEG)
    scores = [_mirrored(values, centre, spacing_mm, float(one))[0] for one in coarse]
    best = float(coarse[int(np.argmax(scores))])
    fine = best + np.arange(-_COARSE_DEG, _COARSE_DEG + _FINE_DEG / 2, _FINE_DEG)
    found = [_mirrored(values, centre, spacing_mm, float(one)) for one in fine]
    likeness = np.array([one[0] for one in found])
    top = int(np.clip(np.argmax(likeness), 1, len(fine) - 2))
    degrees = float(fine[top]) + _FINE_DEG * _peak(likeness[top - 1 : top + 2])
    off = found[top][1]
    slope = np.tan(np.radians(degrees)) * spacing_mm[0] / spacing_mm[1]
    column = centre[0] + off / np.cos(np.radians(degrees)) + slope * (row - centre[1])
    return Axis(degrees, float(column), float(likeness[top]))


def _mirrored(
    values: Values, centre: tuple[float, float], spacing_mm: tuple[float, float], degrees: float
) -> tuple[float, float]:
    """(likeness, pixels that the axis lies to the right of the centre) after turning the head upright."""
    rows, columns = values.shape
    # The axis leans by ``degrees``: its lower end to the picture's right. Square pixels first, then turn.
    turn = np.radians(degrees)
    aspect = spacing_mm[0] / spacing_mm[1]
    c, s = np.cos(turn), np.sin(turn)
    # output (u, v) about the middle takes input centre + (u c + v s, (v c - u s) / aspect)
    to_input = np.array([[c, s, 0.0], [-s / aspect, c / aspect, 0.0]])
    middle = np.array([(columns - 1) / 2, (rows - 1) / 2])
    to_input[:, 2] = np.array(centre) - to_input[:, :2] @ middle
    turned = cv2.warpAffine(values, to_input, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    spectrum = np.fft.rfft(turned, 2 * columns, axis=1)
    alike = np.fft.irfft((spectrum * spectrum).sum(axis=0), 2 * columns)
    whole = float((turned * turned).sum())
    top = int(np.clip(np.argmax(alike), 1, 2 * columns - 2))
    place = top + _peak(alike[top - 1 : top + 2])
    return float(alike[top]) / max(whole, 1e-6), place / 2 - middle[0]


def _peak(three: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """Where the parabola through three neighbours is highest, from the middle one, -0.5 to 0.5."""
    bend = three[0] - 2 * three[1] + three[2]
    return float(np.clip(0.5 * (three[0] - three[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0
