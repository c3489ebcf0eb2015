"""A patient of ellipsoids and boxes: everything that a labelled chest CT must have, at known places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.training.projection.patient import Patient, prepare

_SIZE = (128, 128, 68)
_MATRIX = np.array([[-3.0, 0, 0, 190], [0, 3, 0, -190], [0, 0, 5, -320], [0, 0, 0, 1]])
_VERTEBRAE = [f"vertebrae_T{level}" for level in range(1, 11)]
NUMBERS = {
    name: number
    for number, name in enumerate(
        [
            *("lung_upper_lobe_right", "lung_upper_lobe_left", "heart", "liver", "sternum"),
            *("clavicula_right", "clavicula_left", "scapula_right", "scapula_left"),
            *("humerus_right", "humerus_left", *_VERTEBRAE),
        ],
        start=1,
    )
}


def patient() -> Patient:
    """Body 340 x 220 mm; lungs at x = +-75; spine at y = -70, its processes' tips at y = -100; the world's mm."""
    index = np.moveaxis(np.indices(_SIZE), 0, -1)
    at = index @ _MATRIX[:3, :3].T + _MATRIX[:3, 3]
    hounsfield = np.where(_ball(at, (0, 0, -160), (170, 110, 900)), 40.0, -1000.0)
    labels = np.zeros(_SIZE, np.uint8)
    for name, centre, radii, value in _BLOBS:
        inside = _ball(at, centre, radii)
        hounsfield[inside], labels[inside] = value, NUMBERS[name]
    for step, name in enumerate(_VERTEBRAE):
        column = (np.abs(at[..., 0]) < 15) & (at[..., 1] < -55) & (at[..., 1] > -88)
        process = (np.abs(at[..., 0]) < 4) & (at[..., 1] <= -88) & (at[..., 1] > -101)
        inside = (column | process) & (np.abs(at[..., 2] + 30 + 20 * step) < 10)
        hounsfield[inside], labels[inside] = 400.0, NUMBERS[name]
    return prepare(hounsfield.astype(np.float32), labels, _MATRIX.copy(), NUMBERS)


_BLOBS = (
    ("lung_upper_lobe_right", (75, 0, -130), (55, 75, 100), -850.0),
    ("lung_upper_lobe_left", (-75, 0, -130), (55, 75, 100), -850.0),
    ("heart", (-20, 20, -170), (50, 40, 45), 40.0),
    ("liver", (40, 0, -270), (110, 90, 60), 60.0),
    ("sternum", (0, 85, -100), (18, 6, 60), 300.0),
    ("clavicula_right", (70, 45, -45), (50, 8, 8), 500.0),
    ("clavicula_left", (-70, 45, -45), (50, 8, 8), 500.0),
    ("scapula_right", (120, -60, -90), (30, 8, 60), 400.0),
    ("scapula_left", (-120, -60, -90), (30, 8, 60), 400.0),
    ("humerus_right", (150, -40, -35), (20, 20, 25), 500.0),
    ("humerus_left", (-150, -40, -35), (20, 20, 25), 500.0),
)


def _ball(
    at: NDArray[np.float64], centre: tuple[float, float, float], radii: tuple[float, float, float]
) -> NDArray[np.bool_]:
    return np.asarray((((at - np.array(centre)) / np.array(radii)) ** 2).sum(-1) < 1, np.bool_)
