"""Operating points of radiograph-view and of the gate, chosen on ``tune`` from films that are good.

No photograph, white lung or animal has a say: what is to be refused is unknown in advance; only what good films
look like is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from models.anatomy.canvas import canvas_of
from models.anatomy.gate import lungs_seen, mirror_image
from models.anatomy.limits import Band, GateNumbers, Limits, ShapeNumbers, ViewLimits
from models.anatomy.lung_shape import FEATURES, ShapePrior, shape_of
from models.anatomy.structures import LUNGS, SIDE, Structures, structures_of
from models.image.picture import Mask, Picture
from models.training.films import lungs_apart, read_mask
from models.training.task import Run
from models.training.tasks.radiograph_view_pool import Item, picture_of
from models.training.tasks.radiograph_view_trials import Trial

_LOST = 0.002
"""Share of good films that each test of the gate may refuse: eight tests, 2 % in all at most (issue 3)."""
_FALSE = 0.005
_SURE = 0.95
"""A mismatch is never said below this: the rules' own limit (PA18)."""
_CROPS = 3
_BELIEVED = 0.8
"""Certainty of both lungs above which a shape that the network found is one to learn from."""
Numbers = NDArray[np.float64]


def limits_of(found: Sequence[Trial], taught: Sequence[Item], anatomy: Run | None) -> Limits:
    """Args:
    found: trials of ``tune``.
    taught: items of ``train``: their lungs fit the prior of shapes.
    anatomy: the network chest-anatomy, if there is one; without it the gate's limits on maps are guesses.
    """
    good = [t for t in found if t.how == "as it is" and t.item.family == "frontal" and t.item.film.view]
    return Limits(view=view_limits(found, good), gate=gate_numbers(good, taught, anatomy))


def view_limits(found: Sequence[Trial], good: Sequence[Trial]) -> ViewLimits:
    """When what the network says becomes a fact."""
    turned = [t for t in found if t.how == "oriented"]
    inverted = [t for t in found if t.how == "inverted"]
    others = [t for t in found if t.how == "as it is" and t.item.family != "frontal"]
    stated = [t.item.kinds[0] for t in good]
    frontal = [t.view.kind[kind] / t.view.frontal for t, kind in zip(good, stated, strict=True)]
    aged = [t for t in good if t.item.child is not None]
    return ViewLimits(
        chest=_floor(
            [1 - t.view.kind["other_body_part"] - t.view.kind["not_a_radiograph"] for t in good], 0.5, 0.98
        ),
        projection=_projection(good),
        child=band([t.view.child for t in aged], [bool(t.item.child) for t in aged]),
        inverted=band([t.view.inverted for t in [*good, *inverted]], [False] * len(good) + [True] * len(inverted)),
        orientation=band([1 - t.view.turn[0] for t in [*good, *turned]], [t.turn != 0 for t in [*good, *turned]]),
        mirrored=band([t.view.mirrored for t in turned], [t.mirrored for t in turned]),
        frontal_view=band([1 - p for p in frontal] + frontal, [False] * len(good) + [True] * len(good)),
        other_view=band(
            [1 - t.view.frontal for t in [*good, *others]], [False] * len(good) + [True] * len(others)
        ),
    )


def band(probability: Sequence[float], truth: Sequence[bool]) -> Band:
    """What may be said.

    ``differs``: above every film of ``tune`` that is right (lossless), 0.95 at least; ``agrees``: the highest at
    or below which at most 0.5 % are wrong, right and wrong ones counted as equally many, 0.5 at most.
    """
    p, true = np.asarray(probability, float), np.asarray(truth, bool)
    right, wrong = np.sort(p[~true]), np.sort(p[true])
    highest = float(right[-1]) if len(right) else 1.0
    differs = min(1.0, max(_SURE, highest + 0.25 * (1 - highest)))
    agrees = 0.0
    for level in np.linspace(0.02, 0.5, 25):
        passed, missed = np.mean(right <= level), np.mean(wrong <= level) if len(wrong) else 0.0
        if missed > _FALSE * (passed + missed):
            break
        agrees = float(level)
    return Band(agrees=round(agrees, 4), differs=round(differs, 6))


def _projection(good: Sequence[Trial]) -> float:
    """Least probability at which those said on ``tune`` are right in 99.5 of 100."""
    sure = np.asarray([max(t.view.kind.values()) for t in good])
    right = np.asarray([t.view.likeliest in t.item.kinds for t in good])
    for level in np.linspace(0.5, 0.999, 500):
        if right[sure >= level].size and right[sure >= level].mean() >= 1 - _FALSE:
            return round(float(level), 4)
    return 1.0


def gate_numbers(good: Sequence[Trial], taught: Sequence[Item], anatomy: Run | None) -> GateNumbers:
    """The gate's limits and its prior of shapes."""
    shapes = np.asarray([*_shapes(taught), *(_found_shapes(taught, anatomy) if anatomy else ())])
    shape = fitted(shapes)
    prior = ShapePrior(np.asarray(shape.mean), np.asarray(shape.precision))
    views = {
        "frontal": _floor([t.view.frontal for t in good], 0.5, 0.97),
        "upright": _floor([t.view.turn[0] for t in good], 0.5, 0.97),
        "inverted": 1 - _floor([1 - t.view.inverted for t in good], 0.1, 0.9),
        "white_lung": 1 - _floor([1 - t.view.white_lung for t in good], 0.05, 0.8),
    }
    if anatomy is None:
        distances = [prior.distance(row) for row in shapes]
        guess = {
            "agreement": 0.8,
            "certainty": 0.5,
            "contrast": 0.45,
            "distance": float(np.quantile(distances, 0.999)),
        }
        return GateNumbers(**views, **guess, shape=shape)
    seen = [lungs_seen(*maps_of(t.picture, anatomy), prior) for t in good]
    kept = [one for one in seen if one is not None]
    return GateNumbers(
        **views,
        agreement=_floor([one.agreement for one in kept], 0.5, 0.95),
        certainty=_floor([one.certainty for one in kept], 0.2, 0.8),
        contrast=1 - _floor([1 - one.contrast for one in kept], 0.3, 0.8),
        distance=round(float(np.quantile([one.distance for one in kept], 1 - _LOST)), 3),
        shape=shape,
    )


def maps_of(picture: Picture, anatomy: Run) -> tuple[Structures, Structures]:
    """What the anatomy network finds in a picture and in its mirror image."""
    canvas = canvas_of(picture, SIDE)
    batch = np.stack([canvas.image, mirror_image(canvas.image, canvas.width)])[:, None]
    found = anatomy(batch)
    one, other = ({name: array[row : row + 1] for name, array in found.items()} for row in range(2))
    return structures_of(canvas, one), structures_of(canvas, other)


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


def _shapes(items: Sequence[Item]) -> Iterator[Numbers]:
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


def _found_shapes(items: Sequence[Item], anatomy: Run) -> Iterator[Numbers]:
    """Features of lungs that the anatomy network is sure of, on frontal films without a mask: adults, mostly."""
    for item in items:
        if item.family != "frontal" or item.film.lungs is not None or not item.film.view:
            continue
        found, _ = maps_of(picture_of(item), anatomy)
        left, right = (found.organ(name) for name in LUNGS)
        if left is not None and right is not None and min(left.certainty, right.certainty) >= _BELIEVED:
            yield shape_of(left.mask, right.mask)


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


def _floor(values: Sequence[float], least: float, most: float) -> float:
    """The value that all but ``_LOST`` of the good films reach, within bounds."""
    return round(float(np.clip(np.quantile(values, _LOST), least, most)), 4)
