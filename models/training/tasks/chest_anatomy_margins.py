"""Trials of the margin: films whose field is closed by a known amount, measured as the box measures them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np

from models.anatomy.both_ways import both_ways
from models.anatomy.chest import Chest, chest_of
from models.anatomy.margins import look, margins_of
from models.anatomy.radiograph import canvas_of_radiograph
from models.anatomy.structures import SIDE
from models.image.lines import Side
from models.image.picture import Mask, Picture
from models.measurement import Measurements, NotMeasured
from models.rules.schema import CONFIDENCE_FLOOR
from models.training.degradations import crop_field
from models.training.degradations.field import Outside
from models.training.films import read_mask, read_picture
from models.training.manifest import Film
from models.training.received import radiograph_of
from models.training.task import Run

FILM_PX = 512
LOSS = (1.2, 8.0)
"""Percent of the film's width: 5 mm of an adult's 430 mm, and what nobody overlooks."""
TIGHT = (1.0, 4.0)
"""Margins left free in a film that is complete: 4 to 17 mm."""
_OUTSIDE: tuple[Outside, ...] = get_args(Outside)
_MOST = 0.45


@dataclass(frozen=True, slots=True)
class Trial:
    """One side of one film; lengths in percent of the film's width before anything was closed."""

    patient: str
    source: str
    side: Side
    lost: float
    """How much of the lung lies outside the field; 0: nothing."""
    true: float
    """The margin on that side, 0 where lung is lost; nan where the untouched film does not show its field."""
    measured: float
    """0 where the box says that the lung is cut off; nan where two lungs are not found."""
    cut: float
    """How likely that side is cut, as the network gives it; nan where it abstains."""
    said: bool | None
    """What rule PA01 hears of the whole film: a lung cut off, or not; None: not assessed."""
    untouched: bool
    """Nothing was closed: a film as it was taken."""
    clear: bool
    """No side is nearly cut (less than 1 % free): what is said of the whole film is right or wrong."""


def trials(run: Run, films: Sequence[Film]) -> Iterator[Trial]:
    """Every side of every film with a complete pair of lungs: closed into the lung, before it, or left alone."""
    for film in films:
        if film.lungs is None or film.touches or film.view == "L":
            continue
        values = read_picture(film.path, FILM_PX)
        mask = read_mask(film.lungs, values.shape[::-1])
        if (mask == 255).any() and not (mask == 127).any():
            rng = np.random.default_rng((7, *film.path.name.encode()))  # whatever other films there are
            for side in get_args(Side):
                yield _trial(run, film, values, mask == 255, side, rng)


def _trial(run: Run, film: Film, values: Picture, lungs: Mask, side: Side, rng: np.random.Generator) -> Trial:
    height, width = values.shape
    extent = height if side in ("top", "bottom") else width
    free, kind = _free(lungs, side), rng.random()
    lost, true, border = 0.0, float("nan"), 0.0
    if kind < 0.5:
        lost = float(rng.uniform(*LOSS))
        true, border = 0.0, free + lost / 100 * width
    elif kind < 0.8:
        true = min(float(rng.uniform(*TIGHT)), 100 * free / width)
        border = free - true / 100 * width
    if border > _MOST * extent:
        lost, true, border = 0.0, float("nan"), 0.0
    clear = all(100 * _free(lungs, other) / width >= TIGHT[0] for other in get_args(Side) if other != side)
    clear &= bool(lost) or (100 * free / width if math.isnan(true) else true) >= TIGHT[0]
    closed = crop_field(values, side, max(0.0, border) / extent, rng, outside=rng.choice(_OUTSIDE))
    chest = chest_on(run, closed.film)
    found, measured, cut = chest.lungs(), float("nan"), float("nan")
    if found is not None:
        percent = margins_of(chest, found)[side].length(chest.percent)
        measured, cut = percent * closed.film.shape[1] / width, chest.structures.cut[side]
    return Trial(film.patient, film.source, side, lost, true, measured, cut, said_of(chest), border <= 0, clear)


def said_of(chest: Chest) -> bool | None:
    """Whether a lung is cut off, as far as a rule would believe it."""
    fact = Measurements(look(chest)).get("chest.margin_least_percent")
    if isinstance(fact, NotMeasured) or fact.confidence < CONFIDENCE_FLOOR:
        return None
    return fact.value == 0


def chest_on(run: Run, film: Picture) -> Chest:
    """The chest of a film as the box makes it, by the network under test."""
    radiograph = radiograph_of(film)
    canvas = canvas_of_radiograph(radiograph, SIDE)
    return chest_of(radiograph, both_ways(run, canvas).mean)


def _free(lungs: Mask, side: Side) -> float:
    """Pixels between the lungs and the picture's edge."""
    along = np.flatnonzero(lungs.any(axis=1 if side in ("top", "bottom") else 0))
    length = lungs.shape[0 if side in ("top", "bottom") else 1]
    return float(along[0] if side in ("top", "left") else length - 1 - along[-1])
