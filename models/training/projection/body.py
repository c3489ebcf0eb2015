"""One of many bodies made from one patient: other proportions, heart, fat, bones and posture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.projection import girdle
from models.training.projection.deformation import Deformation
from models.training.projection.patient import SOFT_LIMIT, WATER, Part, Patient
from models.training.projection.projector import Volume
from models.training.projection.shape import Shape
from models.training.projection.space import Matrix, Points, moved, shifted, turned
from models.training.projection.voxels import filled, sampled

STEP = (1.4, 3.0, 1.7)
"""Size of a body's voxels along x, y, z, mm."""
HALF = (224.0, 150.0)
"""Half width and half depth of the space around the body."""
ABOVE, BELOW = 80.0, 330.0
"""How far the space reaches above and below the apices, mm."""
TRUNK = ("soft", "bone", "lung_right", "lung_left", "heart", "spine", "abdomen")
"""Channels of :attr:`Body.trunk`: two attenuations (1/mm), then presence of structures (0 or 1)."""
_SIDES = (("right", 1.0), ("left", -1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """Volumes and points in the body's own world: the origin between the lungs, yaw 0 when it stands squarely."""

    trunk: Volume
    girdle: Mapping[str, Volume]
    """``clavicle_right``, ``clavicle_left``, ``scapula_right``, ``scapula_left``: bone excess (1/mm), presence."""
    points: Mapping[str, Points]
    neutral: float
    """Degrees it was turned by until the clavicles' ends lay evenly about the spinous line."""


def build(patient: Patient, shape: Shape, step: tuple[float, float, float] = STEP) -> Body:
    """The body of that shape, in voxels of ``step`` mm along x, y, z."""
    field = Deformation(patient, shape)
    points = places(patient, shape, field)
    top = float(np.concatenate([points["apex_right"], points["apex_left"]])[:, 2].max())
    xs = np.arange(HALF[0], -HALF[0], -step[0])
    ys = np.arange(-HALF[1], HALF[1], step[1])
    zs = np.arange(top + ABOVE, top - BELOW, -step[2])
    grid = np.stack(np.meshgrid(ys, zs, xs, indexing="ij"), axis=-1)[..., [2, 0, 1]].astype(np.float32)
    to_index: Matrix = np.asarray(np.linalg.inv(patient.to_world), np.float64)
    index = moved(to_index, field.of_grid(xs, ys, zs)).astype(np.float32)
    hounsfield = sampled(patient.hounsfield, index, "bilinear", -1000.0)
    parts = sampled(patient.parts.astype(np.float32), index, "nearest", 0.0)
    soft = np.asarray(WATER * (1 + np.minimum(hounsfield, SOFT_LIMIT) / 1000), np.float32)
    bone = WATER * np.clip(hounsfield - SOFT_LIMIT, 0, 650) / 1000
    joints = {side: points[f"glenoid_{side}"][0] for side, _ in _SIDES}
    soft = _padded(soft, shape, points, top, grid, step)
    if shape.arms:
        keep = _carved(grid, top, points, shape)
        soft, bone = np.asarray(soft * keep, np.float32), bone * keep
        for (side, sign), held in zip(_SIDES, shape.shoulders, strict=True):
            joint = girdle.glenoid(sign, joints[side], held)
            flesh, humerus = girdle.arm(grid, joint, sign, held.abduction, shape.girth)
            soft = np.maximum(soft, WATER * 1.04 * flesh)
            bone = np.maximum(bone, humerus)
    masks = [parts == part for part in (Part.LUNG_RIGHT, Part.LUNG_LEFT, Part.HEART, Part.SPINE, Part.ABDOMEN)]
    trunk = np.stack([soft, bone, *masks], axis=-1).astype(np.float32)
    to_world = np.eye(4)
    to_world[:3] = [[-step[0], 0, 0, xs[0]], [0, 0, step[1], ys[0]], [0, -step[2], 0, zs[0]]]
    bones = _bones(patient, shape, points, joints)
    matrix, neutral = squared(points)
    return Body(
        Volume(trunk, to_world).moved(matrix),
        {name: bone.moved(matrix) for name, bone in bones.items()},
        {name: moved(matrix, found) for name, found in points.items()},
        neutral,
    )


def places(patient: Patient, shape: Shape, field: Deformation) -> dict[str, Points]:
    """The patient's points in the body, before :func:`squared`."""
    points = {name: field.forward(found) for name, found in patient.points.items()}
    _lower_sternum(points, shape)
    return points


def _lower_sternum(points: dict[str, Points], shape: Shape) -> None:
    drop, wider = shape.sternum
    gap = (points["clavicle_end_right"] - points["clavicle_end_left"]) * wider / 2
    for side, sign in _SIDES:
        points[f"clavicle_end_{side}"] = (
            points[f"clavicle_end_{side}"] + sign * gap + np.array([0.0, drop / 5, -drop])
        )


def _carved(
    grid: NDArray[np.float32], top: float, points: Mapping[str, Points], shape: Shape
) -> NDArray[np.float32]:
    """What stays (0..1) when the CT's raised shoulders are cut down to a neck and a slope on both sides of it."""
    foot, slope = shape.carriage
    middle = points["spinous"][0] + np.array([0.0, 55.0, 0.0])
    out = np.hypot((grid[..., 0] - middle[0]) / 58, (grid[..., 1] - middle[1]) / 66) - 1
    aside = np.maximum(np.abs(grid[..., 0] - middle[0]) - 50, 0)
    above = grid[..., 2] - (top + foot - slope * aside)
    return np.asarray(np.maximum(np.clip(0.5 - above / 25, 0, 1), np.clip(0.5 - out * 4, 0, 1)), np.float32)


def _padded(
    soft: NDArray[np.float32],
    shape: Shape,
    points: Mapping[str, Points],
    top: float,
    grid: NDArray[np.float32],
    step: tuple[float, float, float],
) -> NDArray[np.float32]:
    """A layer of fat all round, and breasts, where there was air outside."""
    body = (soft > 0.3 * WATER).astype(np.uint8)
    filled = np.stack([_filled(body[:, row]) for row in range(body.shape[1])], axis=1)
    if shape.fat >= step[1]:
        size = (2 * round(shape.fat / step[0]) + 1, 2 * round(shape.fat / step[1]) + 1)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size)
        for row in range(body.shape[1]):
            layer = (cv2.dilate(filled[:, row], kernel) > 0) & (filled[:, row] == 0)
            soft[:, row][layer] = 0.92 * WATER
    if shape.breast:
        front = float(points["clavicle_end_right"][0, 1]) + 20
        for sign in (1.0, -1.0):
            at = np.array([sign * 82.0, front, top - 165.0])
            ratio = (grid - at) / np.array([shape.breast, 0.8 * shape.breast, 0.85 * shape.breast])
            inside = np.clip((1 - np.linalg.norm(ratio, axis=-1)) * 12, 0, 1) * (filled == 0)
            soft = np.maximum(soft, 0.95 * WATER * inside)
    return soft


def _filled(section: NDArray[np.uint8]) -> NDArray[np.uint8]:
    closed = cv2.morphologyEx(section, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    return np.asarray(filled(closed), np.uint8)


def _bones(
    patient: Patient, shape: Shape, points: dict[str, Points], joints: Mapping[str, Points]
) -> dict[str, Volume]:
    bones: dict[str, Volume] = {}
    parts = {"right": Part.SCAPULA_RIGHT, "left": Part.SCAPULA_LEFT}
    scale = np.diag([*shape.scale, 1.0])
    for (side, sign), held, form in zip(_SIDES, shape.shoulders, shape.clavicles, strict=True):
        other = "left" if side == "right" else "right"
        own = other if shape.swap else side
        flip = np.diag([-1.0 if shape.swap else 1.0, 1.0, 1.0, 1.0])
        at = moved(flip, patient.points[f"glenoid_{own}"])[0]
        pose = girdle.scapula_pose(sign, joints[side], held, scale, at)
        bones[f"scapula_{side}"] = patient.girdle[parts[own]].moved(pose @ flip)
        acromion = girdle.glenoid(sign, joints[side], held) + np.array([sign * 2.0, 4.0, 27.0]) * shape.scale
        bones[f"clavicle_{side}"] = girdle.clavicle(points[f"clavicle_end_{side}"][0], acromion, form)
    return bones


def squared(points: Mapping[str, Points]) -> tuple[Matrix, float]:
    """Turns a body about the vertical until its clavicles' ends lie evenly about the spinous line, and centres it.

    Returns:
        The 4 x 4 move and the degrees of the turn.
    """
    ends = (points["clavicle_end_right"][0] + points["clavicle_end_left"][0]) / 2
    spine = points["spinous"]
    height = np.argsort(spine[:, 2])
    back = np.array([np.interp(ends[2], spine[height, 2], spine[height, axis]) for axis in (0, 1)])
    neutral = float(np.degrees(np.arctan2(ends[0] - back[0], ends[1] - back[1])))
    middle = (back[0], (ends[1] + back[1]) / 2, points["apex_right"][0, 2] - 110.0)
    away = shifted((-float(middle[0]), -float(middle[1]), -float(middle[2])))
    return np.asarray(turned(2, neutral) @ away, np.float64), neutral
