"""A film of 8 bits (a scanned or exported radiograph) as a DX object, and what goes wrong when one is taken."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from tests import factories

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "cxr"
"""Real films, beside the checkout; nothing of it is committed."""
Film = NDArray[np.uint8]
_LEVELS = 14
"""Stored values per level of the 8 bits: 12 bits with some room at both ends."""


def read_film(path: Path) -> Film:
    """Rows and columns of grey, dense anatomy bright."""
    film = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert film is not None, path
    return np.asarray(film, np.uint8)


def as_dx(
    film: Film, name: str, *, width_mm: float | None = 360.0, long_side: int = 1600, **changes: object
) -> Dataset:
    """A chest PA, for presentation, whose header is without fault.

    Args:
        film: dense anatomy bright.
        name: makes its UIDs.
        width_mm: of the film; None leaves the pixel spacing out.
        long_side: of the stored picture, as large as a detector's or nearly so.
        changes: header elements by keyword; None takes one out.
    """
    scale = long_side / max(film.shape)
    size = round(film.shape[1] * scale), round(film.shape[0] * scale)
    large = cv2.resize(film.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    # The levels of 8 bits are plateaus, which no detector has: noise of one level fills the gaps.
    noise = np.random.default_rng(0).normal(0, 1, large.shape)
    stored = np.clip(_LEVELS * (large + noise) + 200, 0, 4095).astype(np.uint16)
    spacing = None if width_mm is None else [f"{width_mm / size[0]:.5f}"] * 2
    header: dict[str, object] = {
        "SOPInstanceUID": factories.uid("film", name),
        "PatientID": f"FILM-{name}",
        "ImageAndFluoroscopyAreaDoseProduct": "0.8",
        "ImagerPixelSpacing": spacing,
    }
    return factories.changed(factories.dx(stored), header | changes)


def cropped(film: Film, side: str, share: float) -> Film:
    """The film without a share of its height or width on one side, as a field that was closed too far."""
    rows, columns = film.shape
    down, across = round(share * rows), round(share * columns)
    part = {
        "top": np.s_[down:, :],
        "bottom": np.s_[: rows - down, :],
        "left": np.s_[:, across:],
        "right": np.s_[:, : columns - across],
    }[side]
    return np.ascontiguousarray(film[part])


def shuttered(film: Film, side: str, share: float, level: int = 250) -> Film:
    """The same with the shutter's unexposed strip in the picture, which is bright, its border softened."""
    closed = np.zeros(film.shape, np.float32)
    rows, columns = film.shape
    down, across = round(share * rows), round(share * columns)
    part = {
        "top": np.s_[:down, :],
        "bottom": np.s_[rows - down :, :],
        "left": np.s_[:, :across],
        "right": np.s_[:, columns - across :],
    }[side]
    closed[part] = 1
    soft = cv2.GaussianBlur(closed, (0, 0), 0.8)
    return np.asarray(np.clip(film * (1 - soft) + level * soft, 0, 255), np.uint8)


def mirrored(film: Film) -> Film:
    return np.ascontiguousarray(film[:, ::-1])


def quarter_turned(film: Film) -> Film:
    """Clockwise."""
    return np.ascontiguousarray(np.rot90(film, -1))


def with_necklace(film: Film) -> Film:
    """A thin chain of metal beads across the upper lungs: each halves and halves again what goes through."""
    rows, columns = film.shape
    through = np.ones(film.shape, np.float32)
    for step in np.linspace(-1, 1, 41):
        x, y = columns * (0.5 + 0.3 * step), rows * (0.42 - 0.22 * step * step)
        cv2.circle(through, (round(x), round(y)), max(2, round(columns / 130)), 0.25, -1, cv2.LINE_AA)
    exposure = np.exp(-film.astype(np.float32) / 60) * through
    return np.asarray(np.clip(-60 * np.log(np.maximum(exposure, 1e-3)), 0, 255), np.uint8)
