"""Chest: one frontal film as the measures see it, and the plane in which they take lengths."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.anatomy.dead_rows import dead_rows
from models.anatomy.structures import LUNGS, Organ, Points, Structures
from models.image.field import Field
from models.image.lines import Side
from models.image.metric import Radiograph
from models.measurement import Measured, NotMeasured, Reason
from models.reporting import Missing

Scale = Literal["mm", "percent"]
"""Lengths at the plane the pixel spacing refers to, or in percent of the picture's width."""
SIDES: tuple[Side, ...] = ("left", "right", "top", "bottom")
_CLEAR = 0.5
"""An organ of which the network is less certain is none to measure on."""
Lungs = tuple[Organ, Organ]
"""Image left, image right."""


@dataclass(frozen=True, slots=True)
class Plane:
    """Canvas pixels to lengths: how long one is, across and down."""

    scale: Scale
    across: float
    down: float

    def of(self, points: Points) -> Points:
        """Canvas points as lengths from the picture's top left corner."""
        return points * (self.across, self.down)

    def back(self, points: Points) -> Points:
        return points / (self.across, self.down)

    def caption(self, length: float) -> str:
        """A length as it is written beside a mark: no words."""
        return f"{length:.0f} mm" if self.scale == "mm" else f"{length:.1f} %"


@dataclass(frozen=True, slots=True, eq=False)
class Chest:
    """What the measures look at; all points are on the canvas, pixel edges counted from 0."""

    structures: Structures
    corners: Points
    """The exposed field: four corners, clockwise from the top left."""
    sure_of_side: Mapping[Side, float]
    """How sure each side of the field is; the picture's own edge is certain."""
    mm: Plane | Missing
    percent: Plane
    offset: tuple[float, float]
    """Where the film begins in the stored picture, as fractions of it; padding is before it."""
    step: tuple[float, float]
    """How far one canvas pixel reaches in the stored picture, as fractions of it."""
    patient_left_is_image_left: bool = False

    @property
    def planes(self) -> Iterator[tuple[Scale, Plane | Missing]]:
        yield "mm", self.mm
        yield "percent", self.percent

    @property
    def shown_in(self) -> Plane:
        """The plane of captions: millimetres where there are any."""
        return self.percent if isinstance(self.mm, Missing) else self.mm

    def organ(self, name: str) -> Organ | None:
        """None unless it is there, and clearly."""
        found = self.structures.organ(name)
        return found if found and found.certainty >= _CLEAR else None

    def lungs(self) -> Lungs | None:
        """None unless both are there."""
        left, right = (self.organ(name) for name in LUNGS)
        return (left, right) if left and right else None

    def on_patient(self, image_side: Literal["left", "right"]) -> Literal["left", "right"]:
        """The patient's side that is shown at this side of the picture."""
        if self.patient_left_is_image_left:
            return image_side
        return "right" if image_side == "left" else "left"

    def on_picture(self, points: Points | Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
        """Canvas points as fractions of the stored picture, padding included."""
        placed = np.clip(np.asarray(points, np.float64) * self.step + self.offset, 0, 1)
        return tuple((round(float(x), 5), round(float(y), 5)) for x, y in placed)


Look = Callable[[Chest], Iterable[Measured]]


def chest_of(radiograph: Radiograph, structures: Structures) -> Chest:
    """The film around the structures: its field on the canvas, its scale, its sides."""
    views, canvas = radiograph.views, structures.canvas
    height, width = views.rows.stop - views.rows.start, views.columns.stop - views.columns.start
    rows, columns = radiograph.pixels.values.shape
    step = width / canvas.width, height / canvas.height
    field: Field = views.field
    return Chest(
        structures=structures,
        corners=_corners(field, radiograph) / step,
        sure_of_side={side: field.confidence if side in field.seen else 1.0 for side in SIDES},
        mm=_millimetres(radiograph, step),
        percent=Plane("percent", 100 * step[0] / width, 100 * step[1] / width),
        offset=(views.columns.start / columns, views.rows.start / rows),
        step=(step[0] / columns, step[1] / rows),
        patient_left_is_image_left=_starts_at_patient_left(radiograph),
    )


def _corners(field: Field, radiograph: Radiograph) -> Points:
    """Of the field; a side without a visible border ends where the picture does."""
    corners = np.asarray(field.corners(), np.float64)
    top, bottom = dead_rows(radiograph.views)
    height = radiograph.views.rows.stop - radiograph.views.rows.start
    if "top" not in field.seen:
        corners[:2, 1] = np.maximum(corners[:2, 1], top)
    if "bottom" not in field.seen:
        corners[2:, 1] = np.minimum(corners[2:, 1], height - bottom)
    return corners


def _millimetres(radiograph: Radiograph, step: tuple[float, float]) -> Plane | Missing:
    spacing = radiograph.pixels.spacing_mm
    if spacing is None or min(spacing) <= 0:
        return Missing(Reason.NO_SPACING)
    if radiograph.from_screen:
        return Missing(Reason.NOT_RELIABLE, "a picture from a screen has no scale")
    return Plane("mm", step[0] * spacing[1], step[1] * spacing[0])


def _starts_at_patient_left(radiograph: Radiograph) -> bool:
    """PatientOrientation (PS3.3 C.7.6.1.1.1) says where the rows point; without it a film is shown as read."""
    along = radiograph.acquisition.exam.PatientOrientation[:1]
    return bool(along) and along[0].strip().upper().startswith("R")


def none_of(names: Iterable[str], why: Missing) -> list[Measured]:
    """Why none of these was measured."""
    return [NotMeasured(name, why.reason, why.detail) for name in sorted(names)]


def unreliable(detail: str) -> Missing:
    return Missing(Reason.NOT_RELIABLE, detail)


def in_both(*names: str) -> frozenset[str]:
    """The names of lengths in both scales: ``<name>_mm``, ``<name>_percent``."""
    return frozenset(f"{name}_{scale}" for name in names for scale in ("mm", "percent"))
