"""Overlap of chest-anatomy's structures with masks: films by source, projections by structure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.anatomy.both_ways import both_ways
from models.anatomy.canvas import canvas_of
from models.anatomy.structures import LUNGS, ORGANS, SIDE, Structures
from models.image.picture import Mask
from models.training.films import IGNORE, Plate, lungs_apart, read_mask, read_picture
from models.training.manifest import Film
from models.training.report.statistics import dice
from models.training.task import Run

FILM_PX = 512


@dataclass(frozen=True, slots=True)
class LungOverlap:
    """Dice of one film; nan where it cannot be told."""

    film: Film
    both: float
    """Of both lungs together, where the mask is not marked as unknown."""
    image_left: float
    image_right: float
    without_heart: float
    """Both lungs less the heart that the network sees: for masks that end at the heart's border."""
    marked: bool
    """Part of the mask is unknown: a device or a mark lies over the lung."""


def lung_overlaps(run: Run, films: Iterable[Film]) -> Iterator[LungOverlap]:
    """Frontal films that have a mask."""
    for film in films:
        if film.lungs is None or film.view == "L":
            continue
        values = read_picture(film.path, FILM_PX)
        mask = read_mask(film.lungs, values.shape[::-1])
        true, asked = mask == 255, mask != IGNORE
        if not true.any():
            continue
        canvas = canvas_of(values, SIDE)
        found = both_ways(run, canvas).mean
        left, right = (_on_film(found, name, true.shape) for name in LUNGS)
        apart = lungs_apart(mask)
        sides = [float("nan")] * 2
        if apart is not None:
            sides = [dice(one & asked, side > 0) for one, side in zip((left, right), apart, strict=True)]
        both = (left | right) & asked
        without = dice(both & ~_on_film(found, "heart", true.shape), true)
        yield LungOverlap(film, dice(both, true), sides[0], sides[1], without, not asked.all())


def structure_overlaps(run: Run, plates: Sequence[Plate]) -> Mapping[str, list[float]]:
    """Dice of every structure on every plate; nan where the plate does not have it."""
    found: dict[str, list[float]] = {name: [] for name in ORGANS}
    for plate in plates:
        canvas = canvas_of(plate.values, SIDE)
        seen = both_ways(run, canvas).mean
        for name in ORGANS:
            true = plate.maps.get(name)
            if true is None or not (true > 127).any():
                found[name].append(float("nan"))
            else:
                found[name].append(dice(_on_film(seen, name, true.shape), true > 127))
    return found


def _on_film(structures: Structures, name: str, shape: tuple[int, ...]) -> Mask:
    """The structure's mask in the film's own pixels; empty where it was not found."""
    organ, canvas = structures.organ(name), structures.canvas
    if organ is None:
        return np.zeros(shape, bool)
    shown = organ.probability[: canvas.height, : canvas.width]
    return np.asarray(cv2.resize(shown, shape[::-1], interpolation=cv2.INTER_LINEAR) >= 0.5, bool)
