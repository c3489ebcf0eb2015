"""Loss and score of chest-anatomy: each channel only where a plate has that truth."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from models.training.task import Batch

_POINT_WEIGHT = 20.0
"""A point's heat covers 1 in 1,000 pixels: without this weight no heat at all is a good answer."""


def loss_of(outputs: Sequence[Tensor], batch: Batch) -> Tensor:
    """Cross-entropy plus Dice over the known channels; ``outputs`` are logits."""
    logits = torch.cat(tuple(outputs), dim=1)
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
    shown = torch.cat(tuple(outputs), dim=1) > 0.5
    truth = torch.cat((batch["structures"], batch["points"]), dim=1) > 0.5
    asked = (batch["known"][:, :, None, None] * batch["trusted"]) > 0.5
    shown, truth = shown & asked, truth & asked
    total = (shown.sum((2, 3)) + truth.sum((2, 3))).float()
    dice = 2 * (shown & truth).sum((2, 3)) / total
    return torch.where(truth.sum((2, 3)) > 0, dice, torch.nan)
