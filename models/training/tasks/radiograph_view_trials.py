"""Trials of radiograph-view: every test picture looked at as the box looks, as it is and done something to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.anatomy.view import ORIENTATIONS, View, view_of
from models.image.picture import Picture
from models.training.task import Run
from models.training.tasks.radiograph_view_challenge import after_pneumonectomy, opaque_lung, photo_of_monitor
from models.training.tasks.radiograph_view_pool import Item, lungs_of, picture_of
from models.training.tasks.radiograph_view_variety import oriented, without_markers

How = Literal[
    "as it is", "oriented", "oriented, markers hidden", "inverted", "photograph", "white lung", "lung gone"
]
_CHALLENGED = 110
"""At most so many of a source and part are photographed, made white, or no chest: enough for a figure of 0.98."""


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One picture, what was done to it, and what the network said."""

    item: Item
    how: How
    picture: Picture
    view: View
    turn: int = 0
    mirrored: bool = False

    @property
    def refused(self) -> bool:
        """Whether it must be refused by whatever measures frontal chests."""
        return self.item.family != "frontal" or self.how in ("photograph", "white lung", "lung gone")


def trials(items: Sequence[Item], run: Run) -> list[Trial]:
    """All of them. What is random depends on the film's name only."""
    return [Trial(item, how, picture, view_of(run, picture), *way) for item, how, picture, way in _pictures(items)]


Way = tuple[int, bool]
_STRAIGHT: Way = (0, False)


def _pictures(items: Sequence[Item]) -> Iterator[tuple[Item, How, Picture, Way]]:
    for item in _some(items, lambda item: item.family != "frontal"):
        yield item, "as it is", picture_of(item), _STRAIGHT
    for item in items:
        if item.family == "frontal" and not _tiny(item):
            yield item, "as it is", picture_of(item), _STRAIGHT
    frontal = [item for item in items if item.family == "frontal" and item.film.view and not _tiny(item)]
    for item in frontal:
        rng, film = dice_for(item), picture_of(item)
        way = ORIENTATIONS[int(rng.integers(len(ORIENTATIONS)))]
        yield item, "oriented", oriented(film, *way), way
        mirrored = bool(rng.random() < 0.5)
        hidden = oriented(without_markers(film), 0, mirrored)
        yield item, "oriented, markers hidden", hidden, (0, mirrored)
        yield item, "inverted", 1 - film, _STRAIGHT
    for item in _some(frontal, lambda item: True):
        yield item, "photograph", photo_of_monitor(picture_of(item), dice_for(item)), _STRAIGHT
    for item in _some(frontal, lambda item: item.film.lungs is not None):
        lungs, rng = lungs_of(item), dice_for(item)
        if lungs is not None and lungs.any():
            at_left = bool(rng.random() < 0.5)
            yield item, "white lung", opaque_lung(picture_of(item), lungs, at_left, rng), _STRAIGHT
            yield item, "lung gone", after_pneumonectomy(picture_of(item), lungs, at_left, rng), _STRAIGHT


def dice_for(item: Item) -> np.random.Generator:
    """The film's own generator: the same on every machine and in every order."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(item.film.path.name.encode()).digest()[:8], "big"))


def _some(items: Iterable[Item], wanted: Callable[[Item], bool]) -> list[Item]:
    count: dict[str, int] = {}
    kept = []
    for item in items:
        source = f"{item.film.source} {item.film.body_part}"
        if wanted(item) and count.get(source, 0) < _CHALLENGED:
            count[source] = count.get(source, 0) + 1
            kept.append(item)
    return kept


def _tiny(item: Item) -> bool:
    """64-pixel pictures are counted as they are and not turned."""
    return bool(max(picture_of(item).shape) < 100)
