"""ct_chest.*: facts of a series of a chest, with their marks on the sheet (CC01 to CC09 without CC03 and CC07)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from models.ct.breathing import right_dome
from models.ct.chest import Coverage, arms_beside, coverage
from models.ct.kind import CHEST
from models.ct.look import Look
from models.ct.lungs import Lungs
from models.ct.marks import band, outlines, panel_mark, slice_line
from models.ct.measure import CtMeasure, unreliable
from models.ct.slices import number
from models.ct.streaks import shoulder_ratio
from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason, Region
from models.sets.producer import SetSubject

_COVERAGE = frozenset(
    f"ct_chest.{name}" for name in ("margin_top_mm", "margin_bottom_mm", "margin_least_mm", "over_scan_mm")
)
_FIELD = frozenset({"ct_chest.lung_cut_percent"})
_BREATH = frozenset({"ct_chest.lung_hu", "ct_chest.lung_ml"})
_DOME = frozenset({"ct_chest.dome_edge_mm"})
_ARMS = frozenset({"ct_chest.arms_beside"})
_STREAKS = frozenset({"ct_chest.shoulder_streak_ratio"})
_CHILD_YEARS = 14.0
_ONE_SIDED = 0.55
"""Asymmetry above which one lung is not seen whole: effusion, collapse, or none there."""


def _coverage(look: Look, _: SetSubject) -> Iterator[Measured]:
    lungs = look.lungs
    if lungs is None:
        yield from unreliable(_COVERAGE, "no lungs are seen")
        return
    found = coverage(look.scan, lungs)
    # A lung that is hidden by fluid may reach further than its air; one in an end slice is cut in any case.
    sure = 0.5 if lungs.asymmetry > _ONE_SIDED else 1.0
    drawn = _lung_marks(look, lungs)
    top, bottom = _end_marks(look, lungs, found)
    yield Measurement("ct_chest.margin_top_mm", found.top_mm, confidence=sure, marks=(*drawn, top))
    yield Measurement("ct_chest.margin_bottom_mm", found.bottom_mm, confidence=sure, marks=(*drawn, bottom))
    least = min(found.top_mm, found.bottom_mm)
    cut = least == 0
    yield Measurement(
        "ct_chest.margin_least_mm",
        least,
        confidence=1.0 if cut else sure,
        regions=_ends(look, found),
        marks=(*drawn, top, bottom),
    )
    most = max(found.top_mm, found.bottom_mm)
    yield Measurement("ct_chest.over_scan_mm", most, confidence=sure, marks=(*drawn, top, bottom))


def _lung_marks(look: Look, lungs: Lungs) -> tuple[Mark, ...]:
    coronal, sagittal = (np.asarray(lungs.mask.any(axis=axis), np.bool_) for axis in (1, 2))
    return (*outlines(look.scan, "coronal", "lung", coronal), *outlines(look.scan, "sagittal", "lung", sagittal))


def _end_marks(look: Look, lungs: Lungs, found: Coverage) -> tuple[Mark, Mark]:
    def one(cut: bool, name: str, at: int, margin: float) -> Mark:
        mark = f"missing_{name}" if cut else f"range_{name}"
        return slice_line(look.scan, "coronal", mark, at, f"{margin:.0f} mm")

    return (
        one(found.cut_top_mm2 > 0, "top", lungs.first, found.top_mm),
        one(found.cut_bottom_mm2 > 0, "bottom", lungs.last + 1, found.bottom_mm),
    )


def _ends(look: Look, found: Coverage) -> tuple[Region, ...]:
    """Boxes on the coronal panel where lung is missing."""
    n = len(look.scan.hu)
    few = max(1.0, 0.04 * n)
    ends = ((found.cut_top_mm2, 0.0, few), (found.cut_bottom_mm2, n - few, float(n)))
    return tuple(band(look.scan, "coronal", first, last) for area, first, last in ends if area > 0)


def _field(look: Look, _: SetSubject) -> Iterator[Measured]:
    lungs = look.lungs
    if lungs is None:
        yield from unreliable(_FIELD, "no lungs are seen")
        return
    share = look.cut.lung_slices / (lungs.last + 1 - lungs.first)
    yield Measurement("ct_chest.lung_cut_percent", 100 * share)


def _breath(look: Look, subject: SetSubject) -> Iterator[Measured]:
    lungs = look.lungs
    age = subject.so_far.number("person.age_years")
    if age is not None and age < _CHILD_YEARS:
        yield from (
            NotMeasured(name, Reason.NOT_APPLICABLE, "a child's lungs are denser") for name in sorted(_BREATH)
        )
        return
    if lungs is None or lungs.asymmetry > _ONE_SIDED:
        yield from unreliable(_BREATH, "not both lungs are seen")
        return
    found = coverage(look.scan, lungs)
    if min(found.top_mm, found.bottom_mm) == 0:
        yield from unreliable(_BREATH, "part of the lungs is missing")
        return
    yield Measurement("ct_chest.lung_hu", lungs.mean_hu)
    yield Measurement("ct_chest.lung_ml", lungs.ml)


def _dome(look: Look, _: SetSubject) -> Iterator[Measured]:
    found = right_dome(look.scan, look.body, look.lungs) if look.lungs else None
    if found is None:
        yield from unreliable(_DOME, "too little of the right diaphragm is seen")
        return
    n, _, columns = look.scan.hu.shape
    places = [((x + 0.5) / columns, (slice_at + 0.5) / n) for x, slice_at in found.outline.tolist()]
    line = panel_mark(look.scan, "coronal", "line", "motion", places, f"{found.edge_mm:.1f} mm")
    yield Measurement("ct_chest.dome_edge_mm", found.edge_mm, marks=(line,))


def _arms(look: Look, _: SetSubject) -> Iterator[Measured]:
    lungs = look.lungs
    if lungs is None:
        yield from unreliable(_ARMS, "no lungs are seen")
        return
    yield Measurement("ct_chest.arms_beside", float(sum(arms_beside(look.scan, lungs))))


def _streaks(look: Look, subject: SetSubject) -> Iterator[Measured]:
    lungs, order = look.lungs, look.from_head
    if lungs is None:
        yield from unreliable(_STREAKS, "no lungs are seen")
        return
    found = shoulder_ratio([number(one, "streak") for one in order], lungs.first, look.scan.step_mm)
    if found is None:
        yield from unreliable(_STREAKS, "too little of the shoulders is in the scan")
        return
    ratio, at = found
    line = slice_line(look.scan, "coronal", "streak", at + 0.5, f"{ratio:.1f}")
    yield Measurement("ct_chest.shoulder_streak_ratio", ratio, marks=(line,))


PRODUCERS = tuple(
    CtMeasure(name, names, look, frozenset({CHEST}))
    for name, names, look in (
        ("ct-chest-coverage/1", _COVERAGE, _coverage),
        ("ct-chest-field/1", _FIELD, _field),
        ("ct-chest-breath/1", _BREATH, _breath),
        ("ct-chest-dome/1", _DOME, _dome),
        ("ct-chest-arms/1", _ARMS, _arms),
        ("ct-chest-streaks/1", _STREAKS, _streaks),
    )
)
