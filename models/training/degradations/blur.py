"""Blur: motion of the whole film or of a part of it, and want of focus."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Picture
from models.training.degradations.exposure_domain import exposure_of, film_of

Course = Literal["steady", "swing", "jerk"]
"""How the part moves while it is exposed: evenly; to and fro (sine: it dwells at the ends); it rests, then
jumps."""
_STEPS_PER_PX = 8
_REST = 0.3
"""Share of the exposure in which a jerk has not begun."""


def motion_length_mm(velocity_mm_s: float, exposure_ms: float) -> float:
    """How far something moves during an exposure. Heart wall: 30 to 100 mm/s; a bedside film: up to 20 ms."""
    return velocity_mm_s * exposure_ms / 1000


def motion_blur(film: Picture, length_px: float, angle_deg: float, *, course: Course = "steady") -> Picture:
    """The whole film moved by ``length_px`` from end to end, along ``angle_deg`` (0 to the right, 90 downward).

    Exposures add up, so the blur is made of exposures, not of grey values.
    """
    kernel = motion_kernel(length_px, angle_deg, course)
    moved = cv2.filter2D(exposure_of(film), cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)
    return film_of(np.asarray(moved, np.float32))


def motion_kernel(length_px: float, angle_deg: float, course: Course = "steady") -> Picture:
    """Sum 1, centre of gravity at its middle for the even courses; one pixel for a length of 0."""
    half = int(np.ceil(length_px / 2)) + 1
    along = _places(length_px, course)
    x, y = half + along * np.cos(np.radians(angle_deg)), half + along * np.sin(np.radians(angle_deg))
    kernel = np.zeros((2 * half + 1, 2 * half + 1))
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx in (0, 1):
        for dy in (0, 1):
            weight = np.abs(1 - dx - (x - left)) * np.abs(1 - dy - (y - top))
            inside = (left + dx <= 2 * half) & (top + dy <= 2 * half)
            np.add.at(kernel, ((top + dy)[inside], (left + dx)[inside]), weight[inside])
    return np.asarray(kernel / kernel.sum(), np.float32)


def path_length(equivalent_px: float, course: Course) -> float:
    """The end-to-end length of a course that spreads a point as far (standard deviation) as an even motion."""
    return equivalent_px / float(np.std(_places(1000.0, course)) / np.std(_places(1000.0, "steady")))


def _places(length_px: float, course: Course) -> NDArray[np.float64]:
    """Where it is at equal steps of time; from -length/2 to length/2."""
    steps = max(9, int(length_px * _STEPS_PER_PX) | 1)
    time = (np.arange(steps) + 0.5) / steps
    if course == "swing":
        return np.asarray(-length_px / 2 * np.cos(np.pi * time))
    if course == "jerk":
        return np.asarray(length_px * np.maximum(0.0, (time - _REST) / (1 - _REST)) - length_px / 2)
    return np.asarray(length_px * (time - 0.5))


def local_motion_blur(
    film: Picture, where: Picture, length_px: float, angle_deg: float, *, course: Course = "swing"
) -> Picture:
    """A part of the film moved, such as heart or diaphragm: ``where`` is 1 where it moves fully, 0 where it rests.

    ``where`` should be smooth: the tissue between is stretched.
    """
    rows, columns = np.indices(film.shape, dtype=np.float32)
    exposure, total = exposure_of(film), np.zeros_like(film, dtype=np.float64)
    places = _places(length_px, course)[:: _STEPS_PER_PX // 2]
    for place in places:
        x = columns - where * np.float32(place * np.cos(np.radians(angle_deg)))
        y = rows - where * np.float32(place * np.sin(np.radians(angle_deg)))
        total += cv2.remap(exposure, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return film_of(np.asarray(total / len(places), np.float32))


def gaussian_blur(film: Picture, sigma_px: float) -> Picture:
    """Want of focus; a sigma under 0.05 pixels is none."""
    exposure = exposure_of(film)
    if sigma_px >= 0.05:
        exposure = np.asarray(
            cv2.GaussianBlur(exposure, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), np.float32
        )
    return film_of(exposure)
