"""Sheet: the one picture of a set. Named panels at fixed places; marks are fractions of the whole sheet.

Radiological convention everywhere: the patient's right is on the picture's left, front and head are at the top,
and a sagittal panel looks to the left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.measurement import Region
from models.sets.image_set import Slice

PanelName = Literal[
    "coronal", "sagittal", "axial", "first", "last", "map", "wrap", "spike", "void", "left", "right"
]
"""``first`` is the slice nearest to the head, ``last`` the one nearest to the feet; ``wrap`` or ``void``, and
``spike`` are in their places where there is such a fault. ``left`` and ``right``: halves of a sheet that has only
two pictures."""

ROWS, COLUMNS = 800, 1200
_FIRST, _LAST = Region(0.0, 0.5, 1 / 3, 1.0), Region(1 / 3, 0.5, 2 / 3, 1.0)
PANELS: Mapping[PanelName, Region] = {
    "coronal": Region(0.0, 0.0, 1 / 3, 0.5),
    "sagittal": Region(1 / 3, 0.0, 2 / 3, 0.5),
    "axial": Region(2 / 3, 0.0, 1.0, 0.5),
    "first": _FIRST,
    "last": _LAST,
    "map": Region(2 / 3, 0.5, 1.0, 1.0),
    "wrap": _FIRST,
    "spike": _LAST,
    "void": _FIRST,
    "left": Region(0.0, 0.0, 0.5, 1.0),
    "right": Region(0.5, 0.0, 1.0, 1.0),
}
_RIM = 0.01
"""Left free inside each panel's border, as a share of the sheet."""
_LETTER = 0.5


@dataclass(frozen=True, slots=True)
class Extent:
    """Of an upright volume, in mm: head to feet, front to back, right to left."""

    high: float
    deep: float
    wide: float

    def of(self, panel: PanelName) -> tuple[float, float]:
        """(height, width) in mm of what the panel shows; a map is taken to be coronal."""
        if panel == "sagittal":
            return self.high, self.deep
        return (self.high, self.wide) if panel in ("coronal", "map") else (self.deep, self.wide)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What a panel shows. ``size_mm``: its (height, width). ``shown``: values that are black and white."""

    values: NDArray[np.float32]
    size_mm: tuple[float, float]
    shown: tuple[float, float]
    letters: tuple[str, str] = ("", "")
    """At its left and at its top: R, A, H."""
    foot: str = ""
    """Under it: the number of the image."""
    heat: bool = False
    """In colours, for a map."""
    under: Picture | None = None
    """Seen where a map is NaN, which is black without it."""


def number_of(one: Slice) -> str:
    """Its InstanceNumber, and which frame of it, as the foot of its picture."""
    number = one.exam.InstanceNumber
    frame = f".{one.frame + 1}" if one.frame or one.display.NumberOfFrames > 1 else ""
    return "" if number is None else f"#{number}{frame}"


def place(panel: PanelName, size_mm: tuple[float, float]) -> Region:
    """Where a picture of this (height, width) lies on the sheet: as large as its panel allows, in the middle."""
    box = PANELS[panel]
    wide = (box.right - box.left - 2 * _RIM) * COLUMNS
    high = (box.bottom - box.top - 2 * _RIM) * ROWS
    scale = min(high / size_mm[0], wide / size_mm[1])
    half_x, half_y = scale * size_mm[1] / COLUMNS / 2, scale * size_mm[0] / ROWS / 2
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return Region(x - half_x, y - half_y, x + half_x, y + half_y)


def on_sheet(
    panel: PanelName, size_mm: tuple[float, float], points_mm: Iterable[tuple[float, float]]
) -> tuple[tuple[float, float], ...]:
    """(across, down) in mm from the picture's top left corner, as fractions of the sheet for a Mark."""
    at = place(panel, size_mm)
    return tuple(
        (
            at.left + float(np.clip(across / size_mm[1], 0, 1)) * (at.right - at.left),
            at.top + float(np.clip(down / size_mm[0], 0, 1)) * (at.bottom - at.top),
        )
        for across, down in points_mm
    )


def region_on_sheet(panel: PanelName, size_mm: tuple[float, float], box_mm: Region) -> Region:
    """A box in mm of the picture as a box of the sheet."""
    (left, top), (right, bottom) = on_sheet(
        panel, size_mm, [(box_mm.left, box_mm.top), (box_mm.right, box_mm.bottom)]
    )
    return Region(left, top, right, bottom)


def draw(pictures: Mapping[PanelName, Picture]) -> NDArray[np.uint8]:
    """(800, 1200, 3) BGR. A panel without a picture stays black."""
    sheet = np.zeros((ROWS, COLUMNS, 3), np.uint8)
    for panel, picture in pictures.items():
        at = place(panel, picture.size_mm)
        left, right = round(at.left * COLUMNS), round(at.right * COLUMNS)
        top, bottom = round(at.top * ROWS), round(at.bottom * ROWS)
        if right - left < 2 or bottom - top < 2:
            continue
        sheet[top:bottom, left:right] = _coloured(picture, right - left, bottom - top)
        _letters(sheet, picture, left, top, right, bottom)
    return sheet


def png(sheet: NDArray[np.uint8]) -> bytes:
    """The sheet as a PNG file."""
    return cv2.imencode(".png", sheet)[1].tobytes()


def _coloured(picture: Picture, width: int, height: int) -> NDArray[np.uint8]:
    seen = np.isfinite(picture.values)
    grey = _grey(np.where(seen, picture.values, picture.shown[0]), picture.shown, width, height)
    if not picture.heat:
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)
    shown = cv2.resize(seen.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
    below = np.zeros((height, width, 3), np.uint8)
    if picture.under is not None:
        below = _coloured(picture.under, width, height)
    return np.where(shown[..., None] > 0, cv2.applyColorMap(grey, cv2.COLORMAP_INFERNO), below).astype(np.uint8)


def _grey(values: NDArray[np.float32], shown: tuple[float, float], width: int, height: int) -> NDArray[np.uint8]:
    black, white = shown
    tone = np.clip((values - black) / max(white - black, 1e-6), 0, 1)
    how = cv2.INTER_AREA if values.shape[0] > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize((255 * tone).astype(np.uint8), (width, height), interpolation=how), np.uint8)


def _letters(sheet: NDArray[np.uint8], picture: Picture, left: int, top: int, right: int, bottom: int) -> None:
    at_left, at_top = picture.letters
    spots = (
        (at_left, (left + 3, (top + bottom) // 2)),
        (at_top, ((left + right) // 2, top + 14)),
        (picture.foot, (left + 3, bottom - 5)),
    )
    for letter, spot in spots:
        for colour, width in (((0, 0, 0), 3), ((200, 200, 120), 1)):
            cv2.putText(sheet, letter, spot, cv2.FONT_HERSHEY_SIMPLEX, _LETTER, colour, width, cv2.LINE_AA)
