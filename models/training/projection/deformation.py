"""The smooth map between the patient of the CT and a body made from it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.training.projection.patient import Part, Patient
from models.training.projection.shape import Shape
from models.training.projection.space import Points, moved

_SPAN = np.array([400.0, 300.0, 400.0])
"""mm that the knots of the displacements span, about the middle of the chest."""
_HEART = 55.0
"""Reach of the heart's growth, mm."""


class Deformation:
    """The smooth map between the patient and the body: scale about the chest's middle, small displacements."""

    def __init__(self, patient: Patient, shape: Shape) -> None:
        self._scale = np.array(shape.scale)
        self._centre = np.array([0.0, -40.0, float(patient.points["apex_right"][0, 2]) - 110.0])
        self._growth = shape.heart
        heart = np.argwhere(patient.parts == Part.HEART).mean(0)
        self._heart = moved(patient.to_world, heart[None])[0]
        self._knots = shape.elastic

    def of_grid(
        self, x: NDArray[np.float64], y: NDArray[np.float64], z: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Where in the patient the points of a grid come from, (len(y), len(z), len(x), 3)."""
        weights = [self._weights(along, axis).astype(np.float32) for axis, along in enumerate((x, y, z))]
        knots = self._knots.astype(np.float32)
        moves = np.einsum("xi,yj,zk,dijk->yzxd", *weights, knots, optimize=True)
        grid = np.stack(np.broadcast_arrays(x, y[:, None, None], z[:, None]), axis=-1)
        return np.asarray(self._source(grid.astype(np.float32), moves), np.float32)

    def backward(self, body: Points) -> Points:
        """Where in the patient points (n, 3) of the body come from."""
        weights = [self._weights(body[:, axis], axis) for axis in range(3)]
        moves = np.einsum("ni,nj,nk,dijk->nd", *weights, self._knots, optimize=True)
        return np.asarray(self._source(body, moves), np.float64)

    def forward(self, patient: Points) -> Points:
        """Where in the body points (n, 3) of the patient go; by fixed-point iteration, to well under 0.1 mm."""
        body = (patient - self._centre) * self._scale + self._centre
        for _ in range(15):
            body = body + self._scale * (patient - self.backward(body))
        return np.asarray(body, np.float64)

    def _weights(self, along: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        """What each knot weighs at every place: cubic B-splines through the knots, flat beyond them."""
        count = self._knots.shape[axis + 1]
        place = np.clip((along - self._centre[axis]) / _SPAN[axis] + 0.5, 0, 1) * (count - 1)
        at_knots = _splines(np.arange(count, dtype=np.float64), count)
        return np.asarray(np.linalg.solve(at_knots.T, _splines(place, count).T).T, np.float64)

    def _source(self, body: NDArray[np.floating], moves: NDArray[np.floating]) -> NDArray[np.floating]:
        source = (body - self._centre) / self._scale + self._centre + moves
        away = source - self._heart
        swell = self._growth * np.exp(-(away**2).sum(-1) / (2 * _HEART**2))
        return np.asarray(source - away * (swell / (1 + swell))[..., None], source.dtype)


def _splines(place: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Values (len(place), count) of the uniform cubic B-splines about whole numbers; the outermost repeat."""
    off = np.abs(place[:, None] - np.arange(-1, count + 1))
    values = np.where(off < 1, 2 / 3 - off**2 + off**3 / 2, np.clip(2 - off, 0, None) ** 3 / 6)
    values[:, 1] += values[:, 0]
    values[:, -2] += values[:, -1]
    return np.asarray(values[:, 1:-1], np.float64)
