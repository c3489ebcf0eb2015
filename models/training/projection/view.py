"""One simulated radiograph: a body, how it stands before the detector, and all that is known of the film."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.projection.body import TRUNK, Body
from models.training.projection.film import Look, develop
from models.training.projection.projector import Maps, project
from models.training.projection.space import Camera, Matrix, Points, frontal, lateral, moved, turned

Kind = Literal["PA", "AP", "L"]
MASKS = (
    "lung_image_left",
    "lung_image_right",
    "heart",
    "clavicle_image_left",
    "clavicle_image_right",
    "scapula_image_left",
    "scapula_image_right",
    "spine",
    "field",
)
"""Channels of :attr:`View.masks`; all but ``field`` as in the chest-anatomy network."""
POINTS = ("clavicle_end_image_left", "clavicle_end_image_right", "apex_image_left", "apex_image_right", "spinous")
_LONG = 320
_DEEP_ENOUGH = {"lung": 4.0, "heart": 6.0, "clavicle": 1.5, "scapula": 1.0, "spine": 4.0}
"""mm of a structure on the ray from which a pixel belongs to it."""
_UNDER_DOME = 10.0
"""mm of abdomen on the ray beyond which lung no longer counts: V7's masks end at the diaphragm."""


@dataclass(frozen=True, slots=True)
class Stand:
    """How the body stands and the tube shoots."""

    kind: Kind
    yaw: float
    """Degrees, positive when the right shoulder goes forward: the front moves to the picture's right."""
    pitch: float
    """Degrees, positive when the head goes backward (lordotic)."""
    roll: float
    """Degrees, positive when the head tilts to the picture's right."""
    distance: float
    """Source to image, mm."""
    gap: float
    """From the body's middle to the detector, mm."""
    offset: tuple[float, float]
    """Focal spot from the middle of the field, along the picture's columns and rows, mm."""
    margins: tuple[float, float, float, float]
    """Field beyond the lungs at left, top, right, bottom, mm at the detector; negative cuts lung off."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A film and its truth. Points are fractions of its width and height (n, 2) and may lie outside 0..1."""

    image: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    points: Mapping[str, Points]
    pixel: float
    """mm per pixel at the detector."""


def random_stand(kind: Kind, random: np.random.Generator) -> Stand:
    """A posture drawn at random; half of the films nearly straight, half anything up to 15 degrees."""
    bedside = kind == "AP"
    yaw = random.normal(0, 3) if random.uniform() < 0.5 else random.uniform(-15, 15)
    margins = random.normal([38, 42, 38, 35], [18, 22, 18, 25])
    cut = random.uniform(size=4) < 0.05
    margins = np.where(cut, random.uniform(-30, 0, 4), np.clip(margins, 2, 90))
    return Stand(
        kind=kind,
        yaw=float(np.clip(yaw, -15, 15)),
        pitch=random.normal(-2 if bedside else 0, 5 if bedside else 3),
        roll=random.normal(0, 3.5 if bedside else 2),
        distance=random.uniform(1000, 1500) if bedside else random.uniform(1500, 2000),
        gap=random.uniform(130, 190),
        offset=(random.normal(0, 15), random.normal(0, 30)),
        margins=(float(margins[0]), float(margins[1]), float(margins[2]), float(margins[3])),
    )


def posed(stand: Stand) -> Matrix:
    """From the body's world to the room."""
    if stand.kind == "L":
        return np.asarray(turned(2, stand.yaw) @ turned(0, stand.roll) @ turned(1, stand.pitch), np.float64)
    return np.asarray(turned(1, -stand.roll) @ turned(0, stand.pitch) @ turned(2, stand.yaw), np.float64)


def aimed(body: Body, stand: Stand) -> Camera:
    """The camera whose film is the lungs plus the margins, 320 pixels along its long side."""
    lungs = moved(posed(stand), np.concatenate([body.points["lung_right"], body.points["lung_left"]]))
    open_field = camera_of(stand, (100, 100), 1.0, (0.0, 0.0))
    seen = open_field.seen(lungs) - 50
    left, top, right, bottom = stand.margins
    low = np.percentile(seen, 0.1, axis=0) - np.array([left, top])
    high = np.percentile(seen, 99.9, axis=0) + np.array([right, bottom])
    pixel = float((high - low).max()) / _LONG
    size = (round(float(high[0] - low[0]) / pixel), round(float(high[1] - low[1]) / pixel))
    middle = (low + high) / 2
    return camera_of(stand, size, pixel, (float(-middle[0]), float(-middle[1])))


def camera_of(stand: Stand, size: tuple[int, int], pixel: float, middle: tuple[float, float]) -> Camera:
    """The camera of a stand whose film has that size, its middle at (across, up) in the room, mm."""
    source = (middle[0] - stand.offset[0], middle[1] - stand.offset[1])
    if stand.kind == "L":
        return lateral(size, pixel, stand.distance, stand.gap, centre=middle, source=source)
    front_first = stand.kind == "AP"
    return frontal(
        size, pixel, stand.distance, stand.gap, antero_posterior=front_first, centre=middle, source=source
    )


def shoot(body: Body, stand: Stand, look: Look, field: NDArray[np.bool_], random: np.random.Generator) -> View:
    """The film of that body; ``field`` must have the size of the camera that :func:`aimed` gives."""
    camera, pose = aimed(body, stand), posed(stand)
    across = stand.kind == "L"
    trunk = project((body.trunk.across() if across else body.trunk).moved(pose), camera)
    bones = {
        name: project((bone.across() if across else bone).moved(pose), camera)
        for name, bone in body.girdle.items()
    }
    excess = trunk[..., 1] + sum(found[..., 0] for found in bones.values())
    image = develop(trunk[..., 0], excess, field, look, random)
    size = np.array([camera.width, camera.height], np.float64)
    points = {
        _in_picture(name): camera.seen(moved(pose, found)) / size
        for name, found in body.points.items()
        if _in_picture(name) in POINTS
    }
    return View(image, _masks(trunk, bones, field), points, float(np.linalg.norm(camera.right)))


def _in_picture(name: str) -> str:
    return (
        name.replace("_right", "_image_left") if name.endswith("_right") else name.replace("_left", "_image_right")
    )


def _masks(trunk: Maps, bones: Mapping[str, Maps], field: NDArray[np.bool_]) -> NDArray[np.bool_]:
    depth = {name: trunk[..., TRUNK.index(name)] for name in TRUNK[2:]}
    above = depth["abdomen"] < _UNDER_DOME
    masks = [_tidy((depth[f"lung_{side}"] > _DEEP_ENOUGH["lung"]) & above) for side in ("right", "left")]
    masks.append(depth["heart"] > _DEEP_ENOUGH["heart"])
    masks += [
        bones[f"{bone}_{side}"][..., 1] > _DEEP_ENOUGH[bone]
        for bone in ("clavicle", "scapula")
        for side in ("right", "left")
    ]
    masks.append(depth["spine"] > _DEEP_ENOUGH["spine"])
    return np.stack([mask & field for mask in masks] + [field])


def _tidy(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Without the specks of gas under the dome."""
    return np.asarray(cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0)
