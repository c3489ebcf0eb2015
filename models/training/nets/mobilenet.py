"""MobileNetV3-small for one-channel pictures (Howard et al. 2019, table 2), in our own code.

torchvision cannot be imported beside a CPU build of torch (design/ml.md, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

# kernel, expanded channels, channels out, squeeze-and-excitation, hard-swish (else ReLU), stride
ROWS = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
LAST = 576


def _round(channels: float) -> int:
    """To a multiple of eight, never down by more than 10 %: what vector units like."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded if rounded >= 0.9 * channels else rounded + 8


def _conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    return [
        nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=1e-3, momentum=0.01),
    ]


class _Excite(nn.Module):
    """Squeeze-and-excitation: weighs channels by what the whole picture holds."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = _round(channels / 4)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, picture: Tensor) -> Tensor:
        weighed: Tensor = picture * self.weigh(picture)
        return weighed


class _Block(nn.Module):
    """Inverted residual: widen, look around channel by channel, weigh, narrow."""

    def __init__(
        self, before: int, kernel: int, wide: int, after: int, excite: bool, swish: bool, stride: int
    ) -> None:
        super().__init__()
        act = nn.Hardswish if swish else nn.ReLU
        layers = [*_conv(before, wide, 1), act()] if wide != before else []
        layers += [*_conv(wide, wide, kernel, stride, groups=wide), act()]
        if excite:
            layers.append(_Excite(wide))
        self.layers = nn.Sequential(*layers, *_conv(wide, after, 1))
        self.adds = stride == 1 and before == after

    def forward(self, picture: Tensor) -> Tensor:
        found: Tensor = self.layers(picture)
        return picture + found if self.adds else found


class MobileNetV3Small(nn.Module):
    """Logits for one or more questions about the whole picture.

    ``forward``: ``(n, channels_in, h, w)`` to a tuple of ``(n, size)``, one per entry of ``heads``.
    ``stages``: feature maps at strides 2, 4, 8, 16, 32 (16, 16, 24, 48, 576 channels), for heads of one's own.
    """

    def __init__(
        self, heads: Sequence[int], channels_in: int = 1, hidden: int = 256, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv(channels_in, 16, 3, 2), nn.Hardswish())
        blocks: list[list[nn.Module]] = [[]]
        before = 16
        for kernel, wide, after, excite, swish, stride in ROWS:
            if stride == 2 and blocks[-1]:
                blocks.append([])
            blocks[-1].append(_Block(before, kernel, wide, after, excite, swish, stride))
            before = after
        blocks[-1] += [*_conv(before, LAST, 1), nn.Hardswish()]
        self.blocks = nn.ModuleList(nn.Sequential(*block) for block in blocks)
        self.shared = nn.Sequential(nn.Linear(LAST, hidden), nn.Hardswish(), nn.Dropout(dropout))
        self.heads = nn.ModuleList(nn.Linear(hidden, size) for size in heads)
        self.apply(_initialise)

    def stages(self, picture: Tensor) -> list[Tensor]:
        found = [self.stem(picture)]
        for block in self.blocks:
            found.append(block(found[-1]))
        return found

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        pooled = torch.mean(self.stages(picture)[-1], dim=(2, 3))
        shared = self.shared(pooled)
        return tuple(head(shared) for head in self.heads)


def _initialise(layer: nn.Module) -> None:
    """As the paper's own code does: He for convolutions, small normal weights for the heads."""
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    elif isinstance(layer, nn.Linear):
        nn.init.normal_(layer.weight, 0, 0.01)
        nn.init.zeros_(layer.bias)
