"""ct_head.*: facts of a series of a head, with their marks on the sheet (CH01, CH02, CH04, CH07)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.ct.fossa import fossa_of
from models.ct.head import Head, head_coverage, jumps_mm
from models.ct.kind import HEAD
from models.ct.look import Look
from models.ct.marks import band, outlines, panel_mark, slice_line
from models.ct.measure import CtMeasure, unreliable
from models.ct.symmetry import turn_of
from models.measurement import Mark, Measured, Measurement, Region
from models.sets.producer import SetSubject

_COVERAGE = frozenset(f"ct_head.{name}" for name in ("margin_top_mm", "margin_bottom_mm", "margin_least_mm"))
_TURN = frozenset({"ct_head.yaw_deg", "ct_head.roll_deg", "ct_head.turn_deg"})
_JUMP = frozenset({"ct_head.jump_mm"})
_FIELD = frozenset({"ct_head.field_mm"})
_FOSSA = frozenset({"ct_head.fossa_spread_hu"})
_ALIKE = 0.85
"""Correlation of both halves under which the axis of symmetry means nothing."""


def _coverage(look: Look, _: SetSubject) -> Iterator[Measured]:
    head = look.head
    if head is None:
        yield from unreliable(_COVERAGE, "no brain is seen")
        return
    scan, found = look.scan, head_coverage(look.scan, head)
    top_at = int(np.flatnonzero(head.areas_mm2 > 0)[0])
    marks = _brain_marks(look, head)
    top = slice_line(
        scan, "sagittal", "missing_top" if found.top_mm == 0 else "range_top", top_at, _mm(found.top_mm)
    )
    yield Measurement("ct_head.margin_top_mm", found.top_mm, marks=(*marks, top))
    if not np.isfinite(found.bottom_mm):
        yield from unreliable(
            {"ct_head.margin_bottom_mm", "ct_head.margin_least_mm"}, "the skull's base is not seen"
        )
        return
    name = "missing_bottom" if found.bottom_mm == 0 else "range_bottom"
    low_at = len(scan.hu) - int(np.searchsorted(scan.z_mm[-1] - scan.z_mm[::-1], found.bottom_mm))
    bottom = slice_line(scan, "sagittal", name, low_at, _mm(found.bottom_mm))
    yield Measurement("ct_head.margin_bottom_mm", found.bottom_mm, marks=(*marks, bottom))
    least = min(found.top_mm, found.bottom_mm)
    regions = _ends(look, found.top_mm == 0, found.bottom_mm == 0)
    yield Measurement("ct_head.margin_least_mm", least, regions=regions, marks=(*marks, top, bottom))


def _mm(length: float) -> str:
    return f"{length:.0f} mm"


def _brain_marks(look: Look, head: Head) -> tuple[Mark, ...]:
    coronal, sagittal = (np.asarray(head.brain.any(axis=axis), np.bool_) for axis in (1, 2))
    return (*outlines(look.scan, "coronal", "brain", coronal), *outlines(look.scan, "sagittal", "brain", sagittal))


def _ends(look: Look, top: bool, bottom: bool) -> tuple[Region, ...]:
    n = float(len(look.scan.hu))
    few = max(1.0, 0.04 * n)
    ends = ((top, 0.0, few), (bottom, n - few, n))
    return tuple(band(look.scan, "sagittal", first, last) for cut, first, last in ends if cut)


def _turn(look: Look, _: SetSubject) -> Iterator[Measured]:
    head = look.head
    found = turn_of(look.scan, look.body, head) if head else None
    if found is None or found.alike < _ALIKE:
        yield from unreliable(_TURN, "no plane of symmetry in these slices")
        return
    yaw, roll = panel_lines(look, found.yaw_deg, found.roll_deg)
    yield Measurement("ct_head.yaw_deg", abs(found.yaw_deg), marks=(yaw,))
    yield Measurement("ct_head.roll_deg", abs(found.roll_deg), marks=(roll,))
    yield Measurement("ct_head.turn_deg", max(abs(found.yaw_deg), abs(found.roll_deg)), marks=(yaw, roll))


def panel_lines(look: Look, yaw_deg: float, roll_deg: float) -> tuple[Mark, Mark]:
    """The plane of symmetry as it crosses the axial and the coronal panel."""
    extent = look.scan.extent
    middle = len(look.scan.hu) // 2
    row, column = look.body.centres[middle]
    _, rows, columns = look.scan.hu.shape
    across, down = column / columns, row / rows

    def line(height: float, width: float, at: float, degrees: float) -> list[tuple[float, float]]:
        lean = np.tan(np.radians(degrees)) * height / width
        return [(across - at * lean, 0.0), (across + (1 - at) * lean, 1.0)]

    axial = line(extent.deep, extent.wide, down, yaw_deg)
    coronal = line(extent.high, extent.wide, 0.5, roll_deg)
    return (
        panel_mark(look.scan, "axial", "line", "rotation_yaw", axial, f"{abs(yaw_deg):.0f}°"),
        panel_mark(look.scan, "coronal", "line", "rotation_roll", coronal, f"{abs(roll_deg):.0f}°"),
    )


def _jump(look: Look, _: SetSubject) -> Iterator[Measured]:
    head = look.head
    steps = jumps_mm(look.scan, head) if head else None
    if steps is None or head is None:
        yield from unreliable(_JUMP, "too few slices through the wide part of the skull")
        return
    worst = int(np.argmax(steps))
    at = head.wide.start + worst + 2
    line = slice_line(look.scan, "sagittal", "motion", at, f"{steps[worst]:.1f} mm")
    yield Measurement("ct_head.jump_mm", float(steps[worst]), marks=(line,))


def _field(look: Look, _: SetSubject) -> Iterator[Measured]:
    wide = look.from_head[len(look.from_head) // 2].technique.ReconstructionDiameter
    if wide is None:
        wide = look.scan.extent.wide
    yield Measurement("ct_head.field_mm", wide)


def _fossa(look: Look, _: SetSubject) -> Iterator[Measured]:
    found = fossa_of(look.scan, look.head) if look.head else None
    if found is None:
        yield from unreliable(_FOSSA, "too little of the posterior fossa is seen")
        return
    line = slice_line(look.scan, "sagittal", "streak", found.at + 0.5, f"{found.spread_hu:.0f} HU")
    yield Measurement("ct_head.fossa_spread_hu", found.spread_hu, marks=(line,))


PRODUCERS = tuple(
    CtMeasure(name, names, look, frozenset({HEAD}))
    for name, names, look in (
        ("ct-head-coverage/1", _COVERAGE, _coverage),
        ("ct-head-turn/1", _TURN, _turn),
        ("ct-head-jump/1", _JUMP, _jump),
        ("ct-head-field/1", _FIELD, _field),
        ("ct-head-fossa/1", _FOSSA, _fossa),
    )
)
