"""The network: a small feature pyramid, fine enough at its start to see a clasp."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

_WIDTHS = (16, 16, 32, 64, 96, 128)


def _block(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class ObjectNet(nn.Module):
    """``(n, 1, s, s)`` to logits ``(n, outputs, s / 4, s / 4)``; s divisible by 32. Some 0.6 M parameters.

    Fitted in bfloat16 on a CPU that has it, at half the time; exported and run in float32. In ``eval()`` the
    logits are calibrated (Platt 1999); those that the loss sees are not.
    """

    slope: Tensor
    shift: Tensor

    def __init__(self, outputs: int, half: bool) -> None:
        super().__init__()
        w = _WIDTHS
        self._half = half
        self.stem = nn.Sequential(_block(1, w[0], 2), _block(w[0], w[1]))
        self.down = nn.ModuleList(nn.Sequential(_block(a, b, 2), _block(b, b)) for a, b in pairwise(w[1:]))
        self.across = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in zip(w[3:], w[2:], strict=False))
        self.up = nn.ModuleList(_block(b, b) for b in w[2:-1])
        self.head = nn.Conv2d(w[2], outputs, 1)
        nn.init.constant_(cast(Tensor, self.head.bias), -4.0)  # objects cover little of a film
        self.register_buffer("slope", torch.ones(outputs))
        self.register_buffer("shift", torch.zeros(outputs))

    def forward(self, image: Tensor) -> Tensor:
        if not self.training:
            return self._maps(image) * self.slope[:, None, None] + self.shift[:, None, None]
        if not self._half:
            return self._maps(image)
        with torch.autocast(image.device.type, torch.bfloat16):
            return self._maps(image).float()

    def _maps(self, image: Tensor) -> Tensor:
        x = self.stem(image)
        levels: list[Tensor] = []
        for down in self.down:
            x = down(x)
            levels.append(x)
        for level in reversed(range(len(self.across))):
            x = levels[level] + interpolate(self.across[level](x), scale_factor=2.0, mode="nearest")
            x = self.up[level](x)
        return cast(Tensor, self.head(x))


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; without that it is many times slower (design/ml.md, 3)."""
    return "avx512_bf16" in _flags() or "amx_bf16" in _flags()


def _flags() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
        return next((line for line in text.splitlines() if line.startswith("flags")), "")
    except OSError:
        return ""
