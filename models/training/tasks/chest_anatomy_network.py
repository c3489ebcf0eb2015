"""The network of chest-anatomy: maps of structures and points, and on which sides a lung is cut off."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from models.anatomy.structures import CUTS, ORGANS, POINTS
from models.training.nets.lite import LiteEncoder, pretrained
from models.training.nets.lite_unet import WIDTHS, LiteUNet

_FROZEN = 2
"""Levels, from the picture on, whose weights stay ImageNet's: edges and textures are what they are everywhere, and
a third of the time is theirs. Their statistics follow the films."""
_PATCH = 3
"""A cut is seen on so many neighbouring pixels of half the canvas at least."""


class AnatomyNetwork(nn.Module):
    """Logits: structures, points, cut; while training ``cut_at``, too, where the cut is seen."""

    def __init__(self, *, start: bool) -> None:
        """``start``: from ImageNet's weights, else from random ones (to load others)."""
        super().__init__()
        self.unet = LiteUNet(pretrained() if start else LiteEncoder(), len(ORGANS) + len(POINTS))
        self.cut = nn.Conv2d(WIDTHS[0], len(CUTS), 1)
        if self.cut.bias is not None:
            nn.init.constant_(self.cut.bias, -4.0)  # hardly any pixel is beside a cut
        for part in (self.unet.encoder.stem, *list(self.unet.encoder.levels)[:_FROZEN]):
            part.requires_grad_(False)

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        with torch.autocast(picture.device.type, torch.bfloat16, enabled=self.training):
            climbed = self.unet.climbed(picture)
            found, cut_at = self.unet.last(climbed).float(), self.cut(climbed).float()
        cut = avg_pool2d(cut_at, _PATCH, 1).amax((2, 3))
        outputs = found[:, : len(ORGANS)], found[:, len(ORGANS) :], cut
        return (*outputs, cut_at) if self.training else outputs
