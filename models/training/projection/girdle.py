"""The shoulder girdle in the pose of a radiograph: drawn clavicles, the CT's scapulae, arms hanging or rolled.

World mm of :mod:`models.training.projection.space`; ``side`` is +1 for the patient's right, -1 for the left.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.projection.patient import WATER
from models.training.projection.projector import Volume
from models.training.projection.space import Matrix, Points, shifted, turned

_CORTEX = 0.62 * WATER
"""Excess of a bone's wall over muscle, as blurred as the CT's own bones are."""
_MARROW = 0.16 * WATER
_STEP = 1.0


@dataclass(frozen=True, slots=True)
class Clavicle:
    """A swept ellipse along an S-shaped axis (L. Bernat et al. 2014, shape of the clavicle: bow 10 to 18 mm)."""

    shaft: float
    """Half height of the shaft, mm."""
    sternal: float
    """Half height of the medial end, mm."""
    bow: float
    """How far the medial two thirds bow forward, mm."""
    cortex: float
    """Thickness of the wall, mm."""
    fullness: float
    """Depth over height of the shaft's ellipse."""


@dataclass(frozen=True, slots=True)
class Shoulder:
    """How one shoulder is held, relative to the CT's raised arm."""

    lowered: float
    """Turn of the scapula in the frontal plane, degrees; its lower angle comes towards the spine."""
    protracted: float
    """Turn about the vertical, degrees; the blade's inner border lifts off the ribs and goes outwards."""
    shift: tuple[float, float, float]
    """Of the joint: outwards, forwards, upwards, mm."""
    abduction: float
    """Of the arm from hanging, degrees."""


def glenoid(side: float, joint: Points, shoulder: Shoulder) -> Points:
    """Where the shoulder joint comes to lie, given where it is in the body (3,)."""
    outwards, forwards, upwards = shoulder.shift
    return np.asarray(joint + np.array([side * outwards, forwards, upwards]), np.float64)


def scapula_pose(side: float, joint: Points, shoulder: Shoulder, scale: Matrix, at: Points) -> Matrix:
    """From the CT's scapula to the body: ``at`` is the CT's joint, ``joint`` the body's, ``scale`` the size."""
    target = glenoid(side, joint, shoulder)
    lowered = turned(1, side * shoulder.lowered)
    protracted = turned(2, side * shoulder.protracted)
    return np.asarray(_to(target) @ protracted @ lowered @ scale @ _to(-at), np.float64)


def _to(point: Points) -> Matrix:
    return shifted((float(point[0]), float(point[1]), float(point[2])))


def clavicle(end: Points, lateral: Points, form: Clavicle) -> Volume:
    """Bone excess (1/mm) and presence of a clavicle from its medial end's face to the joint with the acromion."""
    axis = lateral - end
    length = float(np.linalg.norm(axis))
    axis = axis / length
    front = np.cross(np.array([0.0, 0.0, 1.0]), axis)
    front *= np.sign(front[1]) / np.linalg.norm(front)
    up = np.cross(axis, front)
    up *= np.sign(up[2])
    pad = form.bow + 2 * form.sternal
    low, high = np.minimum(end, lateral) - pad, np.maximum(end, lateral) + pad
    x, y, z = (np.arange(a, b, _STEP) for a, b in zip(low, high, strict=True))
    grid = np.stack(np.meshgrid(y, z[::-1], x[::-1], indexing="ij"), axis=-1)[..., [2, 0, 1]] - end
    along, ahead, above = grid @ axis, grid @ front, grid @ up
    t = np.clip(along / length, 0, 1)
    ahead = ahead - form.bow * np.sin(2 * np.pi * t**0.85) * np.where(t < 0.62, 1.0, 0.75)
    tall, deep = _profile(t, form)
    radius = np.sqrt((above / tall) ** 2 + (ahead / deep) ** 2)
    # The medial face looks at the other clavicle, whatever way the bone goes: on a film it is the bone's end.
    outwards = grid[..., 0] * np.sign(axis[0])
    inside = np.minimum((1 - radius) * np.minimum(tall, deep), np.minimum(outwards, length - along))
    presence = np.clip(inside / _STEP + 0.5, 0, 1)
    hollow = np.clip((inside - form.cortex) / _STEP + 0.5, 0, 1)
    excess = _CORTEX * (presence - hollow) + _MARROW * hollow
    to_world = np.eye(4)
    to_world[:3] = [[-_STEP, 0, 0, x[-1]], [0, 0, _STEP, y[0]], [0, -_STEP, 0, z[-1]]]
    return Volume(np.stack([excess, presence], axis=-1).astype(np.float32), to_world)


def _profile(t: Points, form: Clavicle) -> tuple[Points, Points]:
    """Half height and half depth along the bone: a flared sternal end, a round shaft, a flat acromial end."""
    flare = np.exp(-((t / 0.16) ** 2))
    flat = 1 / (1 + np.exp(-(t - 0.78) / 0.06))
    tall = form.shaft + (form.sternal - form.shaft) * flare - 0.2 * form.shaft * flat
    deep = form.fullness * form.shaft + (form.sternal - form.shaft) * flare + 0.75 * form.shaft * flat
    return np.asarray(tall, np.float64), np.asarray(deep, np.float64)


def arm(
    grid: NDArray[np.float32], joint: Points, side: float, abduction: float, girth: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Soft tissue (0..1) and bone excess (1/mm) of an upper arm at ``grid`` (..., 3); ``joint`` is the glenoid."""
    head = joint + np.array([side * 24.0, 2.0, -2.0])
    angle = np.radians(abduction)
    axis = np.array([side * np.sin(angle), 0.0, -np.cos(angle)])
    offset = (grid - head).astype(np.float32)
    along = offset @ axis.astype(np.float32)
    near = np.linalg.norm(offset - np.maximum(along, 0)[..., None] * axis.astype(np.float32), axis=-1)
    soft = np.clip((girth - near) / 3 + 0.5, 0, 1)
    ball = np.linalg.norm(offset, axis=-1)
    radius = 11.0 + 9.0 * np.exp(-((np.maximum(along, 0) / 32) ** 2))
    shaft = np.where(along > 0, radius - near, -1e3)
    inside = np.maximum(shaft, 22 - ball)
    wall = np.where(ball < 24, 1.6, 1.0 + 3.2 * (1 - np.exp(-((np.maximum(along, 0) / 40) ** 2))))
    outer, inner = np.clip(inside + 0.5, 0, 1), np.clip(inside - wall + 0.5, 0, 1)
    return np.asarray(soft, np.float32), np.asarray(_CORTEX * (outer - inner) + _MARROW * inner, np.float32)
