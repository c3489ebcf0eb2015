"""Samples: scenes, still and moved together, each pair as it might also lie and look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from models.mr.motion_picture import HIGHEST
from models.training.mr.scenes import scene
from models.training.mr.sources import Picture, Source
from models.training.mr.trajectories import Random

_GAMMA = 0.12
"""Standard deviation of the logarithm of the exponent."""
_FAR = 20
"""Pixels of a shift at most; what leaves comes in on the other side, as in a picture whose field is small."""


class Scenes(Dataset[dict[str, Tensor]]):
    """``length`` pairs, each drawn from (seed, index): ``image`` (2, 256, 256) and ``moved``, which is (0, 1)."""

    def __init__(self, found: Sequence[Source], length: int, seed: tuple[int, ...], vary: bool) -> None:
        self._found, self._length, self._seed, self._vary = found, length, seed, vary

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        random = np.random.default_rng((*self._seed, index))
        made = scene(self._found, random)
        pair = np.stack([made.still, made.moved])
        return {
            "image": torch.from_numpy(varied(pair, random) if self._vary else pair),
            "moved": torch.tensor((0.0, 1.0)),
        }


def varied(pair: Picture, random: Random) -> Picture:
    """Both pictures (2, 256, 256) mirrored, shifted and darkened or brightened alike: their difference stays."""
    flipped = tuple(axis for axis in (1, 2) if random.random() < 0.5)
    power = np.float32(np.exp(random.normal(0, _GAMMA)))
    # The level that is one stays one.
    bent = (np.flip(pair, flipped) * HIGHEST) ** power / HIGHEST
    return np.asarray(np.roll(bent, random.integers(-_FAR, _FAR + 1, 2), (1, 2)), np.float32)
