"""Films as training sees them before the canvas: a small picture, maps that belong to it, and points on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import Misuse
from capture.text import Bilingual
from models.image.picture import Picture, shrink

Bytes = NDArray[np.uint8]
Points = NDArray[np.float32]
"""(n, 2): x, y in pixels, pixel edges counted from 0."""

IGNORE = 127
"""Value of a mask where the truth is not known (device or mark over the lung)."""
_MARKED = 255
_LEAST_SHARE = 0.05
"""Of all lung: anything smaller is a speck of drawing, not a lung."""


@dataclass(frozen=True, slots=True, eq=False)
class Plate:
    """One film or projection with what is known about it; all arrays have one height and width."""

    values: Picture
    """0..1, dense anatomy bright."""
    maps: Mapping[str, Bytes] = field(default_factory=dict)
    """Structures that are known, 0..255; a structure that is not a key is unknown on this film."""
    points: Mapping[str, Points] = field(default_factory=dict)
    """Points and lines that are known; an empty array: known to be outside the film."""
    trusted: Bytes | None = None
    """0 where the maps say nothing, 255 where they hold; None: they hold everywhere."""

    @property
    def size(self) -> tuple[int, int]:
        """Columns, rows."""
        return int(self.values.shape[1]), int(self.values.shape[0])


def read_picture(path: Path, long_side: int) -> Picture:
    """A grey JPEG or PNG as 0..1, its long side at most ``long_side`` pixels; a few extreme pixels are clipped.

    Raises:
        Misuse: the file is no picture.
    """
    picture = _read(path)
    return unit(shrink(np.asarray(picture, np.float32), _size(picture.shape, long_side)))


def unit(picture: Picture) -> Picture:
    """Any scale to 0..1 between the 0.3 and 99.7 % percentiles."""
    low, high = np.percentile(picture, (0.3, 99.7))
    return np.asarray(np.clip((picture - low) / max(float(high - low), 1e-6), 0, 1), np.float32)


def read_mask(path: Path, size: tuple[int, int]) -> Bytes:
    """A mask PNG scaled to (columns, rows) with its values unmixed.

    Raises:
        Misuse: the file is no picture.
    """
    return np.asarray(cv2.resize(_read(path), size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _read(path: Path) -> Bytes:
    picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if picture is None:
        raise Misuse(
            "training.picture",
            Bilingual("图像文件无法读取", "A picture of the training folder cannot be read"),
            Bilingual(
                "请检查清单中的文件名与格式", "Check the manifest's file names and that each is a PNG or JPEG"
            ),
        )
    return np.asarray(picture, np.uint8)


def lungs_apart(mask: Bytes) -> tuple[Bytes, Bytes] | None:
    """The lung at the left of the picture and the one at its right, 0 or 255; None if there are not two.

    Two lungs are two components; specks join the lung whose centre is nearer.
    """
    count, labels, stats, centres = cv2.connectedComponentsWithStats((mask == _MARKED).astype(np.uint8))
    area = stats[1:, cv2.CC_STAT_AREA]
    large = [n for n in range(1, count) if area[n - 1] > _LEAST_SHARE * area.sum()]
    if len(large) != 2:
        return None
    left, right = sorted(large, key=lambda n: float(centres[n][0]))
    nearer_left = [0] + [
        int(np.hypot(*(centres[n] - centres[left])) <= np.hypot(*(centres[n] - centres[right])))
        for n in range(1, count)
    ]
    at_left = np.asarray(nearer_left, bool)[labels]
    some = labels > 0
    return _bytes(at_left & some), _bytes(~at_left & some)


def _bytes(mask: NDArray[np.bool_]) -> Bytes:
    return mask.astype(np.uint8) * np.uint8(255)


def _size(shape: tuple[int, ...], long_side: int) -> tuple[int, int]:
    scale = max(1.0, max(shape[:2]) / long_side)
    return max(1, round(shape[1] / scale)), max(1, round(shape[0] / scale))


def warped(plate: Plate, matrix: NDArray[np.float32], size: tuple[int, int], outside: float) -> Plate:
    """The plate seen through another window.

    Args:
        matrix: 2 x 3, from the plate's pixels to the new ones (pixel edges counted from 0).
        size: (columns, rows) of the new plate.
        outside: value of the picture where the old plate does not reach.
    """
    centred = matrix.astype(np.float64).copy()
    centred[:, 2] += matrix[:, :2] @ np.full(2, 0.5) - 0.5  # OpenCV counts pixel centres
    inside = cv2.warpAffine(np.full(plate.values.shape, 255, np.uint8), centred, size)
    trusted = inside if plate.trusted is None else cv2.warpAffine(plate.trusted, centred, size)
    reached = inside > 127
    known = np.where(reached, trusted, 255)  # nothing of the body lies outside the field
    return Plate(
        values=np.asarray(
            cv2.warpAffine(plate.values, centred, size, borderMode=cv2.BORDER_CONSTANT, borderValue=outside),
            np.float32,
        ),
        maps={name: np.asarray(cv2.warpAffine(m, centred, size), np.uint8) for name, m in plate.maps.items()},
        points={name: _moved(points, matrix) for name, points in plate.points.items()},
        trusted=None if plate.trusted is None else np.asarray(known, np.uint8),
    )


def _moved(points: Points, matrix: NDArray[np.float32]) -> Points:
    if not len(points):
        return points
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2], np.float32)
