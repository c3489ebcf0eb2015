"""The network of mr-motion: a small residual network on three readings of a picture; 0.4 million weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, relu

from models.mr.motion_picture import HIGHEST

_FAINT, _FAINT_FULL = 60.0, 4.0
"""log(1 + 60 x) / 4: air at a hundredth of the object becomes 0.1, the object 1."""
_DARK = 0.03
"""Added to the surroundings that detail is divided by: in air there are none."""
_STEM, _WIDTHS = 24, (32, 48, 64, 96)
_DROPPED = 0.3


class MotionNet(nn.Module):
    """``(n, k, 256, 256)`` of 0..1, phase axis downwards, to logits ``(n, k)``: each picture for itself.

    A bundle has k = 1; while training k = 2, still and moved, so that both are in the same batch.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(3, _STEM, 7, 2, 3, bias=False),
            nn.BatchNorm2d(_STEM),
            nn.ReLU(inplace=True),
        ]
        for before, width in zip((_STEM, *_WIDTHS), _WIDTHS, strict=False):
            layers += [_block(before, width, 2), Residual(width)]
        self.body = nn.Sequential(*layers)
        self.drop = nn.Dropout(_DROPPED)
        self.head = nn.Linear(2 * _WIDTHS[-1], 1)

    def forward(self, image: Tensor) -> Tensor:
        deep = self.body(readings(image.flatten(0, 1)[:, None] * HIGHEST))
        # Motion is everywhere in a picture (mean); a ghost of an edge is in one place (largest).
        whole = torch.cat([deep.mean((2, 3)), deep.amax((2, 3))], 1)
        logits: Tensor = self.head(self.drop(whole))
        return logits.reshape(-1, image.shape[1])


class Residual(nn.Module):
    """Two convolutions beside what comes in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _block(width, width, 1)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width))

    def forward(self, seen: Tensor) -> Tensor:
        return relu(seen + self.second(self.first(seen)))


def readings(picture: Tensor) -> Tensor:
    """``(n, 1, s, s)`` levels to ``(n, 3, s, s)``: root, logarithm of the faint, detail over its surroundings.

    Motion leaves copies in the air, which are faint, and ripples in the object, which are fine.
    """
    around = avg_pool2d(picture, 9, 1, 4, count_include_pad=False)
    detail = (picture - avg_pool2d(picture, 3, 1, 1)) / (around + _DARK)
    return torch.cat([picture.clamp(0, 2).sqrt(), torch.log1p(picture * _FAINT) / _FAINT_FULL, detail], 1)


def _block(before: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)
    )
