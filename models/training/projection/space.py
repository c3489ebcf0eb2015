"""Where things lie: the patient's coordinates, rigid moves, and a cone-beam camera that looks at them.

World: millimetres, x to the patient's right, y forward (anterior), z up; right-handed. Yaw turns about z and is
positive when the right shoulder goes forward, so that the front of the body moves to the picture's right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Points = NDArray[np.float64]


def shifted(offset: tuple[float, float, float]) -> Matrix:
    """A 4 x 4 translation in mm."""
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix


def turned(axis: int, degrees: float, centre: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Matrix:
    """A 4 x 4 right-handed rotation about world axis 0, 1 or 2 through ``centre``."""
    first, second = (axis + 1) % 3, (axis + 2) % 3
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = cos
    matrix[second, first], matrix[first, second] = sin, -sin
    back = (-centre[0], -centre[1], -centre[2])
    return np.asarray(shifted(centre) @ matrix @ shifted(back), np.float64)


def moved(matrix: Matrix, points: NDArray[np.floating]) -> Points:
    """Points (n, 3) through a 4 x 4 matrix."""
    return np.asarray(points @ matrix[:3, :3].T + matrix[:3, 3], np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A point source and a flat detector. ``right`` and ``down``: one pixel in mm, as the film is shown."""

    source: Points
    corner: Points
    """Outer corner of the top left pixel."""
    right: Points
    down: Points
    width: int
    height: int

    @property
    def projection(self) -> Matrix:
        """3 x 4: world to (column, row, 1); a pixel's centre has whole numbers."""
        frame = np.column_stack([self.right, self.down, self.corner - self.source])
        inverse = np.linalg.inv(frame)
        matrix = np.column_stack([inverse, -inverse @ self.source])
        centre = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
        return np.asarray(centre @ matrix, np.float64)

    def seen(self, points: Points) -> Points:
        """World points (n, 3) as (column, row), pixel edges counted from 0."""
        homogeneous = self.projection @ np.column_stack([points, np.ones(len(points))]).T
        return np.asarray((homogeneous[:2] / homogeneous[2]).T + 0.5, np.float64)

    def rays(self) -> NDArray[np.float32]:
        """Unit directions (height, width, 3) from the source to every pixel's centre."""
        column, row = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        ray = self.corner - self.source + column[..., None] * self.right + row[..., None] * self.down
        return np.asarray(ray / np.linalg.norm(ray, axis=-1, keepdims=True), np.float32)


def frontal(
    size: tuple[int, int],
    pixel: float,
    distance: float,
    detector: float,
    *,
    antero_posterior: bool = False,
    centre: tuple[float, float] = (0.0, 0.0),
    source: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """A PA or AP camera; either film is shown with the patient's right at the picture's left.

    Args:
        size: (width, height) in pixels.
        pixel: mm per pixel at the detector.
        distance: source to image, mm.
        detector: mm from the world's origin to the detector, in front of the body (PA) or behind it (AP).
        centre: (x, z) of the detector's middle, world mm.
        source: (x, z) of the focal spot, world mm.
    """
    side = -1.0 if antero_posterior else 1.0
    middle = np.array([centre[0], side * detector, centre[1]])
    right, down = np.array([-pixel, 0.0, 0.0]), np.array([0.0, 0.0, -pixel])
    focus = np.array([source[0], side * (detector - distance), source[1]])
    return Camera(focus, middle - right * size[0] / 2 - down * size[1] / 2, right, down, *size)


def lateral(
    size: tuple[int, int],
    pixel: float,
    distance: float,
    detector: float,
    *,
    centre: tuple[float, float] = (0.0, 0.0),
    source: tuple[float, float] = (0.0, 0.0),
) -> Camera:
    """A left lateral camera (left side at the detector), shown with the front of the body at the picture's left.

    ``centre`` and ``source`` are (y, z); the rest as in :func:`frontal`.
    """
    middle = np.array([-detector, centre[0], centre[1]])
    right, down = np.array([0.0, -pixel, 0.0]), np.array([0.0, 0.0, -pixel])
    focus = np.array([distance - detector, source[0], source[1]])
    return Camera(focus, middle - right * size[0] / 2 - down * size[1] / 2, right, down, *size)
