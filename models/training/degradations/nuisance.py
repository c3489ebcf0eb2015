"""What happens to a good film on its way and must not matter."""

from __future__ import annotations

import cv2
import numpy as np

from models.image.picture import Picture, shrink


def low_resolution(film: Picture, factor: float) -> Picture:
    """Shrunk by ``factor`` (1 or more) and enlarged again."""
    rows, columns = film.shape
    small = shrink(film, (max(1, round(columns / factor)), max(1, round(rows / factor))))
    return np.asarray(np.clip(cv2.resize(small, (columns, rows), interpolation=cv2.INTER_CUBIC), 0, 1), np.float32)


def jpeg(film: Picture, quality: int) -> Picture:
    """Through a JPEG of 8 bits and this quality (1 to 100)."""
    coded = cv2.imencode(".jpg", _bytes(film), [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE), np.uint8)
    return np.asarray(decoded / np.float32(255), np.float32)


def quantise(film: Picture) -> Picture:
    """To the 256 values that an 8-bit file holds."""
    return np.asarray(_bytes(film) / np.float32(255), np.float32)


def _bytes(film: Picture) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(np.round(np.clip(film, 0, 1) * 255), np.uint8)
