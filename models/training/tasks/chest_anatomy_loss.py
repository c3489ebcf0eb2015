"""Loss and score of chest-anatomy: each channel only where a plate has that truth."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from models.training.task import Batch

_POINT_WEIGHT = 20.0
"""A point's heat covers 1 in 1,000 pixels: without this weight no heat at all is a good answer."""
_CUT_SHARE = 0.15
"""Of the loss: with more of it the structures hardly learn at first."""
_CUT_WEIGHT, _CUT_PX = 5.0, 200.0
"""How much more a pixel beside a cut counts than one that is not, and pixels that weigh as much as their side."""


def loss_of(outputs: Sequence[Tensor], batch: Batch) -> Tensor:
    """Cross-entropy plus Dice over the known channels, and of the sides that are cut; ``outputs`` are logits."""
    structures, points, cut, cut_at = outputs
    return _maps_loss(torch.cat((structures, points), dim=1), batch) + _CUT_SHARE * _cut_loss(cut, cut_at, batch)


def _cut_loss(cut: Tensor, cut_at: Tensor, batch: Batch) -> Tensor:
    """By side, and where on it: the place teaches what to look at."""
    truth = batch["cut"]
    asked = (truth >= 0).float()
    sides = binary_cross_entropy_with_logits(cut, truth.clamp(min=0), asked, reduction="sum")
    where, weight = batch["cut_at"], asked[:, :, None, None] * (1 + _CUT_WEIGHT * batch["cut_at"])
    places = binary_cross_entropy_with_logits(cut_at, where, weight, reduction="sum") / _CUT_PX
    return (sides + places) / asked.sum().clamp(min=1) / 2


def _maps_loss(logits: Tensor, batch: Batch) -> Tensor:
    truth = torch.cat((batch["structures"], batch["points"]), dim=1)
    weight = batch["known"][:, :, None, None] * batch["trusted"]
    first_point = batch["structures"].shape[1]
    emphasis = torch.ones_like(truth)
    emphasis[:, first_point:] += _POINT_WEIGHT * truth[:, first_point:]
    entropy = binary_cross_entropy_with_logits(logits, truth, weight * emphasis, reduction="sum")
    entropy = entropy / weight.sum().clamp(min=1)
    shown = torch.sigmoid(logits) * weight
    both = (shown * truth).sum((0, 2, 3))
    all_of_it = shown.sum((0, 2, 3)) + (truth * weight).sum((0, 2, 3))
    there = (truth * weight).sum((0, 2, 3)) > 1
    dice = (2 * both + 1) / (all_of_it + 1)
    return 2 * entropy + (1 - dice)[there].mean() if bool(there.any()) else 2 * entropy


def dice_of(outputs: Sequence[Tensor], batch: Batch) -> Tensor:
    """Dice per film and channel (films, channels) of probabilities over 0.5; NaN where nothing is to be found."""
    shown = torch.cat((outputs[0], outputs[1]), dim=1) > 0.5
    truth = torch.cat((batch["structures"], batch["points"]), dim=1) > 0.5
    asked = (batch["known"][:, :, None, None] * batch["trusted"]) > 0.5
    shown, truth = shown & asked, truth & asked
    total = (shown.sum((2, 3)) + truth.sum((2, 3))).float()
    dice = 2 * (shown & truth).sum((2, 3)) / total
    return torch.where(truth.sum((2, 3)) > 0, dice, torch.nan)


def right_of(outputs: Sequence[Tensor], batch: Batch) -> Tensor:
    """By side (films, sides): 1 where a cut or its absence is told, 0 where not, NaN where it is not known."""
    right = (outputs[2] > 0.5) == (batch["cut"] > 0.5)
    return torch.where(batch["cut"] >= 0, right.float(), torch.nan)
