"""Trials of rotation: projections turned by a known angle, real films warped as if turned; and of tilt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.anatomy import trunk
from models.anatomy.chest import Chest
from models.anatomy.structures import ORGANS
from models.image.picture import Mask, Picture
from models.measurement import Measurements
from models.training.degradations import rotate_trunk
from models.training.films import read_picture
from models.training.manifest import Film
from models.training.task import Run
from models.training.tasks.chest_anatomy_margins import chest_on

FILM_PX = 512
TURNS_DEG = (-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0)
TILTS_DEG = (-14.0, -8.0, 8.0, 14.0)


@dataclass(frozen=True, slots=True)
class Turn:
    """One picture; degrees, positive: the front of the chest moves to the right of the picture."""

    patient: str
    true: float
    measured: float
    """As the box reports it; nan where it abstains."""


def warped_films(run: Run, films: Sequence[Film]) -> Iterator[Turn]:
    """Every film warped by every angle, measured against itself unwarped.

    A patient may be turned already: the true angle is the warp's alone, so is the measured one.
    """
    for film in films:
        values = read_picture(film.path, FILM_PX)
        lungs = _lungs(chest_on(run, values), values)
        at_rest = turn_of(chest_on(run, values))
        if lungs is None or not np.isfinite(at_rest):
            continue
        for degrees in TURNS_DEG:
            picture = rotate_trunk(lungs, degrees).of_film(values)
            yield Turn(film.patient, degrees, turn_of(chest_on(run, picture)) - at_rest)


def tilted_films(run: Run, films: Sequence[Film]) -> Iterator[Turn]:
    """Every film turned in its own plane by every angle, which is exact: the spine's tilt must follow it.

    The tilt of the film as it is comes off. Positive: the top leans to the right of the picture.
    """
    for film in films:
        values = read_picture(film.path, FILM_PX)
        at_rest = _tilt(run, values)
        for degrees in TILTS_DEG:
            rows, columns = values.shape
            by = cv2.getRotationMatrix2D(((columns - 1) / 2, (rows - 1) / 2), -degrees, 1.0)
            leant = cv2.warpAffine(values, by, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
            yield Turn(film.patient, degrees, _tilt(run, np.asarray(leant, np.float32)) - at_rest)


def _tilt(run: Run, picture: Picture) -> float:
    found = Measurements(trunk.look(chest_on(run, picture))).number("chest.spine_tilt_deg")
    return float("nan") if found is None else found


def turn_of(chest: Chest) -> float:
    """The rotation that the box reports, signed; nan where it reports none."""
    facts = Measurements(trunk.look(chest))
    degrees, towards = facts.number("chest.rotation_deg"), facts.text("chest.rotation_towards")
    if degrees is None or towards is None:
        return float("nan")
    return degrees if towards == "L" else -degrees


def _lungs(chest: Chest, values: Picture) -> Mask | None:
    found = [chest.structures.organ(name) for name in ORGANS[:2]]
    if not all(found):
        return None
    canvas = chest.structures.canvas
    both = np.any([organ.mask for organ in found if organ], axis=0)[: canvas.height, : canvas.width]
    rows = (np.arange(values.shape[0]) * canvas.height // values.shape[0])[:, None]
    columns = np.arange(values.shape[1]) * canvas.width // values.shape[1]
    return np.asarray(both[rows, columns], bool)
