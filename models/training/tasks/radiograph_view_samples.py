"""Samples of radiograph-view: drawn from the pool, varied, with the truth of every question that has one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from models.anatomy.both_ways import mirror_image
from models.anatomy.canvas import canvas_of
from models.anatomy.view import KINDS, SIDE
from models.image.picture import Mask, Picture
from models.training.tasks.radiograph_view_pictures import drawn, on_a_page, photographed
from models.training.tasks.radiograph_view_pool import (
    Family,
    Item,
    by_source,
    enlarged,
    lungs_of,
    picture_of,
)
from models.training.tasks.radiograph_view_variety import (
    bent,
    markers,
    oriented,
    tone,
    white_lung,
    window,
    without_a_part,
    without_markers,
)

UNKNOWN = -1
SHARES: dict[Family, float] = {"frontal": 0.58, "lateral": 0.09, "other": 0.07, "slice": 0.04, "picture": 0.11}
"""Of an epoch; the rest is drawn from nothing (``_DRAWN``) or staged from a film (``_STAGED``)."""
_STAGED = 0.09
_WHITE = 0.18
_TURNED = 0.22
_INVERTED = 0.22
_BENT = 0.35
_HIDDEN = 0.2

Rng = np.random.Generator
LungsOf = Callable[[Item], Mask | None]
"""Both lungs on the pixels of a film's picture, where they are known."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture and its truth; ``UNKNOWN`` where there is none."""

    picture: Picture
    kinds: tuple[str, ...]
    turn: int = UNKNOWN
    """Quarters clockwise."""
    mirrored: int = UNKNOWN
    inverted: int = UNKNOWN
    child: int = UNKNOWN
    white: int = UNKNOWN

    def tensors(self) -> dict[str, Tensor]:
        """The canvas and its mirror image, as the box looks at every film; the truth is the canvas's."""
        canvas = canvas_of(self.picture, SIDE)
        image = np.stack([canvas.image, mirror_image(canvas.image, canvas.width)])
        right = np.asarray([kind in self.kinds for kind in KINDS], np.float32)
        truth = {name: int(getattr(self, name)) for name in ("turn", "mirrored", "inverted", "child", "white")}
        return {
            "image": torch.from_numpy(image),
            "kinds": torch.from_numpy(right),
            **{name: torch.tensor(value) for name, value in truth.items()},
        }


def varied(item: Item, rng: Rng, lungs: LungsOf = lungs_of) -> Sample:
    """Another picture of the same kind each time."""
    picture = enlarged(picture_of(item), SIDE)
    if item.family in ("picture", "slice", "other"):
        picture = tone(window(picture, rng, 230), rng)
        turn = int(rng.integers(0, 4)) if rng.random() < (_TURNED if item.upright else 1) else 0
        inverted = bool(rng.random() < _INVERTED)
        picture = oriented(picture, turn, bool(rng.random() < 0.5))
        return Sample(
            1 - picture if inverted else picture,
            item.kinds,
            turn=turn if item.upright else UNKNOWN,
            inverted=int(inverted) if item.family == "other" else UNKNOWN,
        )
    return _chest(item, picture, rng, lungs)


def _chest(item: Item, picture: Picture, rng: Rng, lungs: LungsOf) -> Sample:
    white = item.family == "frontal" and bool(rng.random() < _WHITE)
    if white:
        both = lungs(item)
        picture = white_lung(picture, both if both is not None and both.shape == picture.shape else None, rng)
    if item.family == "lateral":
        picture = bent(picture, rng, 0.09)
    elif rng.random() < _BENT:
        picture = bent(picture, rng, 0.03)
    if rng.random() < 0.55:
        picture = without_markers(picture)
    if rng.random() < 0.3:
        picture = markers(picture, rng)
    picture = tone(window(picture, rng, 230), rng)
    if rng.random() < _HIDDEN:
        picture = without_a_part(picture, rng)
    turn = int(rng.integers(1, 4)) if rng.random() < _TURNED else 0
    mirrored, inverted = bool(rng.random() < 0.5), bool(rng.random() < _INVERTED)
    picture = oriented(picture, turn, mirrored)
    return Sample(
        1 - picture if inverted else picture,
        item.kinds,
        turn=turn,
        # A mirrored film is looked for after it was turned upright, and where both lungs are to be seen.
        mirrored=int(mirrored) if turn == 0 and not white and item.family == "frontal" else UNKNOWN,
        inverted=int(inverted),
        child=UNKNOWN if item.child is None else int(item.child),
        white=int(white) if item.family == "frontal" else UNKNOWN,
    )


def staged(item: Item, rng: Rng) -> Sample:
    """A film photographed from a monitor, or in a program's window."""
    film = tone(window(picture_of(item), rng, 220), rng)
    if rng.random() < 0.15:
        film = 1 - film
    picture = photographed(film, rng) if rng.random() < 0.7 else on_a_page(film, rng)
    return Sample(picture, ("not_a_radiograph",))


def from_nothing(rng: Rng) -> Sample:
    return Sample(drawn(rng), ("not_a_radiograph",))


class Draws(Dataset[dict[str, Tensor]]):
    """``count`` samples; the same seed gives the same ones."""

    def __init__(
        self, items: Sequence[Item], count: int, seed: tuple[int, ...], lungs: LungsOf = lungs_of
    ) -> None:
        rng = np.random.default_rng(seed)
        names = [name for name in SHARES if any(item.family == name for item in items)]
        drawn_from = {name: by_source(items, name) for name in names}
        share = np.asarray([SHARES[name] for name in names] + [_STAGED, 1 - sum(SHARES.values()) - _STAGED])
        self._seed, self._lungs, self._plan = seed, lungs, []
        for kind in rng.choice(len(share), count, p=share / share.sum()) if names else []:
            plan = names[kind] if kind < len(names) else ("staged" if kind == len(names) else "drawn")
            kept, weight = drawn_from[names[kind] if kind < len(names) else names[0]]
            self._plan.append((plan, kept[int(rng.choice(len(kept), p=weight))]))

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((*self._seed, index))
        plan, item = self._plan[index]
        if plan == "drawn":
            return from_nothing(rng).tensors()
        return (staged(item, rng) if plan == "staged" else varied(item, rng, self._lungs)).tensors()
