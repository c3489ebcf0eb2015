"""A film of 8 bits (a scanned or exported radiograph) as a DX object."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from pydicom.dataset import Dataset

from models.image.picture import Picture
from tests import factories

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "cxr"
"""Real films, beside the checkout; nothing of it is committed."""
_RANGE = 3600
"""Of the stored values, 12 bits with some room at both ends."""


def read_film(path: Path) -> Picture:
    """float32, 0..1, dense anatomy bright."""
    film = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    assert film is not None, path
    return np.asarray(film / np.float32(255), np.float32)


def as_dx(
    film: Picture, name: str, *, width_mm: float | None = 360.0, long_side: int = 1600, **changes: object
) -> Dataset:
    """A chest PA, for presentation, whose header is without fault.

    Args:
        film: float32, 0..1, dense anatomy bright.
        name: makes its UIDs.
        width_mm: of the film; None leaves the pixel spacing out.
        long_side: of the stored picture, nearly as large as a detector's.
        changes: header elements by keyword; None takes one out.
    """
    scale = long_side / max(film.shape)
    size = round(film.shape[1] * scale), round(film.shape[0] * scale)
    large = cv2.resize(film, size, interpolation=cv2.INTER_CUBIC)
    # The levels of 8 bits are plateaus, which no detector has: noise of one level fills the gaps.
    noise = np.random.default_rng(0).normal(0, 1 / 255, large.shape)
    stored = np.clip(_RANGE * (large + noise) + 200, 0, 4095).astype(np.uint16)
    header: dict[str, object] = {
        "SOPInstanceUID": factories.uid("film", name),
        "PatientID": f"FILM-{name}",
        "ImageAndFluoroscopyAreaDoseProduct": "0.8",
        "ImagerPixelSpacing": None if width_mm is None else [f"{width_mm / size[0]:.5f}"] * 2,
    }
    return factories.changed(factories.dx(stored), header | changes)
