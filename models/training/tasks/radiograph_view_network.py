"""The network of radiograph-view: MobileNetV3-small with one head per question, calibrated when it is exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.training.nets import MobileNetV3Small

ANSWERS = ("kind", "turn", "mirrored", "inverted", "child", "white")
_SIZES = (5, 4, 1, 1, 1, 1)
_DEEP = 576
_NARROW = 24
_GRID = 6
"""Cells of the last feature map on a canvas of 192: where the heart lies must not be averaged away."""

_MOMENTUM = 0.05
"""Of the running means: an epoch has 128 steps only, the body's own 0.01 would lag behind the weights."""


class ViewNetwork(nn.Module):
    """Logits of :data:`ANSWERS` while training; in ``eval()`` the bundle's outputs: kind, orientation (8),
    inverted, child, white_lung.

    ``temperature`` divides the logits of each answer (Guo et al., ICML 2017); chosen on ``tune``.
    """

    temperature: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.body = MobileNetV3Small(heads=())
        self.narrow = nn.Sequential(
            nn.Conv2d(_DEEP, _NARROW, 1, bias=False), nn.BatchNorm2d(_NARROW), nn.Hardswish()
        )
        self.where = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.1), nn.Linear(_NARROW * _GRID**2, 128), nn.Hardswish()
        )
        self.heads = nn.ModuleList(nn.Linear(256 + 128, size) for size in _SIZES)
        self.register_buffer("temperature", torch.ones(len(ANSWERS)))
        for layer in self.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.momentum = _MOMENTUM

    def logits(self, image: Tensor) -> tuple[Tensor, ...]:
        deep = self.body.stages(image)[-1]
        found = torch.cat([self.body.shared(deep.mean(dim=(2, 3))), self.where(self.narrow(deep))], dim=1)
        return tuple(head(found) for head in self.heads)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        logits = self.logits(image)
        if self.training:
            return logits
        kind, turn, mirrored, inverted, child, white = (
            logit / self.temperature[n] for n, logit in enumerate(logits)
        )
        turns, flip = torch.softmax(turn, dim=1), torch.sigmoid(mirrored)
        orientation = torch.stack([turns * (1 - flip), turns * flip], dim=2).flatten(1)
        return torch.softmax(kind, dim=1), orientation, inverted.sigmoid(), child.sigmoid(), white.sigmoid()
