"""U-Net of MONAI without residual units: 10 ms at 256 x 256 on one core, default widths (design/ml.md, 2)."""

from __future__ import annotations

from collections.abc import Sequence

from monai.networks.nets import UNet  # type: ignore[attr-defined]  # MONAI's stubs do not re-export it
from torch import nn

WIDTHS = (16, 32, 64, 128, 256)


def unet(channels_in: int, out: int, widths: Sequence[int] = WIDTHS) -> nn.Module:
    """A U-Net: ``(n, channels_in, h, w)`` to logits ``(n, out, h, w)``.

    h and w must be divisible by ``2 ** (len(widths) - 1)``.

    Batch normalisation: it is folded into the convolutions on export and costs nothing in the box.
    """
    return UNet(
        spatial_dims=2,
        in_channels=channels_in,
        out_channels=out,
        channels=tuple(widths),
        strides=(2,) * (len(widths) - 1),
        num_res_units=0,
        norm="batch",
    )
