"""What chest-anatomy is to say about a plate: channels, and their maps on the network's canvas."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.anatomy.canvas import canvas_of
from models.anatomy.structures import CUTS, LUNGS, ORGANS, POINTS, SIDE
from models.training.films import Points
from models.training.tasks.chest_anatomy_window import CUT, Seen

LINES = frozenset({"spinous_line"})
SPREAD_PX = 3.0
"""Standard deviation of a point's heat on the canvas: about 5 mm of an adult film."""

ALONG_PX = 4.0
"""A lung that is cut is marked so far from the border, in pixels of the canvas."""

Maps = NDArray[np.float32]


def sample_of(seen: Seen) -> dict[str, Tensor]:
    """One training sample of a plate whose long side is the canvas (any other is scaled by the canvas).

    ``image`` (1, s, s); ``structures`` and ``points`` (channels, s, s) with 0..1; ``known`` (channels,) 1 where
    the plate has that truth, structures first; ``trusted`` (1, s, s) 0 where the maps say nothing; ``cut``
    (sides,) as :class:`Seen` has it, ``cut_at`` (sides, s/2, s/2) 1 where a lung lies along a border that cuts it.
    """
    plate = seen.plate
    canvas = canvas_of(plate.values, SIDE)
    structures = np.zeros((len(ORGANS), SIDE, SIDE), np.float32)
    size = canvas.width, canvas.height
    for n, name in enumerate(ORGANS):
        if name in plate.maps:
            structures[n] = _placed(plate.maps[name], size)
    points = np.stack([heat(plate.points.get(name), name in LINES, canvas.scale) for name in POINTS])
    trusted = np.ones((SIDE, SIDE), np.float32)
    if plate.trusted is not None:
        trusted[: size[1], : size[0]] = _placed(plate.trusted, size)[: size[1], : size[0]] > 0.5
    known = [name in plate.maps for name in ORGANS] + [name in plate.points for name in POINTS]
    return {
        "image": torch.from_numpy(canvas.image[None]),
        "structures": torch.from_numpy(structures),
        "points": torch.from_numpy(points),
        "known": torch.tensor(known, dtype=torch.float32),
        "trusted": torch.from_numpy(trusted[None]),
        "cut": torch.tensor([seen.cut[side] for side in CUTS], dtype=torch.float32),
        "cut_at": torch.from_numpy(_cut_at(seen, structures, canvas.scale)),
    }


def _cut_at(seen: Seen, structures: Maps, scale: float) -> Maps:
    """Half as fine as the canvas; only sides that are cut have anything."""
    lungs = structures[[ORGANS.index(name) for name in LUNGS]].max(0) > 0.5
    half = lungs.reshape(SIDE // 2, 2, SIDE // 2, 2).any(axis=(1, 3))
    rows, columns = (np.mgrid[: SIDE // 2, : SIDE // 2] + 0.5) * 2
    left, top, right, bottom = np.asarray(seen.field) / scale
    depth = {"left": columns - left, "top": rows - top, "right": right - columns, "bottom": bottom - rows}
    along = [half & (depth[side] <= ALONG_PX) & (seen.cut[side] == CUT) for side in CUTS]
    return np.stack(along).astype(np.float32)


def _placed(small: NDArray[np.uint8], size: tuple[int, int]) -> Maps:
    if small.shape != size[::-1]:
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
    whole = np.zeros((SIDE, SIDE), np.float32)
    whole[: size[1], : size[0]] = small / np.float32(255)
    return whole


def heat(points: Points | None, is_line: bool, scale: float) -> Maps:
    """1 at the points (or along the line through them), falling off as a Gaussian of ``SPREAD_PX``."""
    drawn = np.full((SIDE, SIDE), 255, np.uint8)
    if points is None or not len(points):
        return np.zeros((SIDE, SIDE), np.float32)
    fine = (points / scale - 0.5) * 16
    if is_line:
        cv2.polylines(drawn, [fine.round().astype(np.int32)], False, 0, 1, cv2.LINE_8, 4)
    else:
        for x, y in fine.tolist():
            cv2.circle(drawn, (round(x / 16), round(y / 16)), 0, 0, -1)
    far = cv2.distanceTransform(drawn, cv2.DIST_L2, 5) if drawn.min() == 0 else np.full((SIDE, SIDE), 1e3)
    return np.asarray(np.exp(-(far**2) / (2 * SPREAD_PX**2)), np.float32)


def by_name(structures: Maps, points: Maps) -> Mapping[str, Maps]:
    """The network's maps of one film by their channels' names."""
    return dict(zip(ORGANS, structures, strict=True)) | dict(zip(POINTS, points, strict=True))
