"""Films with one fault of a known level, or none, on their way through the same nuisances."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from models.image.picture import Mask, Picture, shrink
from models.training.degradations import add_noise, grid_lines, jpeg, motion_blur, quantise, saturate, second
from models.training.degradations.blur import Course, path_length
from models.training.degradations.exposure import EDGE

Simulator = Literal["first", "second"]
"""The first is for tuning, the second only for tests."""
COURSES: tuple[Course, ...] = ("steady", "swing", "jerk")
Make = Callable[[Picture, float, np.random.Generator], Picture]


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. Level 0 is none; level 1 its ``most``; between, the magnitude grows in equal ratios."""

    name: str
    unit: str
    least: float
    """Magnitude at the lowest level."""
    most: float
    visible: float
    """Magnitude from which a reader sees it on the film at its size (our own eyes, image-qc.md label E)."""
    first: Make
    second: Make

    def magnitude(self, level: float) -> float:
        return self.least * (self.most / self.least) ** level if level > 0 else 0.0

    @property
    def visible_level(self) -> float:
        return float(np.log(self.visible / self.least) / np.log(self.most / self.least))


def _moved(film: Picture, magnitude: float, rng: np.random.Generator) -> Picture:
    course = COURSES[int(rng.integers(len(COURSES)))]
    return motion_blur(film, path_length(magnitude, course), float(rng.uniform(0, 180)), course=course)


def _noisy(film: Picture, magnitude: float, rng: np.random.Generator) -> Picture:
    correlation, electronic = float(rng.choice([0, 0, 0.5, 0.8])), float(rng.uniform(0, 0.4))
    return add_noise(film, magnitude, rng, correlation_px=correlation, electronic=electronic)


def _lined(film: Picture, magnitude: float, rng: np.random.Generator) -> Picture:
    angle = float(rng.choice([0, 90]) + rng.uniform(-0.3, 0.3))
    cycles, phase, harmonic = rng.uniform(0.1, 0.45), rng.uniform(0, 6.28), rng.uniform(0, 0.4)
    return grid_lines(film, float(cycles), magnitude, angle, phase=float(phase), second=float(harmonic))


FAULTS = (
    Fault("motion", "px", 1.0, 10.0, 3.0, _moved, second.shaken),
    Fault("noise", "of range", 0.008, 0.08, 0.02, _noisy, second.counted),
    Fault(
        "dark_clipping",
        "of pixels",
        0.01,
        0.4,
        0.05,
        lambda film, share, rng: saturate(film, "dark", share),
        lambda film, share, rng: second.kneed(film, "dark", share, rng),
    ),
    Fault(
        "bright_clipping",
        "of pixels",
        0.01,
        0.4,
        0.05,
        lambda film, share, rng: saturate(film, "bright", share),
        lambda film, share, rng: second.kneed(film, "bright", share, rng),
    ),
    Fault("grid_lines", "of exposure", 0.02, 0.3, 0.05, _lined, second.lamellae),
)


BURNT_OUT = "lungs_burnt_out"


def burnt_out(lungs: Mask) -> Fault:
    """Too dark a film whose magnitude is the share of the *lungs* on the plateau, whatever share of the film that
    takes: open air beside the body is there by right.

    ``lungs``: of the film in any size.
    """
    return Fault(
        BURNT_OUT,
        "of the lungs",
        0.01,
        0.4,
        0.05,
        lambda film, share, rng: saturate(film, "dark", _of_film(film, lungs, share)),
        lambda film, share, rng: second.kneed(film, "dark", _of_film(film, lungs, share), rng),
    )


def _of_film(film: Picture, lungs: Mask, share: float) -> float:
    """The share of the pixels between the film's ends that are as dark as this share of the lungs."""
    if share <= 0:
        return 0.0
    here = cv2.resize(lungs.astype(np.uint8), film.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)
    between = film[(film > EDGE) & (film < 1 - EDGE)]
    return float((between < np.quantile(film[here], share)).mean())


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A film as it arrives: what is wrong with it (None: nothing) and how much."""

    film: Picture
    fault: Fault | None
    level: float


def sample_of(
    film: Picture, fault: Fault | None, level: float, seed: str, simulator: Simulator = "first"
) -> Sample:
    """The same seed gives the same sample. Negatives go the same way as positives, with strength 0."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    taken = _resized(film, float(rng.uniform(0.75, 1.0)) if rng.random() < 0.5 else 1.0)
    made = taken
    if fault is not None:
        make = fault.first if simulator == "first" else fault.second
        made = make(taken, fault.magnitude(level), rng)
    return Sample(_stored(made, rng), fault, level)


def _resized(film: Picture, factor: float) -> Picture:
    rows, columns = film.shape
    return shrink(film, (round(columns * factor), round(rows * factor))) if factor < 1 else film


def _stored(film: Picture, rng: np.random.Generator) -> Picture:
    """Half of them as JPEG of quality 75 to 97, the rest as plain 8 bits."""
    quality = int(rng.integers(75, 98))
    return jpeg(film, quality) if rng.random() < 0.5 else quantise(film)


def read_film(path: Path) -> Picture:
    """0..1, dense bright.

    Raises:
        FileNotFoundError: no picture there.
    """
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise FileNotFoundError("no picture")
    return np.asarray(picture / np.float32(255), np.float32)
