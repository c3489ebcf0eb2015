"""mr.coverage_* and mr.tilt_deg: where the head lies in the scanned block (MB02, MB12)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.mr import coverage, marks
from models.mr.chosen import column, share
from models.mr.series import not_for, signed
from models.sets.geometry import Stack, arrangement_of
from models.sets.image_set import Slice
from models.sets.producer import SetSubject

_NAME = "mr-head/1"
_HEADS = frozenset({"mr_brain"})
_ALIKE = 0.85
"""Correlation of both halves under which the axis of symmetry means nothing."""
_WIDE = 0.6
"""Of the largest object: slices through the middle of the head decide its axis."""
_WIDEST = 29.0
_FEWEST = 3
_TILT = ("mr.tilt_deg",)
_COVERAGE = ("mr.coverage_top_mm", "mr.coverage_down_mm", "mr.coverage_ends_share")


class MrHead:
    """Of a series of a head."""

    name = _NAME
    needs = frozenset({"exam.kind"})
    provides = frozenset((*_TILT, *_COVERAGE))

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        why = not_for(subject) or ("not a head" if subject.so_far.text("exam.kind") not in _HEADS else None)
        stack = None if why else _stack(subject)
        if stack is None:
            reason = Reason.NOT_APPLICABLE if why else Reason.NOT_RELIABLE
            detail = why or "no stack of slices with an object"
            yield from (NotMeasured(name, reason, detail) for name in sorted(self.provides))
            return
        for fact in (*_coverage(stack), _tilt(stack)):
            yield signed(_drawn(fact, subject), _NAME)


def _drawn(fact: Measured, subject: SetSubject) -> Measured:
    if isinstance(fact, Measurement) and fact.name == _COVERAGE[0] and isinstance(fact.value, float):
        return replace(fact, marks=marks.of_top(subject.images, fact.value))
    return fact


def _stack(subject: SetSubject) -> Stack | None:
    seen = [one for one in subject.images.slices if "mr.object" in one.numbers]
    stacks = arrangement_of(seen).stacks
    return stacks[0] if stacks and len(stacks[0].slices) >= _FEWEST else None


def _coverage(stack: Stack) -> Iterator[Measured]:
    along = int(np.argmax(np.abs(stack.direction)))
    if along == 2:
        yield from _from_areas(stack)
        yield NotMeasured("mr.coverage_ends_share", Reason.NOT_APPLICABLE, "axial slices")
        return
    yield from _from_pictures(stack)
    yield Measurement("mr.coverage_ends_share", coverage.end_share([share(one) for one in stack.slices]))


def _from_areas(stack: Stack) -> Iterator[Measured]:
    spacing = stack.spacing_mm or stack.slices[0].technique.SliceThickness or 0.0
    size = _size_mm(stack.slices[0])
    if size is None:
        yield from (NotMeasured(name, Reason.NO_SPACING) for name in _COVERAGE[:2])
        return
    areas = [share(one) * size[0] * size[1] for one in stack.slices]
    found = coverage.axial(areas, stack.positions_mm.tolist(), spacing)
    if found is None or spacing <= 0:
        yield from (
            NotMeasured(name, Reason.NOT_RELIABLE, "too few slices, or no fall towards the top")
            for name in _COVERAGE[:2]
        )
        return
    # Thick steps leave the vertex between two slices.
    sure = 0.9 if spacing <= 8 else 0.6
    yield Measurement("mr.coverage_top_mm", found.top_mm, confidence=sure)
    yield Measurement("mr.coverage_down_mm", found.down_mm, confidence=sure)


def _from_pictures(stack: Stack) -> Iterator[Measured]:
    """The head's top is in the pictures: the edge nearest to it that any slice shows."""
    one = stack.slices[0]
    size = _size_mm(one)
    heads_up = _head_side(one.technique.ImageOrientationPatient)
    if size is None or heads_up is None:
        reason = Reason.NO_SPACING if size is None else Reason.NOT_APPLICABLE
        yield from (NotMeasured(name, reason, "slices between two planes") for name in _COVERAGE[:2])
        return
    axis, first = heads_up
    low, high = (column(stack.slices, "mr.object", k) for k in ((3, 4) if axis == 0 else (5, 6)))
    gap = float(np.nanmin(low)) if first else 1 - float(np.nanmax(high))
    yield Measurement("mr.coverage_top_mm", gap * size[axis], confidence=0.9)
    yield Measurement("mr.coverage_down_mm", (1 - gap) * size[axis], confidence=0.9)


def _size_mm(one: Slice) -> tuple[float, float] | None:
    shown = one.display
    if len(shown.PixelSpacing) != 2 or not shown.Rows or not shown.Columns:
        return None
    return shown.PixelSpacing[0] * shown.Rows, shown.PixelSpacing[1] * shown.Columns


def _head_side(cosines: Sequence[float]) -> tuple[int, bool] | None:
    """Axis of the array that runs between head and feet, and whether the head is at its beginning."""
    along_row, along_column = cosines[2], cosines[5]
    if max(abs(along_row), abs(along_column)) < math.cos(math.radians(30)):
        return None
    return (0, along_column < 0) if abs(along_column) > abs(along_row) else (1, along_row < 0)


def _tilt(stack: Stack) -> Measured:
    """The larger of the angle within the slices and the angle that the centres of the slices lean by."""
    name = _TILT[0]
    large = max(share(one) for one in stack.slices)
    wide = [one for one in stack.slices if share(one) >= _WIDE * large]
    degrees, offset, alike = (column(wide, "mr.symmetry", k) for k in range(3))
    seen = (alike >= _ALIKE) & (np.abs(degrees) < _WIDEST)
    if int(seen.sum()) < _FEWEST:
        return NotMeasured(name, Reason.NOT_RELIABLE, "no plane of symmetry in these slices")
    turned = float(np.median(degrees[seen]))
    lean = _lean(stack, wide, np.where(seen, offset, np.nan))
    worst = max((turned, lean), key=abs)
    return Measurement(name, worst, confidence=0.7)


def _lean(stack: Stack, wide: Sequence[Slice], offset: NDArray[np.float64]) -> float:
    """Degrees: slope of the axis' place over the position of the slices; 0 where it cannot be said."""
    size = _size_mm(wide[0])
    at = dict(zip((id(one) for one in stack.slices), stack.positions_mm.tolist(), strict=True))
    where = np.array([at[id(one)] for one in wide])
    seen = np.isfinite(offset)
    if size is None or int(seen.sum()) < _FEWEST or float(np.ptp(where[seen])) < 20:
        return 0.0
    slope = np.polyfit(where[seen], offset[seen] * size[1], 1)[0]
    return math.degrees(math.atan(float(slope)))
