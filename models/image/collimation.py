"""The exposed field: where it lies, how large it is, and whether the header agrees."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from capture.acquisition import Technique
from models.image.field import Field
from models.image.lines import Side
from models.image.metric import Radiograph
from models.measurement import Measured, Measurement, NotMeasured, Reason, Region

_MM = ("field.width_mm", "field.height_mm", "field.off_centre_x_mm", "field.off_centre_y_mm")
NAMES = frozenset(
    {
        *_MM,
        "field.found",
        "field.edges_seen",
        "field.width_px",
        "field.height_px",
        "field.share_of_image_percent",
        "field.off_centre_x_percent",
        "field.off_centre_y_percent",
        "field.rotation_deg",
        "field.tags_agree",
    }
)
_AGREE = 0.02
"""Tags and pixels agree when they differ by less than this share of the picture's side."""


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """The pixels decide; the header only confirms, because images are cropped, turned and resampled after it."""
    if radiograph.acquisition.exam.Modality == "MG":
        yield from _none(Reason.NOT_APPLICABLE, "mammography exposes the whole detector")
        return
    if radiograph.acquisition.exam.Modality in ("RF", "XA") and _round(radiograph):
        yield from _none(Reason.NOT_RELIABLE, "a round or eight-sided field")
        return
    views, field = radiograph.views, radiograph.views.field
    height, width = views.rows.stop - views.rows.start, views.columns.stop - views.columns.start
    off_x, off_y = field.centre[0] - width / 2, field.centre[1] - height / 2
    sure = field.confidence
    region = (_region(radiograph),) if field.seen else ()
    yield Measurement("field.found", bool(field.seen), confidence=sure, regions=region)
    yield Measurement("field.edges_seen", float(len(field.seen)), confidence=sure)
    yield Measurement("field.width_px", field.width, confidence=sure)
    yield Measurement("field.height_px", field.height, confidence=sure)
    share = float(field.mask(views.small.shape, views.scale).mean()) * 100
    yield Measurement("field.share_of_image_percent", share, confidence=sure, regions=region)
    yield Measurement("field.off_centre_x_percent", 100 * off_x / width, confidence=sure)
    yield Measurement("field.off_centre_y_percent", 100 * off_y / height, confidence=sure)
    if field.seen:
        yield Measurement("field.rotation_deg", field.angle_deg, confidence=sure)
    else:
        yield NotMeasured("field.rotation_deg", Reason.NOT_RELIABLE, "no border is visible")
    yield from _in_mm(radiograph, off_x, off_y)
    yield _tags_agree(radiograph)


def _none(reason: Reason, detail: str) -> Iterable[Measured]:
    return [NotMeasured(name, reason, detail) for name in sorted(NAMES)]


def _round(radiograph: Radiograph) -> bool:
    """All four corners quiet and alike, with no straight border between them and the middle."""
    small, field = radiograph.views.small, radiograph.views.field
    if field.seen:
        return False
    side = max(4, round(0.03 * min(small.shape)))
    corners = np.array(
        [small[y, x] for y in (slice(0, side), slice(-side, None)) for x in (slice(0, side), slice(-side, None))]
    )
    low, high = np.percentile(small, (1, 99))
    return bool(np.ptp(corners) < 0.08 * (high - low))


def _in_mm(radiograph: Radiograph, off_x: float, off_y: float) -> Iterable[Measured]:
    spacing = radiograph.pixels.spacing_mm
    if spacing is None or min(spacing) <= 0:
        return [NotMeasured(name, Reason.NO_SPACING) for name in _MM]
    if radiograph.from_screen:
        return [NotMeasured(name, Reason.NOT_RELIABLE, "a picture from a screen has no scale") for name in _MM]
    field, (down, across) = radiograph.views.field, spacing
    turn = np.radians(field.angle_deg)
    cos, sin = float(np.cos(turn)), float(np.sin(turn))
    sizes = (
        field.width * float(np.hypot(cos * across, sin * down)),
        field.height * float(np.hypot(cos * down, sin * across)),
        off_x * across,
        off_y * down,
    )
    return [Measurement(name, size, confidence=field.confidence) for name, size in zip(_MM, sizes, strict=True)]


def _region(radiograph: Radiograph) -> Region:
    """The upright box around the field, as shares of the whole picture with its padding."""
    views, (height, width) = radiograph.views, radiograph.pixels.values.shape
    corners = views.field.corners() + np.array([views.columns.start, views.rows.start])
    left, top = np.clip(corners.min(axis=0) / (width, height), 0, 1)
    right, bottom = np.clip(corners.max(axis=0) / (width, height), 0, 1)
    return Region(float(left), float(top), float(right), float(bottom))


def _tags_agree(radiograph: Radiograph) -> Measured:
    """Compare with a rectangular collimator (PS3.3 C.8.7.3): pixels of the stored picture, the first is 1."""
    name = "field.tags_agree"
    rows, columns = radiograph.pixels.values.shape
    tags = _tags(radiograph.acquisition.technique)
    if tags is None:
        return NotMeasured(name, Reason.NOT_IN_HEADER)
    if not _legal(tags, rows, columns):
        return NotMeasured(name, Reason.INVALID_IN_HEADER, "the edges are not pixels of this picture")
    field = radiograph.views.field
    seen = _sides(field, radiograph.views.columns.start, radiograph.views.rows.start)
    length = {"left": columns, "right": columns, "top": rows, "bottom": rows}
    agree = all(abs(seen[side] - tags[side]) <= _AGREE * length[side] for side in seen)
    return Measurement(name, agree, confidence=field.confidence)


def _tags(technique: Technique) -> dict[Side, float] | None:
    left, right = technique.CollimatorLeftVerticalEdge, technique.CollimatorRightVerticalEdge
    top, bottom = technique.CollimatorUpperHorizontalEdge, technique.CollimatorLowerHorizontalEdge
    if left is None or right is None or top is None or bottom is None:
        return None
    return {"left": left, "right": right - 1, "top": top, "bottom": bottom - 1}


def _legal(tags: dict[Side, float], rows: int, columns: int) -> bool:
    """The standard counts from 1; makers write 0 and one past the end for an open collimator."""
    return 0 <= tags["left"] < tags["right"] <= columns + 1 and 0 <= tags["top"] < tags["bottom"] <= rows + 1


def _sides(field: Field, left: int, top: int) -> dict[Side, float]:
    """Middle of each side of the field in the stored picture."""
    across, down = field.width / 2, field.height / 2
    x, y = field.centre[0] + left, field.centre[1] + top
    return {"left": x - across, "right": x + across, "top": y - down, "bottom": y + down}
