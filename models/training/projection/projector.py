"""Path integrals of a voxel volume through a cone beam, plane by plane.

A camera sees a plane of voxels through a homography, so each plane is one perspective warp (bilinear in the plane,
as in P. M. Joseph, IEEE Trans. Med. Imaging 1(3), 1982) and the integral is their sum times the length of ray
between two planes. For rays within about 45 degrees of the planes' normal.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.training.projection.space import Camera, Matrix

Maps = NDArray[np.float32]
_AT_ONCE = 4
"""Channels OpenCV warps together."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Values (planes, rows, columns, channels) and the matrix from a voxel's (column, row, plane) to world mm."""

    values: Maps
    to_world: Matrix

    def across(self) -> Volume:
        """The same volume cut the other way, for lateral rays: its columns become its planes."""
        swap = np.eye(4)[[2, 1, 0, 3]]
        return Volume(np.ascontiguousarray(self.values.transpose(2, 1, 0, 3)), self.to_world @ swap)

    def moved(self, matrix: Matrix) -> Volume:
        """The same voxels elsewhere."""
        return Volume(self.values, matrix @ self.to_world)


def project(volume: Volume, camera: Camera) -> Maps:
    """Integrals along the rays, (height, width, channels): value times mm."""
    planes, _, _, channels = volume.values.shape
    view = camera.projection @ volume.to_world
    (left, top), (right, bottom) = _shadow(volume, view, camera)
    total = np.zeros((camera.height, camera.width, channels), np.float32)
    if right <= left or bottom <= top:
        return total
    here = np.array([[1.0, 0, -left], [0, 1, -top], [0, 0, 1]]) @ view
    shadow, size = total[top:bottom, left:right], (right - left, bottom - top)
    for plane in range(planes):
        layer = volume.values[plane]
        if not layer.any():
            continue
        homography = np.column_stack([here[:, 0], here[:, 1], here[:, 2] * plane + here[:, 3]])
        for first in range(0, channels, _AT_ONCE):
            part = np.ascontiguousarray(layer[..., first : first + _AT_ONCE])
            warped = cv2.warpPerspective(part, homography, size, flags=cv2.INTER_LINEAR)
            shadow[..., first : first + _AT_ONCE] += warped.reshape(*shadow.shape[:2], -1)
    return total * _between_planes(volume.to_world, camera)[..., None]


def _shadow(volume: Volume, view: Matrix, camera: Camera) -> tuple[tuple[int, int], tuple[int, int]]:
    """The corner pixels of the rectangle beyond which the volume is not seen: (left, top), (right, bottom)."""
    planes, rows, columns, _ = volume.values.shape
    ends = np.meshgrid([-1, columns], [-1, rows], [-1, planes])
    corners = np.stack([*(axis.ravel() for axis in ends), np.ones(8)])
    seen = view @ corners
    seen = seen[:2] / seen[2]
    low, high = np.floor(seen.min(axis=1)), np.ceil(seen.max(axis=1)) + 1
    limit = np.array([camera.width, camera.height])
    low, high = np.clip(low, 0, limit).astype(int), np.clip(high, 0, limit).astype(int)
    return (int(low[0]), int(low[1])), (int(high[0]), int(high[1]))


def _between_planes(to_world: Matrix, camera: Camera) -> Maps:
    normal = np.cross(to_world[:3, 0], to_world[:3, 1])
    normal /= np.linalg.norm(normal)
    spacing = abs(float(normal @ to_world[:3, 2]))
    return np.asarray(spacing / np.abs(camera.rays() @ normal.astype(np.float32)), np.float32)
