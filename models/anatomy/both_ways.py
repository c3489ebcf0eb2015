"""Both ways: the network ``chest-anatomy`` asked of a film and of its mirror image, and what the two agree on.

The mean of both answers is nearer to the truth than either: lung Dice on ``tune`` films 0.942 against 0.939,
the worst tenth 0.914 against 0.905. The mirror image costs nothing, for the gate needs it anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.anatomy.canvas import Canvas
from models.anatomy.structures import CUTS, ORGANS, POINTS, Structures, structures_of
from models.image.picture import Picture

_CHANNELS = {"structures": ORGANS, "points": POINTS}
_CUT_MIRRORED = [CUTS.index("right"), CUTS.index("left"), CUTS.index("top"), CUTS.index("bottom")]
Array = NDArray[np.float32]
Run = Callable[[Array], Mapping[str, Array]]
"""The network: float32 (n, 1, side, side) in, ``structures``, ``points`` and, if it was asked, ``cut`` out."""


@dataclass(frozen=True, slots=True, eq=False)
class BothWays:
    """All three on the film's own canvas, sides as the film shows them."""

    mean: Structures
    """What is measured on."""
    straight: Structures
    mirrored: Structures


def both_ways(run: Run, canvas: Canvas) -> BothWays:
    """Run the network on both; each map of the mirror image is turned back and given to its other side."""
    both = run(np.stack([canvas.image, mirror_image(canvas.image, canvas.width)])[:, None])
    straight = {name: both[name][:1] for name in _CHANNELS}
    back = {name: turned_back(both[name][1:], names, canvas.width) for name, names in _CHANNELS.items()}
    if "cut" in both:
        straight["cut"], back["cut"] = both["cut"][:1], both["cut"][1:, _CUT_MIRRORED]
    mean = {name: np.asarray((straight[name] + values) / 2, np.float32) for name, values in back.items()}
    return BothWays(structures_of(canvas, mean), structures_of(canvas, straight), structures_of(canvas, back))


def mirror_image(image: Picture, width: int) -> Picture:
    """The canvas of the mirrored film: the ``width`` columns that the film covers turned round."""
    mirrored = image.copy()
    mirrored[..., :width] = image[..., :width][..., ::-1]
    return mirrored


def turned_back(values: Array, names: Sequence[str], width: int) -> Array:
    """Maps (n, channels, side, side) of the mirror image as maps of the film, or the other way round."""
    return mirror_image(values[:, [names.index(_other_side(name)) for name in names]], width)


def _other_side(name: str) -> str:
    stem, at, side = name.rpartition("_image_")
    return f"{stem}{at}{'right' if side == 'left' else 'left'}" if at else name
