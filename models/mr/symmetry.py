"""MB12: the angle of the plane of symmetry in a picture that shows left and right."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from models.mr.plane import Picture, Plane

_SIDE = 64
_WIDEST = 30.0
"""Degrees to each side that are looked at."""


@dataclass(frozen=True, slots=True)
class Symmetry:
    """``degrees``: how far the axis is turned from the vertical, clockwise positive. ``offset``: where it crosses
    the middle of the object's height, as a fraction of the picture's width. ``likeness`` of both halves.
    """

    degrees: float
    offset: float
    likeness: float


def symmetry(plane: Plane) -> Symmetry | None:
    """The axis about which the object is most like its mirror picture; left and right run along the rows.

    The picture is turned about the object's centroid in steps of 3 degrees, then of 1, and a parabola finds
    the peak.
    None for an object under a tenth of the picture.
    """
    if plane.object.mean() < 0.1:
        return None
    rows, columns = plane.values.shape
    scale = _SIDE / max(rows, columns)
    size = (max(8, round(columns * scale)), max(8, round(rows * scale)))
    shown = np.where(plane.object, np.sqrt(plane.values / max(plane.values[plane.object].max(), 1e-9)), 0)
    small = np.asarray(cv2.resize(shown.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32)
    moments = cv2.moments(cv2.resize(plane.object.astype(np.float32), size, interpolation=cv2.INTER_AREA))
    centre = moments["m10"] / moments["m00"], moments["m01"] / moments["m00"]

    best: dict[float, tuple[float, float]] = {}

    def at(degrees: float) -> float:
        if degrees not in best:
            best[degrees] = _likeness(small, centre, degrees)
        return best[degrees][0]

    coarse = max(np.arange(-_WIDEST, _WIDEST + 1, 3.0).tolist(), key=at)
    fine = max(np.arange(coarse - 2, coarse + 2.1, 1.0).tolist(), key=at)
    before, here, after = at(fine - 1), at(fine), at(fine + 1)
    bend = before - 2 * here + after
    degrees = fine + (0.5 * (before - after) / bend if bend < 0 else 0.0)
    return Symmetry(degrees, (centre[0] + best[fine][1]) / size[0], here)


def _likeness(picture: Picture, centre: tuple[float, float], degrees: float) -> tuple[float, float]:
    """Best correlation of the turned picture with its mirror, and pixels from the centre to the axis."""
    side = _SIDE
    to = cv2.getRotationMatrix2D(centre, degrees, 1)
    to[:, 2] += np.array((side / 2 - centre[0], side / 2 - centre[1]))
    turned = cv2.warpAffine(picture, to, (side, side), flags=cv2.INTER_LINEAR).astype(np.float64)
    turned -= turned.mean()
    mirror = turned[:, ::-1]
    # Correlation over all shifts along the rows: the axis lies half way between the picture and its mirror.
    spectrum = np.fft.rfft(turned, 2 * side, axis=1) * np.conj(np.fft.rfft(mirror, 2 * side, axis=1))
    line = np.fft.irfft(spectrum.sum(axis=0), 2 * side) / max(float((turned**2).sum()), 1e-12)
    reach = side // 8
    shifts = np.arange(-reach, reach + 1)
    along = line[shifts]
    k = int(np.argmax(along))
    return float(along[k]), (shifts[k] - 1) / 2 * math.cos(math.radians(degrees)) + 0.5
