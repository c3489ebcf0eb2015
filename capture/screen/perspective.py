"""A camera looks at the screen askew: four taught corners make the picture upright.

They are taught on the console and lie in ``live/<source>/corners.json``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Self

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from capture.screen.frame import Frame, FrameSource
from capture.screen.pixels import Torn, picture

Point = tuple[Annotated[float, Field(ge=0, le=16384)], Annotated[float, Field(ge=0, le=16384)]]
_LEAST_AREA = 160 * 120


class Corners(BaseModel):
    """The screen's corners in the camera's picture, clockwise from the top left, in pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    points: tuple[Point, Point, Point, Point]
    width: Annotated[int, Field(ge=160, le=8192)] = 1920
    """Of the picture made upright: the screen's own resolution."""
    height: Annotated[int, Field(ge=120, le=8192)] = 1080

    @model_validator(mode="after")
    def _go_round(self) -> Self:
        quad = np.array(self.points, np.float32)
        sides = np.roll(quad, -1, axis=0) - quad
        following = np.roll(sides, -1, axis=0)
        turns = sides[:, 0] * following[:, 1] - sides[:, 1] * following[:, 0]
        if np.any(turns <= 0) or cv2.contourArea(quad) < _LEAST_AREA:
            raise ValueError("the corners must go clockwise from the top left and span the screen")
        return self


def teach(folder: Path, corners: Corners | None) -> None:
    """Keep them for the source whose window is ``folder``; None: the picture as it comes. Raises OSError."""
    if corners is None:
        (folder / "corners.json").unlink(missing_ok=True)
        return
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    written = folder / ".corners.tmp"
    written.touch(mode=0o600)
    written.write_text(corners.model_dump_json(), encoding="utf-8")
    written.replace(folder / "corners.json")


def taught(folder: Path) -> Corners | None:
    """What was taught last; None: nothing, or nothing that can be read."""
    with suppress(OSError, ValidationError):
        return Corners.model_validate_json((folder / "corners.json").read_bytes())
    return None


class Upright:
    """A source whose pictures are made upright. New corners count from the next frame on."""

    def __init__(self, source: FrameSource, corners: Callable[[], Corners | None]) -> None:
        self._source, self._corners = source, corners

    def open(self) -> None:
        """See :class:`FrameSource`."""
        self._source.open()

    def read(self, timeout_s: float) -> Frame | None:
        """See :class:`FrameSource`. A torn frame is dropped."""
        frame, corners = self._source.read(timeout_s), self._corners()
        if frame is None or corners is None:
            return frame
        try:
            upright = rectify(picture(frame).bgr, corners)
        except Torn:
            return None
        return Frame(upright.tobytes(), "bgr24", corners.width, corners.height, frame.time)

    def close(self) -> None:
        """See :class:`FrameSource`."""
        self._source.close()


def rectify(bgr: NDArray[np.uint8], corners: Corners) -> NDArray[np.uint8]:
    """(corners.height, corners.width, 3): what lies between the corners."""
    right, bottom = corners.width - 1, corners.height - 1
    there = np.array([(0, 0), (right, 0), (right, bottom), (0, bottom)], np.float32)
    matrix = cv2.getPerspectiveTransform(np.array(corners.points, np.float32), there)
    return np.asarray(cv2.warpPerspective(bgr, matrix, (corners.width, corners.height), flags=cv2.INTER_LINEAR))
