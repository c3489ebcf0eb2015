"""Gate: whether a film is one of those whose measures mean something.

A dog, a photograph of a monitor, a lateral, a white lung or a missing one must give "not assessed: reason", never
a number.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.anatomy.both_ways import BothWays
from models.anatomy.lung_shape import ShapePrior, shape_of
from models.anatomy.structures import LUNGS, Structures
from models.anatomy.view import View
from models.image.picture import Mask
from models.measurement import Reason
from models.reporting import Missing


@dataclass(frozen=True, slots=True, eq=False)
class GateLimits:
    """Chosen on ``tune`` so that good films pass (``configs/limits.json`` of radiograph-view)."""

    frontal: float
    """Least probability of a frontal chest."""
    upright: float
    """Least probability that it is upright: the anatomy network has seen no other."""
    inverted: float
    """Most probability of swapped black and white."""
    white_lung: float
    """Most probability of a white or missing lung."""
    agreement: float
    """Least Dice of the lungs with those found in the mirror image."""
    certainty: float
    """Least certainty of either lung."""
    contrast: float
    """Most difference of the lungs' grey (of a range of 1): one white, one black."""
    distance: float
    """Most Mahalanobis distance of the lungs' shape."""
    shape: ShapePrior


def strange(view: View, limits: GateLimits, polarity_known: bool = False) -> Missing | None:
    """Why the picture as a whole is not a frontal chest film that can be measured, or None.

    Args:
        polarity_known: the pixels themselves have shown which end is bright, and the canvas heeds it.
    """
    if view.frontal < limits.frontal:
        return Missing(Reason.UNLIKE_TRAINING, f"not seen as a frontal chest film: {view.likeliest}")
    if view.turn[0] < limits.upright:
        return Missing(Reason.NOT_RELIABLE, "the film seems turned")
    if view.inverted > limits.inverted and not polarity_known:
        return Missing(Reason.NOT_RELIABLE, "black and white seem swapped")
    if view.white_lung > limits.white_lung:
        return Missing(Reason.NOT_RELIABLE, "a lung is white or missing")
    return None


@dataclass(frozen=True, slots=True)
class LungsSeen:
    """What the gate looks at in the anatomy network's lungs."""

    certainty: float
    """Of the less certain lung."""
    agreement: float
    """Dice with the lungs found in the mirror image, the lesser of the two."""
    contrast: float
    """Difference of the lungs' grey."""
    distance: float
    """From lungs' usual shapes."""


def lungs_seen(found: BothWays, prior: ShapePrior) -> LungsSeen | None:
    """None when there are not two lungs.

    Args:
        found: what the network sees in the film and in its mirror image.
        prior: lungs' usual shapes.
    """
    left, right = (found.straight.organ(name) for name in LUNGS)
    if left is None or right is None:
        return None
    again = [found.mirrored.organ(name) for name in LUNGS]
    dice = [
        0.0 if other is None else _dice(organ.mask, other.mask)
        for organ, other in zip((left, right), again, strict=True)
    ]
    return LungsSeen(
        certainty=min(left.certainty, right.certainty),
        agreement=min(dice),
        contrast=abs(_grey(found.straight, left.mask) - _grey(found.straight, right.mask)),
        distance=prior.distance(shape_of(left.mask, right.mask)),
    )


def implausible(seen: LungsSeen | None, limits: GateLimits) -> Missing | None:
    """Why what was found cannot be lungs to measure on, or None."""
    if seen is None:
        return Missing(Reason.NOT_RELIABLE, "lungs not found")
    if seen.certainty < limits.certainty:
        return Missing(Reason.NOT_RELIABLE, "the borders of the lungs are uncertain")
    if seen.agreement < limits.agreement:
        return Missing(Reason.NOT_RELIABLE, "the mirror image gives other lungs")
    if seen.contrast > limits.contrast:
        return Missing(Reason.NOT_RELIABLE, "one lung is far denser than the other")
    if seen.distance > limits.distance:
        return Missing(Reason.NOT_RELIABLE, "the lungs have no shape of lungs")
    return None


def _dice(one: Mask, other: Mask) -> float:
    return 2 * float((one & other).sum()) / max(1.0, float(one.sum() + other.sum()))


def _grey(found: Structures, lung: Mask) -> float:
    """Median grey of the canvas inside the lung, its rim left out."""
    core = cv2.erode(lung.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool)
    inside = found.canvas.image[core if core.any() else lung]
    return float(np.median(inside))
