"""ct.*: facts of any CT series: noise, centring, size, field, metal (CC03, CC04, CC07, CC10, CH03, CH05, CH06)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from models.ct.chest import off_centre
from models.ct.kind import CHEST, HEAD
from models.ct.look import Look
from models.ct.marks import panel_mark
from models.ct.measure import CtMeasure, unreliable
from models.ct.noise import SliceNoise, series_noise
from models.ct.rings import ring_z
from models.ct.size import size_factor, water_equivalent_mm
from models.ct.slices import number
from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason
from models.sets.producer import SetSubject

_NOISE = frozenset({"ct.noise_hu"})
_CENTRE = frozenset({"ct.off_centre_down_mm", "ct.off_centre_across_mm", "ct.off_centre_mm"})
_SIZE = frozenset({"ct.water_equivalent_mm", "ct.ssde_mGy"})
_FIELD = frozenset({"ct.skin_cut_percent"})
_RINGS = frozenset({"ct.ring_z", "ct.ring_mm"})
_SAME_CENTRE_MM = 1.5
_METAL = frozenset({"ct.metal_outside_ml", "ct.metal_image"})
_LEAST_SLICES = 3
_CUT_PERCENT = 5.0
"""Of the skin on the edge of the field, beyond which the patient's size is not known."""
_FIXED_SHARE, _FIXED_SPREAD = 0.6, 0.01
"""Metal at one place of the picture in most slices belongs to the table."""


def _noise(look: Look, _: SetSubject) -> Iterator[Measured]:
    taken = [
        SliceNoise(
            one.numbers["ct.histogram"],
            one.numbers["ct.variogram"],
            int(one.numbers["ct.window"][0]),
            one.numbers["ct.columns"],
        )
        for one in look.from_head
        if "ct.histogram" in one.numbers
    ]
    value = series_noise(taken) if len(taken) >= _LEAST_SLICES else None
    if value is None:
        yield from unreliable(_NOISE, "too few slices with soft tissue")
        return
    lossy = any(one.display.LossyImageCompression == "01" for one in look.from_head)
    if lossy:
        yield from unreliable(_NOISE, "lossy compression")
        return
    yield Measurement("ct.noise_hu", value)


def _centre(look: Look, _: SetSubject) -> Iterator[Measured]:
    if look.scan.centre_mm is None:
        detail = "the header does not say where the isocentre is"
        yield from (NotMeasured(name, Reason.NOT_IN_HEADER, detail) for name in sorted(_CENTRE))
        return
    offset = off_centre(look.scan, look.body, look.span)
    if offset is None or look.cut.skin_percent > 4 * _CUT_PERCENT:
        yield from unreliable(_CENTRE, "the field cuts the patient")
        return
    away = float(np.hypot(offset.down_mm, offset.across_mm))
    down, across = look.scan.centre_mm
    _, rows, columns = look.scan.hu.shape
    high, wide = rows * look.scan.spacing_mm[0], columns * look.scan.spacing_mm[1]
    iso = ((across + look.scan.spacing_mm[1] / 2) / wide, (down + look.scan.spacing_mm[0] / 2) / high)
    body = (iso[0] + offset.across_mm / wide, iso[1] + offset.down_mm / high)
    marks = (
        panel_mark(look.scan, "axial", "point", "isocentre", [iso]),
        panel_mark(look.scan, "axial", "arrow", "centre", [body, iso], f"{away:.0f} mm"),
    )
    yield Measurement("ct.off_centre_down_mm", offset.down_mm, marks=marks)
    yield Measurement("ct.off_centre_across_mm", offset.across_mm, marks=marks)
    yield Measurement("ct.off_centre_mm", max(abs(offset.down_mm), abs(offset.across_mm)), marks=marks)


def _size(look: Look, subject: SetSubject) -> Iterator[Measured]:
    diameters = water_equivalent_mm(look.scan, look.body)[look.span]
    diameters = diameters[np.isfinite(diameters)]
    if not len(diameters) or look.cut.skin_percent > _CUT_PERCENT:
        yield from unreliable(_SIZE, "the field cuts the patient")
        return
    mean = float(diameters.mean())
    yield Measurement("ct.water_equivalent_mm", mean)
    dose = subject.so_far.number("dose.ctdivol_mGy")
    if dose is None:
        yield NotMeasured("ct.ssde_mGy", Reason.NOT_IN_HEADER, "no CTDIvol")
        return
    head = subject.so_far.text("exam.kind") == HEAD
    factor = np.mean([size_factor(float(one), 16 if head else 32) for one in diameters])
    # The header does not say which phantom CTDIvol refers to: 16 cm for heads, 32 cm for bodies (IEC 60601-2-44).
    yield Measurement("ct.ssde_mGy", dose * float(factor), confidence=0.8)


def _field(look: Look, _: SetSubject) -> Iterator[Measured]:
    yield Measurement("ct.skin_cut_percent", look.cut.skin_percent)


def _rings(look: Look, _: SetSubject) -> Iterator[Measured]:
    isocentre = look.scan.isocentre
    if isocentre is None:
        detail = "the header does not say where the isocentre is"
        yield from (NotMeasured(name, Reason.NOT_IN_HEADER, detail) for name in sorted(_RINGS))
        return
    rows = [row for one in look.from_head for row in one.numbers.get("ct.rings", ())]
    about = [row[2:] for row in rows if np.hypot(*(row[:2] - np.array(isocentre))) <= _SAME_CENTRE_MM]
    found = ring_z(about)
    spacing = look.from_head[0].display.PixelSpacing
    if found is None or not spacing:
        yield from unreliable(_RINGS, "too little soft tissue about the isocentre")
        return
    z, radius = found
    yield Measurement("ct.ring_z", z, marks=_ring_marks(look, radius * spacing[0]))
    yield Measurement("ct.ring_mm", radius * spacing[0])


def _ring_marks(look: Look, radius_mm: float) -> tuple[Mark, ...]:
    scan = look.scan
    if scan.centre_mm is None:
        return ()
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    _, rows, columns = scan.hu.shape
    down = (scan.centre_mm[0] + scan.spacing_mm[0] / 2 + radius_mm * np.sin(turn)) / (rows * scan.spacing_mm[0])
    across = (scan.centre_mm[1] + scan.spacing_mm[1] / 2 + radius_mm * np.cos(turn)) / (
        columns * scan.spacing_mm[1]
    )
    points = [(float(x), float(y)) for x, y in zip(across, down, strict=True)]
    return (panel_mark(scan, "axial", "contour", "ring", points),)


def _metal(look: Look, _: SetSubject) -> Iterator[Measured]:
    found = np.array([[number(one, "metal", at) for at in range(3)] for one in look.from_head])
    if not np.isfinite(found[:, 0]).any():
        yield from unreliable(_METAL, "no slice was looked at in full size")
        return
    area = np.nan_to_num(found[:, 0])
    shows = area > 0
    spread = np.nanstd(found[shows, 1:], axis=0).max() if shows.any() else 1.0
    if shows.mean() > _FIXED_SHARE and spread < _FIXED_SPREAD:
        yield from unreliable(_METAL, "metal at one place in most slices: part of the table")
        return
    # Each slice stands for the space up to its neighbours.
    thick = np.gradient(look.scan.z_mm)
    marks = _metal_marks(look, found, shows)
    yield Measurement("ct.metal_outside_ml", float((area * thick).sum()) / 1000, marks=marks)
    worst = look.from_head[int(np.argmax(area))].exam.InstanceNumber
    if not shows.any() or worst is None:
        yield NotMeasured("ct.metal_image", Reason.NOT_APPLICABLE, "no metal outside the skin")
    else:
        yield Measurement("ct.metal_image", float(worst))


def _metal_marks(look: Look, found: NDArray[np.float64], shows: NDArray[np.bool_]) -> tuple[Mark, ...]:
    n = len(look.scan.hu)
    worst = np.argsort(found[:, 0])[::-1][:8]
    return tuple(
        panel_mark(look.scan, "coronal", "point", "metal", [(float(found[at, 2]), (at + 0.5) / n)])
        for at in worst
        if shows[at]
    )


_PATIENTS = frozenset({CHEST, HEAD})
PRODUCERS = (
    CtMeasure("ct-noise/1", _NOISE, _noise),
    CtMeasure("ct-centre/1", _CENTRE, _centre, _PATIENTS),
    CtMeasure("ct-size/1", _SIZE, _size),
    CtMeasure("ct-field/1", _FIELD, _field),
    CtMeasure("ct-rings/1", _RINGS, _rings, _PATIENTS),
    CtMeasure("ct-metal/1", _METAL, _metal),
)
