"""Exposure: how a film's grey came from a beam, so that objects are laid into the beam, not on the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.image.picture import Picture
from models.training.objects.sheet import PER_MM, Sheet

_TOP = 1.6
"""Shown values up to here (1 is the film's white) have an attenuation: metal is beyond all anatomy."""


_LEAST_TEXTURE = 0.008
"""Of the film's range, two of 256 grey values: on a smoother film nothing finer is seen either."""
_NOTHING = 1e-3
"""Attenuation below which a film is not touched."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """An assumed display curve, shown value against the logarithm of exposure: a film's true one is not known."""

    shown: Picture
    attenuation: Picture
    """Rising with ``shown``."""

    def beam(self, film: Picture) -> Picture:
        """What the beam met (dimensionless), from what is shown."""
        return np.asarray(np.interp(film, self.shown, self.attenuation), np.float32)

    def film(self, attenuation: Picture) -> Picture:
        """The way back."""
        return np.asarray(np.interp(attenuation, self.attenuation, self.shown), np.float32)


def curve(rng: np.random.Generator) -> Curve:
    """Any plausible one: about linear in the logarithm, with a gamma and an S-shape."""
    shown = np.linspace(0, _TOP, 161)
    span, gamma, bend = rng.uniform(2.0, 4.5), np.exp(rng.normal(0, 0.25)), rng.uniform(0, 0.35)
    clipped = np.clip(shown, 0.01, 0.99)
    s_shape = 0.5 + np.log(clipped / (1 - clipped)) / 9.2
    rising = (1 - bend) * shown**gamma + bend * s_shape + 1e-4 * shown
    return Curve(shown.astype(np.float32), (span * rising).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Beam:
    """The circumstances of one exposure, the same for all that is laid into it."""

    curve: Curve
    mm: float
    """Size of a film pixel at the object."""
    scatter: float
    """Part of the exposure behind the object that did not come through it."""
    blur: float
    """Sigma of the film's point spread, film pixels."""
    grain: float
    """Sigma of the film's noise, in shown values."""


def sharpness_of(film: Picture) -> float:
    """Sigma (pixels) of a point spread as wide as the film's finest structure: 0.4 if crisp, 1.2 if soft."""
    middle = film[film.shape[0] // 4 : -film.shape[0] // 4, film.shape[1] // 4 : -film.shape[1] // 4]
    soft, softer = cv2.GaussianBlur(middle, (0, 0), 0.7), cv2.GaussianBlur(middle, (0, 0), 2.0)
    fine, coarse = np.abs(middle - soft).mean(), np.abs(soft - softer).mean()
    return float(np.interp(fine / max(coarse, 1e-6), (0.1, 0.6), (1.2, 0.4)))


def texture_of(film: Picture) -> Picture:
    """How restless the film is around each pixel: standard deviation of what is finer than about 3 pixels.

    An object is seen against it, be it grain, ribs or vessels.
    """
    fine = film - cv2.GaussianBlur(film, (0, 0), 3.0)
    return np.maximum(np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 10.0)), np.float32(_LEAST_TEXTURE))


def grain_of(film: Picture) -> float:
    """Sigma of the noise, from the median of the diagonal differences (design/image-qc.md, 7)."""
    diagonal = (film[:-1, :-1] + film[1:, 1:] - film[1:, :-1] - film[:-1, 1:]) / 2
    return float(np.median(np.abs(diagonal[::3, ::3])) / 0.6745)


def lay(
    film: Picture, sheet: Sheet, place: tuple[float, float], turn: float, beam: Beam, rng: np.random.Generator
) -> tuple[tuple[slice, slice], Picture] | None:
    """Lay a sheet into the beam; ``film`` is changed in place.

    Beer-Lambert: exposure behind it is that before it times exp(-depth), blurred as the film is, plus scatter.
    Fewer quanta make more noise. Where the sheet is empty nothing changes.

    Args:
        film: float32, 0..1, dense bright.
        place: of the sheet's centre (x, y) in film pixels.
        turn: rad.

    Returns:
        The window of the film and how much brighter it is there, or None when the sheet lies outside the film.
    """
    scale = 1 / (PER_MM * beam.mm)
    height, width = sheet.depth.shape
    cos, sin = np.cos(turn) * scale, np.sin(turn) * scale
    reach_x = (abs(cos) * width + abs(sin) * height) / 2 + 3
    reach_y = (abs(sin) * width + abs(cos) * height) / 2 + 3
    left, right = max(0, int(place[0] - reach_x)), min(film.shape[1], int(place[0] + reach_x) + 1)
    top, bottom = max(0, int(place[1] - reach_y)), min(film.shape[0], int(place[1] + reach_y) + 1)
    if right - left < 2 or bottom - top < 2:
        return None
    through = cv2.GaussianBlur(np.exp(-sheet.depth), (0, 0), beam.blur / scale)
    matrix = np.array([[cos, -sin, place[0] - left], [sin, cos, place[1] - top]])
    matrix[:, 2] -= matrix[:, :2] @ (width / 2, height / 2)
    seen = cv2.warpAffine(through, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR, borderValue=1.0)
    seen = beam.scatter + (1 - beam.scatter) * np.clip(seen, 0, 1)
    window = (slice(top, bottom), slice(left, right))
    contrast = np.asarray(-np.log(seen), np.float32)
    there = contrast > _NOTHING
    before = film[window][there]
    after = beam.curve.film(beam.curve.beam(before) + contrast[there])
    grain = rng.normal(0, beam.grain, after.shape).astype(np.float32) * np.sqrt(np.clip(1 / seen[there] - 1, 0, 4))
    film[window][there] = after + grain
    brighter = np.zeros_like(contrast)
    brighter[there] = after - before
    return window, brighter
