"""Text, a cursor and a dialog box on a drawn screen."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.template import Box

Bgr = NDArray[np.uint8]
_FACE = cv2.FontFace("sans")
_TEXT_PX = 20


def write(canvas: Bgr, text: str, at: tuple[int, int], ink: tuple[int, int, int], px: int = _TEXT_PX) -> None:
    """One line; ``at``: left end of its base line."""
    cv2.putText(canvas, text, at, ink, _FACE, px, 400)


def draw_cursor(canvas: Bgr, at: tuple[int, int]) -> None:
    """An arrow."""
    x, y = at
    arrow = np.array([(x, y), (x, y + 26), (x + 8, y + 20), (x + 18, y + 20)], np.int32)
    cv2.fillPoly(canvas, [arrow], (255, 255, 255))
    cv2.polylines(canvas, [arrow], True, (0, 0, 0))


def draw_dialog(canvas: Bgr, box: Box) -> None:
    """A message with a button."""
    canvas[box.rows, box.columns] = 224
    canvas[box.y : box.y + 34, box.columns] = (150, 90, 30)
    write(canvas, "打印机未就绪", (box.x + 16, box.y + 24), (255, 255, 255))
    for row in range(3):
        write(canvas, "Please load film and press OK.", (box.x + 40, box.y + 90 + 36 * row), (20, 20, 20))
    cv2.rectangle(
        canvas,
        (box.x + box.w - 160, box.y + box.h - 60),
        (box.x + box.w - 40, box.y + box.h - 20),
        (180, 180, 180),
        -1,
    )
