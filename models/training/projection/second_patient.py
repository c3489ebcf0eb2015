"""A second patient: the chest CT among the tests of ``totalsegmentator`` 2.18.0 (PyPI sdist, Apache-2.0).

An adult man with contrast medium, a stent in the aorta, leads on the skin and raised arms, 1.5 mm. The package
names only the aorta there. The labels are ours: thresholds, and the places of :mod:`.second_places`, set by an AI
agent looking at the slices. Good to a few millimetres; no radiologist saw them. Never trained on: for testing.

Voxels (i, j, k) of the file run to the patient's left, backwards, upwards.
"""

from __future__ import annotations

import tarfile
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.projection import second_places as at
from models.training.projection.nifti import read_nifti
from models.training.projection.patient import Patient, prepare
from models.training.projection.voxels import filled

MEMBER = "tests/reference_files/aorta_report/example_ct.nii.gz"
_NAMES = (
    *("lung_right", "lung_left", "heart", "liver", "rib_all", "clavicula_right", "clavicula_left"),
    *("scapula_right", "scapula_left", "humerus_right", "humerus_left"),
    *(f"vertebrae_T{level}" for level in range(1, 11)),
    "vertebrae_other",
)
NUMBERS = {name: number for number, name in enumerate(_NAMES, 1)}
Voxels = NDArray[np.float32]
Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]


def read_second(path: Path) -> Patient:
    """The patient in the sdist ``totalsegmentator-2.18.0.tar.gz``, or in a folder it was unpacked into."""
    if path.is_dir():
        packed = (path / MEMBER).read_bytes()
    else:
        with tarfile.open(path) as sdist:
            packed = sdist.extractfile(f"{path.name.removesuffix('.tar.gz')}/{MEMBER}").read()  # type: ignore[union-attr]
    hounsfield, matrix = read_nifti(packed)
    hounsfield = hounsfield[: hounsfield.shape[0] // 2 * 2, : hounsfield.shape[1] // 2 * 2]
    fine = hounsfield.repeat(2, 0).repeat(2, 1)
    # `prepare` halves the grid across; this CT is as coarse already.
    twice = matrix @ np.diag([0.5, 0.5, 1.0, 1.0])
    twice[:3, 3] -= twice[:3, :2].sum(axis=1) / 2
    return prepare(fine, labels_of(hounsfield).repeat(2, 0).repeat(2, 1), twice, NUMBERS)


def labels_of(hounsfield: Voxels) -> Labels:
    """The label map, numbered by ``NUMBERS``."""
    labels = np.zeros(hounsfield.shape, np.uint8)
    i, j, k = np.ix_(*(np.arange(length) for length in hounsfield.shape))
    bowel = (k < 38) & (i > 128) & (i < 200) & (j < 85)
    airways = np.any([tube(labels.shape, way, 8.0) for way in at.AIRWAYS], axis=0)
    lungs = _pieces(_inside_body(hounsfield) & (hounsfield < at.AIR) & (k < at.APEX) & ~bowel & ~airways)
    cage = np.stack([_hull(lungs[..., max(level, 45)]) for level in range(hounsfield.shape[2])], axis=-1)
    bone = hounsfield > at.BONE
    # Vessels full of contrast medium: within the cage between sternum and ribs, before the spine in the armpits.
    backs = np.interp(np.arange(hounsfield.shape[2]), *np.array(at.VERTEBRAE, np.float64)[:, [0, 2]].T) + 17
    vessels = (cage & (j < backs) & ((j > 36) | (k < 100))) | ((k >= 146) & (j > 60) & (j < 84))
    labels[bone & ~vessels] = NUMBERS["rib_all"]
    floor = np.interp(np.arange(hounsfield.shape[0]), *np.array(at.HEART_FLOOR).T)[:, None, None]
    lung_at_or_below = np.maximum.accumulate(lungs, axis=2)
    over_heart = (i > 85) & (i < 182)
    labels[cage & ~lung_at_or_below & (k < np.where(over_heart, floor, 62))] = NUMBERS["liver"]
    heart = (
        (i > at.HEART[0])
        & (i < at.HEART[1])
        & (k >= floor)
        & (k < at.HEART[2])
        & (j < np.clip(80 + 0.9 * (k - 45), 80, 102))
    )
    labels[_opened(heart & cage & (hounsfield > 0), 9)] = NUMBERS["heart"]
    labels[lungs & (i < at.MIDDLE)], labels[lungs & (i >= at.MIDDLE)] = NUMBERS["lung_right"], NUMBERS["lung_left"]
    _name_girdle(labels, hounsfield, lungs)
    _name_spine(labels, hounsfield)
    return labels


def _name_girdle(labels: Labels, hounsfield: Voxels, lungs: Mask) -> None:
    bone = (hounsfield > at.BONE) & (hounsfield < at.DENSEST)
    for side, bones, arm in zip(("right", "left"), at.CLAVICLES, at.HUMERI, strict=True):
        collar = tube(bone.shape, bones, 7.0) | tube(bone.shape, bones[:2], 9.0)
        humerus = tube(bone.shape, arm, 16.0) & bone
        columns = slice(0, 80) if side == "right" else slice(155, None)
        for level in range(60, bone.shape[2]):
            rest = bone[..., level] & ~collar[..., level] & ~humerus[..., level]
            labels[columns, :, level][_blade(rest, lungs[..., level], level)[columns]] = NUMBERS[f"scapula_{side}"]
        labels[humerus] = NUMBERS[f"humerus_{side}"]
        labels[_closed(collar & bone)] = NUMBERS[f"clavicula_{side}"]


def _blade(bone: Mask, lungs: Mask, level: int) -> Mask:
    """The pieces of one slice that lie behind and off the rib cage, without their holes."""
    off = np.minimum(cv2.distanceTransform((~lungs).astype(np.uint8), cv2.DIST_L2, 5), 1e3)
    count, numbered = cv2.connectedComponents(bone.astype(np.uint8))
    found = np.zeros(bone.shape, np.uint8)
    for number in range(1, count):
        piece = numbered == number
        i, j = (float(axis.mean()) for axis in np.nonzero(piece))
        aside = level < 160 or i < 62 or i > 178
        if aside and j > 86 and float(np.median(off[piece])) > 8 and piece.sum() > 3:
            found |= filled(piece)
    return (found > 0) & (off > 6)


def _name_spine(labels: Labels, hounsfield: Voxels) -> None:
    spine = np.array(at.VERTEBRAE, np.float64)
    edges = np.linspace(at.TOP_TIP, at.LAST_TIP, 11)
    i, j = np.ogrid[: labels.shape[0], : labels.shape[1]]
    for level in range(labels.shape[2]):
        middle, deep, half, tip = (np.interp(level, spine[:, 0], spine[:, n]) for n in range(1, 5))
        body = ((i - middle) / (half + 1)) ** 2 + ((j - deep) / 12) ** 2 < 1
        arch = (np.abs(i - middle) < 21 - 0.5 * np.maximum(j - deep - 10, 0)) & (j > deep + 5) & (j < tip + 3)
        bone = (hounsfield[..., level] > at.MARROW) & (body | arch)
        name = int(np.searchsorted(-edges, -level))
        number = NUMBERS[f"vertebrae_T{name}" if 1 <= name <= 10 else "vertebrae_other"]
        labels[..., level][_closed(bone[..., None])[..., 0]] = number


def _inside_body(hounsfield: Voxels) -> Mask:
    solid = _opened(hounsfield > -300, 5)
    return np.stack([filled(section) for section in solid.transpose(2, 0, 1)], axis=-1) > 0


def _opened(mask: Mask, size: int) -> Mask:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    slices = mask.transpose(2, 0, 1).astype(np.uint8)
    return np.stack([cv2.morphologyEx(section, cv2.MORPH_OPEN, kernel) for section in slices], axis=-1) > 0


def _pieces(lungs: Mask) -> Mask:
    """Without the specks of a slice, which are streaks."""
    kept = np.zeros_like(lungs)
    for level in range(lungs.shape[2]):
        _, numbered, sizes, _ = cv2.connectedComponentsWithStats(lungs[..., level].astype(np.uint8))
        large = sizes[:, cv2.CC_STAT_AREA] >= 40
        large[0] = False
        kept[..., level] = large[numbered]
    return kept


def _closed(mask: Mask) -> Mask:
    kernel = np.ones((3, 3), np.uint8)
    slices = mask.transpose(2, 0, 1).astype(np.uint8)
    return np.stack([filled(cv2.morphologyEx(s, cv2.MORPH_CLOSE, kernel)) for s in slices], axis=-1) > 0


def _hull(section: Mask) -> Mask:
    drawn = np.zeros(section.shape, np.uint8)
    if section.any():
        points = np.argwhere(section)[:, ::-1].astype(np.int32)
        cv2.fillConvexPoly(drawn, cv2.convexHull(np.ascontiguousarray(points)), 1)
    return drawn > 0


def tube(shape: tuple[int, ...], places: at.Places, radius: float) -> Mask:
    """Everything within ``radius`` voxels of a line through places."""
    inside = np.zeros(shape, np.bool_)
    for start, end in pairwise(places):
        a, b = np.array(start, np.float32), np.array(end, np.float32)
        low = np.maximum(np.minimum(a, b) - radius - 1, 0).astype(int)
        high = (np.maximum(a, b) + radius + 2).astype(int)
        box = tuple(slice(int(x), int(y)) for x, y in zip(low, high, strict=True))
        place = np.stack(
            np.meshgrid(*(np.arange(n)[s] for n, s in zip(shape, box, strict=True)), indexing="ij"), -1
        )
        along = np.clip((place - a) @ (b - a) / float((b - a) @ (b - a)), 0, 1)
        inside[box] |= np.linalg.norm(place - a - along[..., None] * (b - a), axis=-1) < radius
    return inside
