"""The gate: good lungs pass, everything else gets its reason."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.anatomy.both_ways import BothWays, mirror_image
from models.anatomy.canvas import canvas_of
from models.anatomy.gate import GateLimits, LungsSeen, implausible, lungs_seen, strange
from models.anatomy.lung_shape import FEATURES, ShapePrior, shape_of
from models.anatomy.structures import LUNGS, ORGANS, POINTS, SIDE, Structures, structures_of
from models.measurement import Reason
from tests.unit.models.anatomy.watcher import kinds, limits, view

Map = NDArray[np.float32]
LIMITS = limits().gate.limits()


def film(white: bool = False) -> Map:
    """Two dark ovals on a bright trunk; one filled."""
    y, x = np.mgrid[0:300, 0:280]
    shown = np.full((300, 280), 0.8, np.float32)
    shown[((x - 80) / 45) ** 2 + ((y - 150) / 100) ** 2 < 1] = 0.2
    if not white:
        shown[((x - 205) / 40) ** 2 + ((y - 145) / 95) ** 2 < 1] = 0.25
    return shown + np.random.default_rng(1).normal(0, 0.01, shown.shape).astype(np.float32)


def maps(left: tuple[float, float, float, float], right: tuple[float, float, float, float]) -> dict[str, Map]:
    """The network's outputs with two ovals (x, y, half axes; parts of the canvas)."""
    y, x = (np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) + 0.5) / SIDE
    found = np.zeros((1, len(ORGANS), SIDE, SIDE), np.float32)
    for name, (cx, cy, a, b) in zip(LUNGS, (left, right), strict=True):
        radius = np.hypot((x - cx) / a, (y - cy) / b)
        found[0, ORGANS.index(name)] = 1 / (1 + np.exp(np.clip((radius - 1) * 60, -30, 30)))
    return {"structures": found, "points": np.zeros((1, len(POINTS), SIDE, SIDE), np.float32)}


LEFT, RIGHT = (0.27, 0.5, 0.15, 0.33), (0.68, 0.48, 0.135, 0.32)


def seen(white: bool = False, moved: float = 0.0) -> LungsSeen | None:
    canvas = canvas_of(film(white), SIDE)
    other = (LEFT, RIGHT)
    if moved:
        other = ((LEFT[0] + moved, *LEFT[1:]), RIGHT)
    prior = ShapePrior(shape_of(*_masks(structures_of(canvas, maps(LEFT, RIGHT)))), np.eye(len(FEATURES)))
    straight = structures_of(canvas, maps(LEFT, RIGHT))
    return lungs_seen(BothWays(straight, straight, structures_of(canvas, maps(*other))), prior)


def _masks(found: Structures) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    left, right = (found.organ(name) for name in LUNGS)
    assert left is not None and right is not None
    return left.mask, right.mask


def test_good_lungs_pass() -> None:
    found = seen()
    assert found is not None
    assert found.agreement > 0.95 and found.contrast < 0.2 and found.distance < 0.1
    assert implausible(found, LIMITS) is None


def test_a_white_lung_is_far_denser_than_the_other() -> None:
    refused = implausible(seen(white=True), LIMITS)
    assert refused is not None and refused.reason is Reason.NOT_RELIABLE and "denser" in refused.detail


def test_lungs_that_the_mirror_moves_are_not_believed() -> None:
    refused = implausible(seen(moved=0.2), LIMITS)
    assert refused is not None and "mirror" in refused.detail


def test_one_lung_is_none() -> None:
    canvas = canvas_of(film(), SIDE)
    alone = structures_of(canvas, maps(LEFT, (0.0, 0.0, 0.001, 0.001)))
    found = lungs_seen(BothWays(alone, alone, alone), LIMITS.shape)
    assert found is None
    refused = implausible(found, LIMITS)
    assert refused is not None and "not found" in refused.detail


@pytest.mark.parametrize(
    ("change", "word"),
    [({"certainty": 0.1}, "uncertain"), ({"distance": 50.0}, "shape"), ({"agreement": 0.2}, "mirror")],
)
def test_each_test_refuses_alone(change: dict[str, float], word: str) -> None:
    found = seen()
    assert found is not None
    refused = implausible(replace(found, **change), LIMITS)
    assert refused is not None and word in refused.detail


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        ({"kind": kinds(not_a_radiograph=1.0)}, Reason.UNLIKE_TRAINING),
        ({"kind": kinds(chest_lateral=0.9, chest_pa=0.1)}, Reason.UNLIKE_TRAINING),
        ({"kind": kinds(other_body_part=0.6, chest_ap=0.4)}, Reason.UNLIKE_TRAINING),
        ({"turn": (0.1, 0.9, 0.0, 0.0)}, Reason.NOT_RELIABLE),
        ({"inverted": 0.9}, Reason.NOT_RELIABLE),
        ({"white_lung": 0.9}, Reason.NOT_RELIABLE),
    ],
)
def test_a_strange_picture_is_refused(odd: dict[str, object], reason: Reason) -> None:
    refused = strange(view(**odd), LIMITS)
    assert refused is not None and refused.reason is reason


def test_a_good_picture_is_not_strange_and_a_known_polarity_is_heeded() -> None:
    assert strange(view(), LIMITS) is None
    assert strange(view(mirrored=0.99), LIMITS) is None, "a mirrored film has margins, too"
    assert strange(view(inverted=0.9), LIMITS, polarity_known=True) is None


def test_the_mirror_image_keeps_the_padding() -> None:
    canvas = canvas_of(film(), SIDE)
    again = mirror_image(mirror_image(canvas.image, canvas.width), canvas.width)
    assert np.array_equal(again, canvas.image)
    assert not mirror_image(canvas.image, canvas.width)[:, canvas.width :].any()


def test_shape_does_not_depend_on_size_and_swaps_with_the_sides() -> None:
    masks = _masks(structures_of(canvas_of(film(), SIDE), maps(LEFT, RIGHT)))
    small = [mask[::2, ::2] for mask in masks]
    assert shape_of(*small) == pytest.approx(shape_of(*masks), abs=0.05)
    flipped = shape_of(masks[1][:, ::-1], masks[0][:, ::-1])
    for name, here, there in zip(FEATURES, shape_of(*masks), flipped, strict=True):
        if name.endswith(("_log", "_difference")) and name != "aspect_log":
            assert here == pytest.approx(-there, abs=1e-9), name


def test_limits_of_another_set_of_features_are_refused() -> None:
    numbers = limits().gate
    other = numbers.shape.model_copy(update={"features": ("size",)})
    with pytest.raises(ValueError, match="features"):
        numbers.model_copy(update={"shape": other}).limits()
    assert isinstance(numbers.limits(), GateLimits)
