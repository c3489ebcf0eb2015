"""Shapes of lungs for the gate's prior: from masks, cut and uncut, and from what chest-anatomy is sure of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anatomy.both_ways import BothWays, both_ways
from models.anatomy.canvas import canvas_of
from models.anatomy.limits import ShapeNumbers
from models.anatomy.lung_shape import FEATURES, shape_of
from models.anatomy.structures import LUNGS, SIDE
from models.image.picture import Mask, Picture
from models.training.films import lungs_apart, read_mask
from models.training.task import Run
from models.training.tasks.radiograph_view_pool import Item, picture_of

Numbers = NDArray[np.float64]
_CROPS = 3
_BELIEVED = 0.8
"""Certainty of both lungs above which a shape that the network found is one to learn from."""


def maps_of(picture: Picture, anatomy: Run) -> BothWays:
    """What the anatomy network finds in a picture and in its mirror image."""
    return both_ways(anatomy, canvas_of(picture, SIDE))


def fitted(shapes: Numbers) -> ShapeNumbers:
    """Mean and precision, the covariance shrunk a little towards its diagonal so that it can be inverted."""
    spread = np.cov(shapes, rowvar=False)
    spread = 0.95 * spread + 0.05 * np.diag(np.diag(spread)) + 1e-6 * np.eye(len(FEATURES))
    precision = np.linalg.inv(spread)
    return ShapeNumbers(
        features=FEATURES,
        mean=tuple(round(float(value), 5) for value in shapes.mean(axis=0)),
        precision=tuple(tuple(round(float(value), 4) for value in row) for row in precision),
        masks=len(shapes),
    )


def mask_shapes(items: Sequence[Item]) -> Iterator[Numbers]:
    """Features of every mask, whole and cut at the borders: a lung cut off must be measured, not refused."""
    rng = np.random.default_rng(5)
    for item in items:
        if item.film.lungs is None:
            continue
        rows, columns = picture_of(item).shape
        parted = lungs_apart(read_mask(item.film.lungs, (columns, rows)))
        if parted is None:
            continue
        left, right = (np.asarray(lung > 0) for lung in parted)
        yield shape_of(left, right)
        for _ in range(_CROPS - 1):
            cut = _cropped(left, right, rng)
            if cut is not None:
                yield shape_of(*cut)


def found_shapes(items: Sequence[Item], anatomy: Run) -> Iterator[Numbers]:
    """Features of lungs that the anatomy network is sure of, on frontal films without a mask: adults, mostly."""
    for item in items:
        if item.family != "frontal" or item.film.lungs is not None or not item.film.view:
            continue
        found = maps_of(picture_of(item), anatomy).straight
        left, right = (found.organ(name) for name in LUNGS)
        if left is not None and right is not None and min(left.certainty, right.certainty) >= _BELIEVED:
            yield shape_of(left.mask, right.mask)


def lungs_seen_in(item: Item, anatomy: Run) -> Mask | None:
    """Both lungs on the pixels of :func:`picture_of`, as the anatomy network finds them; None if not both."""
    picture = picture_of(item)
    found = maps_of(picture, anatomy).mean
    organs = [found.organ(name) for name in LUNGS]
    canvas = found.canvas
    either = np.zeros((canvas.height, canvas.width), np.uint8)
    for organ in organs:
        if organ is None or organ.certainty < _BELIEVED:
            return None
        either |= organ.mask[: canvas.height, : canvas.width]
    size = picture.shape[1], picture.shape[0]
    return np.asarray(cv2.resize(either, size, interpolation=cv2.INTER_NEAREST) > 0)


def _cropped(left: Mask, right: Mask, rng: np.random.Generator) -> tuple[Mask, Mask] | None:
    """Up to 15 % of the lungs' box lost on one or two sides."""
    both = left | right
    rows, columns = np.flatnonzero(both.any(axis=1)), np.flatnonzero(both.any(axis=0))
    kept = np.ones(both.shape, bool)
    for side in rng.choice(4, 2, replace=False):
        share = float(rng.uniform(0, 0.15))
        if side < 2:
            length = round(share * len(rows))
            kept[: rows[0] + length] &= side != 0
            kept[rows[-1] + 1 - length :] &= side != 1
        else:
            length = round(share * len(columns))
            kept[:, : columns[0] + length] &= side != 2
            kept[:, columns[-1] + 1 - length :] &= side != 3
    cut = left & kept, right & kept
    return cut if all(lung.sum() > 50 for lung in cut) else None
