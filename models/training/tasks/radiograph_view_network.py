"""The network of radiograph-view: EfficientNet-lite0 with a head per question, calibrated when it is exported."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor, nn

from models.training.nets import LEVELS, LiteEncoder

ANSWERS = ("kind", "turn", "mirrored", "inverted", "child", "white")
_SIZES = (5, 4, 1, 1, 1, 1)
_SHARED = 256
_NARROW = 32
_GRID = 6
"""Cells of the last feature map on a canvas of 192: where the heart lies must not be averaged away."""
_KEPT = 2
"""Levels of the body (down to stride 4) that stay as ImageNet made them: edges are edges, and half the time."""


class ViewNetwork(nn.Module):
    """Logits of :data:`ANSWERS` while training; in ``eval()`` the bundle's outputs: kind, orientation (8),
    inverted, child, white_lung.

    While training it takes ``(n, 2, side, side)``, pictures and their mirror images, and answers for both:
    ``(n, 2, size)``; in ``eval()`` canvases ``(n, 1, side, side)``.
    ``temperature`` divides the logits of each answer (Guo et al., ICML 2017); chosen on ``tune``.
    """

    temperature: Tensor

    def __init__(self, body: LiteEncoder) -> None:
        super().__init__()
        self.body = body
        self.shared = nn.Sequential(
            nn.Conv2d(LEVELS[-1], _SHARED, 1, bias=False), nn.BatchNorm2d(_SHARED), nn.Hardswish()
        )
        self.narrow = nn.Sequential(
            nn.Conv2d(LEVELS[-1], _NARROW, 1, bias=False), nn.BatchNorm2d(_NARROW), nn.Hardswish()
        )
        self.where = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.1), nn.Linear(_NARROW * _GRID**2, 128), nn.Hardswish()
        )
        self.drop = nn.Dropout(0.2)
        self.heads = nn.ModuleList(nn.Linear(_SHARED + 128, size) for size in _SIZES)
        self.register_buffer("temperature", torch.ones(len(ANSWERS)))
        for part in (body.stem, *list(body.levels)[:_KEPT]):
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """The body's batch normalisation keeps ImageNet's means: half the time, and batches are small."""
        super().train(mode)
        self.body.eval()
        return self

    def logits(self, image: Tensor) -> tuple[Tensor, ...]:
        deep = self.body(image)[-1]
        whole = self.drop(self.shared(deep).mean(dim=(2, 3)))
        found = torch.cat([whole, self.where(self.narrow(deep))], dim=1)
        return tuple(head(found) for head in self.heads)

    def both(self, looks: Tensor) -> tuple[Tensor, ...]:
        """Logits ``(n, 2, size)`` of pictures and their mirror images ``(n, 2, side, side)``."""
        return tuple(logit.reshape(-1, 2, logit.shape[1]) for logit in self.logits(looks.flatten(0, 1)[:, None]))

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        if self.training:
            return self.both(image)
        kind, turn, mirrored, inverted, child, white = (
            logit / self.temperature[n] for n, logit in enumerate(self.logits(image))
        )
        turns, flip = torch.softmax(turn, dim=1), torch.sigmoid(mirrored)
        orientation = torch.stack([turns * (1 - flip), turns * flip], dim=2).flatten(1)
        return torch.softmax(kind, dim=1), orientation, inverted.sigmoid(), child.sigmoid(), white.sigmoid()
