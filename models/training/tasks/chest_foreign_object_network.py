"""The network: a feature pyramid on EfficientNet-lite0, fine enough at its start to see a clasp."""

from __future__ import annotations

from typing import Self, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from models.training.nets import LEVELS, LiteEncoder

_WIDTH = 48
_FINEST, _COARSEST = 1, 4
"""The body's levels that are used, as a slice: strides 4 to 16; what is larger than a shoulder is no object."""


class ObjectNet(nn.Module):
    """``(n, 1, s, s)`` to logits ``(n, outputs, s / 4, s / 4)``; s divisible by 32. About one million parameters.

    In ``eval()`` the logits are calibrated (Platt 1999); those that the loss sees are not.
    """

    slope: Tensor
    shift: Tensor

    def __init__(self, outputs: int, body: LiteEncoder) -> None:
        super().__init__()
        self.body = body
        del body.levels[_COARSEST:]
        self.across = nn.ModuleList(nn.Conv2d(channels, _WIDTH, 1) for channels in LEVELS[_FINEST:_COARSEST])
        self.up = nn.ModuleList(_block(_WIDTH) for _ in range(_FINEST, _COARSEST - 1))
        self.head = nn.Conv2d(_WIDTH, outputs, 1)
        nn.init.constant_(cast(Tensor, self.head.bias), -4.0)  # objects cover little of a film
        self.register_buffer("slope", torch.ones(outputs))
        self.register_buffer("shift", torch.zeros(outputs))
        for part in (body.stem, body.levels[0], cast(nn.Sequential, body.levels[1])[0]):
            part.requires_grad_(False)  # the dearest, and edges are edges

    def train(self, mode: bool = True) -> Self:
        """The body's batch normalisation keeps ImageNet's means: half the time, and batches are small."""
        super().train(mode)
        self.body.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        if self.training:
            return self._maps(image)
        return self._maps(image) * self.slope[:, None, None] + self.shift[:, None, None]

    def _maps(self, image: Tensor) -> Tensor:
        levels = [across(level) for across, level in zip(self.across, self.body(image)[_FINEST:], strict=True)]
        found = levels[-1]
        for level, up in zip(reversed(levels[:-1]), self.up, strict=True):
            found = up(level + interpolate(found, scale_factor=2.0, mode="nearest"))
        return cast(Tensor, self.head(found))


def _block(width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )
