"""Projections of a labelled CT (:mod:`models.training.projection`) as plates: structures, points, angle."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anatomy.structures import LUNGS, ORGANS, POINTS
from models.training.films import Bytes, Plate, Points, unit
from models.training.task import Part

FOLDER = "projections"
TURNED = "rotation"
"""Bodies kept back for testing, turned step by step."""
_INDEX = "index.csv"
_CALLED = {"spinous_line": "spinous"}
"""Points that the projections call otherwise."""
_BODY_PX = 23
"""Less than the width of a vertebral body on a projection of 320 pixels, more than a process."""


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """One simulated film and how the body stood."""

    plate: Plate
    body: str
    """Films of one body are not independent."""
    yaw_deg: float
    """Positive: the front of the chest moves to the right of the picture."""


def projections(folder: Path, part: Part) -> list[Projection]:
    """Those of one part (split by body), in the order of the index; none where there is no index."""
    index = folder / _INDEX
    if not index.is_file():
        return []
    with index.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["split"] == part]
    return [Projection(_plate(folder / row["file"]), row["body"], float(row["yaw"])) for row in rows]


def _plate(file: Path) -> Plate:
    with np.load(file) as stored:
        shape = tuple(stored["shape"])
        masks = np.unpackbits(stored["masks"])[: int(np.prod(shape))].reshape(shape).astype(np.uint8) * np.uint8(
            255
        )
        by_name: Mapping[str, Bytes] = dict(zip(stored["names"].tolist(), masks, strict=True))
        values = unit(stored["image"].astype(np.float32))
        points = {name: _inside(stored[f"point_{_CALLED.get(name, name)}"], by_name["field"]) for name in POINTS}
    return Plate(values, {name: by_name[name] for name in ORGANS} | _beside_spine(by_name), points)


def _beside_spine(masks: Mapping[str, Bytes]) -> dict[str, Bytes]:
    """Lungs that end at the bodies of the spine, as in the masks of real films (V7).

    In a projection lung lies before and behind the vertebrae, too; the opening takes their processes away, which
    no reader stops at.
    """
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_BODY_PX, _BODY_PX))
    spine = cv2.morphologyEx(masks["spine"], cv2.MORPH_OPEN, kernel)
    return {name: np.where(spine > 0, np.uint8(0), masks[name]) for name in LUNGS}


def _inside(fractions: NDArray[np.float32], field: Bytes) -> Points:
    """In pixels, those that lie in the exposed field."""
    height, width = field.shape
    points = fractions.reshape(-1, 2) * np.array([width, height], np.float32)
    columns, rows = np.floor(points).astype(int).T
    on_film = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    seen = on_film & (field[rows.clip(0, height - 1), columns.clip(0, width - 1)] > 0)
    return np.asarray(points[seen], np.float32)
