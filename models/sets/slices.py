"""series.*: whether a series is whole, even and in order, and what it is.

Items CC12 to CC14, CH09, MB01, MB11, MB13 and HD13 of image-qc.md.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence

import numpy as np

from capture.acquisition import NoPixels
from models.measurement import Reason
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Missing, family
from models.sets.answers import SetReporter
from models.sets.geometry import Arrangement, Stack, sorted_out
from models.sets.header_count import Time, missing_times
from models.sets.image_set import Slice, SlicePixels
from models.sets.naming import kernel_class, part_of, reconstruction, set_aside, weighting
from models.sets.producer import SetProducer, SetSubject

_MOST_NAMED = 12
"""Image numbers in a text; more are not read."""
_TILT_DEG = 0.5
"""Positions that lean by more than this from what GantryDetectorTilt says do not agree with it."""
_DAMAGED = frozenset(("no_pixel_data", "truncated", "decode_failed", "inconsistent"))
"""Of NO_PIXELS, those that are the image's fault."""
_UNSEEN = Missing(Reason.NO_PIXELS, "judged by the headers")
_UNPLACED = Missing(Reason.NOT_IN_HEADER, "no slice says where it lies")
_UNKNOWN = Missing(Reason.NOT_RELIABLE, "the header does not say clearly")
_ONE = Missing(Reason.NOT_APPLICABLE, "a single slice")
_NO_GRID = Missing(Reason.NOT_RELIABLE, "its times do not have the same pictures")
_FEW = 0.2
"""Of the stacks of a dynamic series that may be lost; where more lack, they were never meant to be."""


def _report(subject: SetSubject) -> Answers:
    if subject.images.level != "series":
        return dict.fromkeys(PRODUCER.provides, Missing(Reason.NOT_APPLICABLE, "a whole study"))
    series = subject.images.series[0]
    found = sorted_out(series)
    slices = found.once
    middle = slices[len(slices) // 2]
    aside = set_aside(middle.exam)
    return {
        "series.is_judged": aside is None,
        "series.set_aside": aside or NOT_APPLICABLE,
        "series.part": part_of(middle.exam) or NOT_IN_HEADER,
        "series.slices": len(slices),
        "series.resent": found.resent,
        **_pixels(slices),
        **_placed(found),
        **_times(slices),
        **_said(slices),
        **_computed_tomography(middle),
        **_magnetic_resonance(slices, middle),
    }


# --- Pictures ----------------------------------------------------------------------------------------------------


def _pixels(slices: Sequence[Slice]) -> Answers:
    unreadable = [one for one in slices if isinstance(one.pixels, NoPixels) and one.pixels.code in _DAMAGED]
    seen = [one.pixels.values for one in slices if isinstance(one.pixels, SlicePixels)]
    return {
        "series.unreadable": len(unreadable),
        "series.unreadable_at": _numbers(unreadable),
        "series.blank": sum(not np.ptp(values) for values in seen) if seen else _UNSEEN,
    }


def _numbers(slices: Iterable[Slice]) -> Answer:
    """Image numbers as text, runs joined: ``3, 7-12``."""
    known = sorted({one.exam.InstanceNumber for one in slices if one.exam.InstanceNumber is not None})
    return _runs(known) if known else NOT_APPLICABLE


def _runs(known: Iterable[int]) -> str:
    """Rising numbers as text."""
    runs: list[list[int]] = []
    for number in known:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = [f"{run[0]}" if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    return ", ".join(texts[:_MOST_NAMED]) + (", ..." if len(texts) > _MOST_NAMED else "")


# --- Places ------------------------------------------------------------------------------------------------------


def _placed(found: Arrangement) -> Answers:
    stacks = found.stacks
    placed: dict[str, Answer] = {"series.unplaced": found.unplaced, "series.stacks": len(stacks)}
    if not stacks:
        return dict.fromkeys(_OF_STACKS, _UNPLACED) | placed
    before = [stack.slices[at] for stack in stacks for at in stack.missing]
    return placed | {
        "series.missing": len(before),
        "series.missing_at": _numbers(before),
        "series.repeated": sum(len(stack.repeated) for stack in stacks),
        "series.repeated_at": _numbers(one for stack in stacks for one in stack.repeated),
        "series.uneven_stacks": _uneven(stacks),
        "series.missing_stacks": _missing_stacks(stacks),
        "series.orientations": _several(stacks, lambda stack: tuple(np.round(stack.direction, 2) + 0.0)),
        **_of_largest(stacks[0]),
    }


_OF_LARGEST = (
    "series.spacing_mm",
    "series.spacing_variation_percent",
    "series.gap_ratio",
    "series.extent_mm",
    "series.shear_deg",
    "series.tilt_agrees",
    "series.is_in_order",
)
_OF_STACKS = (
    "series.missing",
    "series.missing_at",
    "series.repeated",
    "series.repeated_at",
    "series.uneven_stacks",
    "series.missing_stacks",
    "series.orientations",
    "series.plane",
    *_OF_LARGEST,
)


def _several(stacks: Sequence[Stack], kind: Callable[[Stack], Hashable]) -> int:
    return len({kind(stack) for stack in stacks})


def _uneven(stacks: Sequence[Stack]) -> Answer:
    """Among stacks of one plane and grid that lie over one another: times, echoes, b-values of the same slices."""
    largest: list[Stack] = []
    most = 0
    for one in stacks:
        over = next((other for other in largest if one.is_over(other)), None)
        if over is None:
            largest.append(one)
        else:
            most = max(most, len(over.slices) - len(one.slices))
    return most if len(stacks) > len(largest) else NOT_APPLICABLE


def _missing_stacks(stacks: Sequence[Stack]) -> Answer:
    """Of a dynamic series: stacks (echoes, kinds of picture) that other times have and one of them lacks."""
    ones = [stack.slices[0] for stack in stacks if stack.is_over(stacks[0])]
    here = {(one.exam.TemporalPositionIdentifier, _kind(one)) for one in ones}
    times, kinds = {time for time, _ in here}, {kind for _, kind in here}
    if min(len(times), len(kinds)) < 2:
        return NOT_APPLICABLE
    lacking = len(times) * len(kinds) - len(here)
    return lacking if lacking <= _FEW * len(here) else _NO_GRID


def _kind(one: Slice) -> Hashable:
    return one.exam.ImageType, one.exam.ComplexImageComponent, one.technique.EchoTime


def _times(slices: Sequence[Slice]) -> Answers:
    said = {(one.exam.TemporalPositionIdentifier, one.exam.NumberOfTemporalPositions) for one in slices}
    missing = missing_times([Time(1, number=number, announced=announced) for number, announced in said])
    if isinstance(missing, Missing):
        return dict.fromkeys(("series.missing_times", "series.missing_times_at"), missing)
    return {
        "series.missing_times": len(missing),
        "series.missing_times_at": _runs(missing) if missing else NOT_APPLICABLE,
    }


def _of_largest(stack: Stack) -> dict[str, Answer]:
    thickness = stack.slices[0].technique.SliceThickness
    spacing = stack.spacing_mm
    plane = ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(stack.direction)))]
    if spacing is None:
        alone: dict[str, Answer] = dict.fromkeys(_OF_LARGEST, _ONE)
        return alone | {"series.plane": plane}
    variation = stack.spacing_variation_percent
    return {
        "series.spacing_mm": spacing,
        "series.spacing_variation_percent": _UNKNOWN if variation is None else variation,
        "series.gap_ratio": (spacing - thickness) / thickness if thickness else NOT_IN_HEADER,
        "series.extent_mm": float(stack.positions_mm[-1] - stack.positions_mm[0]),
        "series.shear_deg": stack.shear_deg,
        "series.tilt_agrees": _tilt_agrees(stack),
        "series.plane": plane,
        "series.is_in_order": _in_order(stack),
    }


def _tilt_agrees(stack: Stack) -> Answer:
    stated = stack.slices[0].technique.GantryDetectorTilt
    return NOT_IN_HEADER if stated is None else abs(abs(stated) - stack.shear_deg) <= _TILT_DEG


def _in_order(stack: Stack) -> Answer:
    numbers = [one.exam.InstanceNumber for one in stack.slices]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return NOT_IN_HEADER
    if len(set(known)) == 1:
        return NOT_APPLICABLE  # frames of one object
    steps = np.sign(np.diff(known))
    return bool(np.all(steps == steps[0]) and steps[0] != 0)


# --- What the headers say ----------------------------------------------------------------------------------------


def _said(slices: Sequence[Slice]) -> Answers:
    frames = {one.frame_of_reference for one in slices}
    thick = [one.technique.SliceThickness for one in slices if one.technique.SliceThickness is not None]
    return {
        "series.frames_of_reference": len(frames - {""}),
        "series.frame_of_reference_present": "" not in frames,
        "series.grids": len({(one.display.Rows, one.display.Columns, one.display.PixelSpacing) for one in slices}),
        "series.thickness_mm": max(thick) if thick else NOT_IN_HEADER,
        "series.is_uniform": len({_uniform(one) for one in slices}) <= 1,
        "series.varying": tuple(name for name in VARIABLE if len({_value(one, name) for one in slices}) > 1),
    }


VARIABLE = (
    "EchoTime",
    "RepetitionTime",
    "InversionTime",
    "FlipAngle",
    "DiffusionBValue",
    "SliceThickness",
    "KVP",
    "ConvolutionKernel",
)
"""Of Technique, what one series may hold several values of."""


def _value(one: Slice, name: str) -> Hashable:
    found: Hashable = getattr(one.technique, name)
    return found


def _uniform(one: Slice) -> Hashable:
    technique = one.technique
    return technique.KVP, technique.ConvolutionKernel, one.exam.SeriesDescription, one.exam.BodyPartExamined


def _computed_tomography(middle: Slice) -> Answers:
    if middle.exam.Modality != "CT":
        return dict.fromkeys(("series.kernel", "series.reconstruction"), NOT_APPLICABLE)
    unknown = _UNKNOWN if middle.technique.ConvolutionKernel else NOT_IN_HEADER
    made_for = reconstruction(middle.technique, middle.display, part_of(middle.exam))
    return {
        "series.kernel": kernel_class(middle.technique) or unknown,
        "series.reconstruction": made_for or _UNKNOWN,
    }


_DIFFUSION = ("series.b_values", "series.has_b_values", "series.gradient_directions")


def _magnetic_resonance(slices: Sequence[Slice], middle: Slice) -> Answers:
    if middle.exam.Modality != "MR":
        return dict.fromkeys(("series.weighting", *_DIFFUSION), NOT_APPLICABLE)
    kind = weighting(middle.exam, middle.technique)
    if kind != "DWI":
        return dict.fromkeys(_DIFFUSION, NOT_APPLICABLE) | {"series.weighting": kind or _UNKNOWN}
    stated = [one.technique.DiffusionBValue for one in slices]
    directions = {one.technique.DiffusionGradientOrientation for one in slices if one.technique.DiffusionBValue}
    return {
        "series.weighting": kind,
        "series.b_values": b_values(slices) or NOT_IN_HEADER,
        "series.has_b_values": None not in stated,
        "series.gradient_directions": len(directions - {()}) or NOT_IN_HEADER,
    }


def b_values(slices: Iterable[Slice]) -> tuple[str, ...]:
    """Different b-values in s/mm2, rising."""
    stated = {one.technique.DiffusionBValue for one in slices}
    return tuple(f"{value:g}" for value in sorted(value for value in stated if value is not None))


PRODUCER = SetReporter("slices/1", family("series"), _report)
PRODUCERS: tuple[SetProducer, ...] = (PRODUCER,)
