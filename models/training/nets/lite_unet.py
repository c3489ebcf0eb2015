"""A U-Net whose descent is EfficientNet-lite0: maps as fine as the picture at the cost of half its size."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.training.nets.lite import LEVELS, LiteEncoder

WIDTHS = (24, 32, 64, 96)
"""Channels of the ascent at strides 2, 4, 8 and 16."""


class LiteUNet(nn.Module):
    """``(n, 1, h, w)``, sides divisible by 32, to logits ``(n, out, h, w)``.

    The last convolution works at half the size and says four neighbouring pixels at once: a border stays sharp.
    """

    def __init__(self, encoder: LiteEncoder, out: int) -> None:
        super().__init__()
        self.encoder = encoder
        above = (*WIDTHS[1:], LEVELS[-1])
        self.ascent = nn.ModuleList(
            _Join(below + level, width) for below, level, width in zip(above, LEVELS[:-1], WIDTHS, strict=True)
        )
        self.last = nn.Sequential(nn.Conv2d(WIDTHS[0], 4 * out, 1), nn.PixelShuffle(2))

    def forward(self, picture: Tensor) -> Tensor:
        found: Tensor = self.last(self.climbed(picture))
        return found

    def climbed(self, picture: Tensor) -> Tensor:
        """Features at half the picture's size, which have seen all of it."""
        levels = self.encoder(picture)
        found = levels.pop()
        for join in reversed(self.ascent):
            found = join(found, levels.pop())
        climbed: Tensor = found
        return climbed


class _Join(nn.Module):
    """What was found at half the size, beside what this level sees."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU(inplace=True)
        )

    def forward(self, found: Tensor, level: Tensor) -> Tensor:
        joined: Tensor = self.layers(torch.cat((interpolate(found, scale_factor=2.0), level), dim=1))
        return joined
