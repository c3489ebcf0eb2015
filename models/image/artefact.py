"""Lines that no body draws: grid pattern, dead detector lines, steps between detector tiles."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from models.image.detector_lines import dead_lines, stitch_steps
from models.image.metric import Radiograph
from models.image.picture import Picture
from models.measurement import Measured, Measurement, NotMeasured, Reason, Region

NAMES = frozenset(
    {
        "artefact.grid_peak_ratio",
        "artefact.grid_depth_percent",
        "artefact.grid_period_px",
        "artefact.grid_frequency_lp_mm",
        "artefact.dead_line_count",
        "artefact.stitch_step_count",
    }
)
_CROP = 1024
_LEAST_CROP = 256
_LOWEST = 0.07
"""Cycles per pixel below which anatomy has patterns of its own (ribs)."""
_HIGHEST = 0.485
"""Cycles per pixel above which only every other line differs: some CR readers do that by themselves."""
_PATTERN = 3.0
"""Peak over neighbourhood from which a period is worth telling."""
_SIDE, _GAP = 12, 3
"""Bins on either side that a peak is compared with, and those next to it that are left out."""
_MOST_LINES = 24
"""More lines than this are a pattern, not dead lines."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The strongest line pattern of one direction."""

    ratio: float
    """Of its clearest peak, which may be a harmonic."""
    frequency: float
    """Of the lines, cycles per pixel."""
    depth: float
    """From line to line, bright to dark, in the unit of the values."""


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """Grid pattern in a central crop; lines and steps across the whole field."""
    views = radiograph.views
    values = radiograph.pixels.values[views.rows, views.columns]
    left, top, right, bottom = _inner_box(radiograph)
    if min(right - left, bottom - top) < _LEAST_CROP:
        return [NotMeasured(name, Reason.NOT_RELIABLE, "the field is too small") for name in sorted(NAMES)]
    box = values[top:bottom, left:right]
    if radiograph.acquisition.exam.Modality in ("RF", "XA"):
        return [*_grid(radiograph, box), *_no_lines(Reason.NOT_APPLICABLE, "the frame of an image intensifier")]
    return [*_grid(radiograph, box), *_lines(radiograph, box, (left, top))]


def _inner_box(radiograph: Radiograph) -> tuple[int, int, int, int]:
    """Largest upright box that a turned field surely holds, away from its penumbra."""
    views = radiograph.views
    corners = np.sort(views.field.corners(), axis=0)
    margin = 6 * views.scale if views.field.seen else 2
    height, width = views.rows.stop - views.rows.start, views.columns.stop - views.columns.start
    left, top = np.maximum(np.ceil(corners[1] + margin), 0)
    right, bottom = np.minimum(np.floor(corners[2] - margin), (width, height))
    return int(left), int(top), int(right), int(bottom)


def _grid(radiograph: Radiograph, box: Picture) -> Iterable[Measured]:
    crop = _centre(box)
    across, down = line_pattern(crop), line_pattern(np.ascontiguousarray(crop.T))
    best, pitch_of = (across, 1) if across.ratio >= down.ratio else (down, 0)
    sure = 0.5 if radiograph.lossy else 1.0
    yield Measurement("artefact.grid_peak_ratio", best.ratio, confidence=sure)
    if best.ratio < _PATTERN:
        yield NotMeasured("artefact.grid_depth_percent", Reason.NOT_APPLICABLE, "no line pattern")
        yield NotMeasured("artefact.grid_period_px", Reason.NOT_APPLICABLE, "no line pattern")
        yield NotMeasured("artefact.grid_frequency_lp_mm", Reason.NOT_APPLICABLE, "no line pattern")
        return
    low, high = radiograph.pixels.value_range
    if high > low:
        yield Measurement("artefact.grid_depth_percent", 100 * best.depth / (high - low), confidence=sure)
    else:
        yield NotMeasured("artefact.grid_depth_percent", Reason.INVALID_IN_HEADER, "no range of values")
    yield Measurement("artefact.grid_period_px", 1 / best.frequency, confidence=sure)
    spacing = radiograph.pixels.spacing_mm
    if spacing is None or spacing[pitch_of] <= 0:
        yield NotMeasured("artefact.grid_frequency_lp_mm", Reason.NO_SPACING)
    elif radiograph.from_screen:
        yield NotMeasured("artefact.grid_frequency_lp_mm", Reason.NOT_RELIABLE, "a screen has no scale")
    else:
        yield Measurement("artefact.grid_frequency_lp_mm", best.frequency / spacing[pitch_of], confidence=sure)


def _centre(box: Picture) -> Picture:
    height, width = min(_CROP, box.shape[0]), min(_CROP, box.shape[1])
    top, left = (box.shape[0] - height) // 2, (box.shape[1] - width) // 2
    return box[top : top + height, left : left + width]


def line_pattern(crop: Picture) -> Peak:
    """Peak of the spectrum along the rows over the higher of the medians of both sides.

    The median over the rows keeps what stands in all of them: anatomy stands in some.
    """
    rows = crop[:: max(1, crop.shape[0] // 512)]
    window = np.hanning(rows.shape[1]).astype(np.float32)
    detail = rows - cv2.blur(rows, (15, 1))
    power = np.median(np.abs(np.fft.rfft(detail * window, axis=1)) ** 2, axis=0)
    frequency = np.fft.rfftfreq(rows.shape[1])
    start, end = (int(at) for at in np.searchsorted(frequency, (_LOWEST, _HIGHEST)))
    # A peak stands above both sides; the steep fall of anatomy's spectrum stands above one.
    sides = np.lib.stride_tricks.sliding_window_view(np.pad(power, _SIDE + _GAP, mode="edge"), _SIDE)
    before, after = (np.median(part, axis=1) for part in (sides[: len(power)], sides[-len(power) :]))
    around = np.maximum(np.maximum(before, after)[start:end], max(float(power.max()), 1e-30) * 1e-9)
    ratio = power[start:end] / around
    clearest, beyond = int(ratio.argmax()), np.maximum(power[start:end] - around, 0)
    # A harmonic may stand out more clearly than the lines it belongs to; the lines have the most power.
    peaks = ratio >= min(_PATTERN, ratio[clearest])
    line = int(np.where(peaks, beyond, -1).argmax())
    # A sine of half this height gives a peak of (height / 4 x the window's sum) squared.
    height = 4 * float(np.sqrt(beyond[line]) / window.sum())
    return Peak(float(ratio[clearest]), float(frequency[start + line]), height)


def _lines(radiograph: Radiograph, box: Picture, origin: tuple[int, int]) -> Iterable[Measured]:
    columns, rows = dead_lines(box), dead_lines(box.T)
    count = len(columns) + len(rows)
    if count > _MOST_LINES:
        yield from _no_lines(Reason.NOT_RELIABLE, "a pattern of lines all over")
        return
    where = [
        *(_region(radiograph, origin, box.shape, column=at) for at in columns),
        *(_region(radiograph, origin, box.shape, row=at) for at in rows),
    ]
    yield Measurement("artefact.dead_line_count", float(count), regions=tuple(where))
    steps = [
        *(_region(radiograph, origin, box.shape, column=at) for at in stitch_steps(box, columns)),
        *(_region(radiograph, origin, box.shape, row=at) for at in stitch_steps(box.T, rows)),
    ]
    yield Measurement("artefact.stitch_step_count", float(len(steps)), regions=tuple(steps))


def _no_lines(reason: Reason, detail: str) -> Iterable[Measured]:
    return [
        NotMeasured(name, reason, detail) for name in ("artefact.dead_line_count", "artefact.stitch_step_count")
    ]


def _region(
    radiograph: Radiograph,
    origin: tuple[int, int],
    shape: tuple[int, ...],
    column: int | None = None,
    row: int | None = None,
) -> Region:
    """A line with two pixels of air, from one side of the box to the other."""
    (height, width), views = radiograph.pixels.values.shape, radiograph.views
    left, top = origin[0] + views.columns.start, origin[1] + views.rows.start
    x0, x1 = (left, left + shape[1]) if column is None else (left + column - 2, left + column + 3)
    y0, y1 = (top, top + shape[0]) if row is None else (top + row - 2, top + row + 3)
    return Region(x0 / width, y0 / height, x1 / width, y1 / height)
