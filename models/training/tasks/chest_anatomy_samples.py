"""Samples of chest-anatomy: which plates there are, and what is drawn from them in an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from models.anatomy.structures import SIDE
from models.training.films import Plate, lungs_apart, read_mask, read_picture
from models.training.manifest import Film
from models.training.tasks.chest_anatomy_truth import sample_of
from models.training.tasks.chest_anatomy_variety import varied
from models.training.tasks.chest_anatomy_window import as_it_is

PLATE_PX = 320
"""Long side of a plate: a crop of it still fills the canvas without blur."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Plates of one kind and how often one of them is drawn."""

    name: str
    plates: Sequence[Plate]
    weight: float
    """Share of the draws, relative to the other sources'."""


def lung_plates(films: Sequence[Film]) -> list[Plate]:
    """The films that have a lung mask with two lungs."""
    found = []
    for film in films:
        if film.lungs is None:
            continue
        values = read_picture(film.path, PLATE_PX)
        mask = read_mask(film.lungs, values.shape[::-1])
        lungs = lungs_apart(mask)
        if lungs is not None:
            trusted = np.where(mask == 127, 0, 255).astype(np.uint8) if (mask == 127).any() else None
            maps = {"lung_image_left": lungs[0], "lung_image_right": lungs[1]}
            found.append(Plate(values, maps, {}, trusted))
    return found


class Draws(Dataset[dict[str, Tensor]]):
    """``count`` plates drawn from the sources by weight and varied; the same seed gives the same samples."""

    def __init__(self, sources: Sequence[Source], count: int, seed: tuple[int, ...]) -> None:
        rng = np.random.default_rng(seed)
        filled = [source for source in sources if source.plates]
        weights = np.asarray([source.weight for source in filled])
        self._plates: list[Plate] = []
        for _ in range(count if filled else 0):
            source = filled[int(rng.choice(len(filled), p=weights / weights.sum()))]
            self._plates.append(source.plates[int(rng.integers(len(source.plates)))])
        self._seed = seed

    def __len__(self) -> int:
        return len(self._plates)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((*self._seed, index))
        return sample_of(varied(self._plates[index], SIDE, rng))


class AsTheyAre(Dataset[dict[str, Tensor]]):
    """Every plate once, unchanged."""

    def __init__(self, plates: Sequence[Plate]) -> None:
        self._plates = plates

    def __len__(self) -> int:
        return len(self._plates)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return sample_of(as_it_is(self._plates[index]))
