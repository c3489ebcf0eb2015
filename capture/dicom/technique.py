"""Technique out of a header, where more than one element can say a thing, public or a maker's own."""

from __future__ import annotations

from dataclasses import replace

from capture.acquisition import Technique
from capture.dicom.fields import Header
from capture.dicom.private import private_numbers

_Place = tuple[str, int, int, str]
"""Creator, group, element and VR of a private element."""

_B_VALUES: tuple[_Place, ...] = (
    ("SIEMENS MR HEADER", 0x0019, 0x0C, "IS"),
    ("Philips Imaging DD 001", 0x2001, 0x03, "FL"),
    ("Image Private Header", 0x0065, 0x0A, "FD"),
    (_GE := "GEMS_PARM_01", 0x0043, 0x39, "IS"),
)
"""The b-value that was asked for (makers' conformance statements; dcm2niix)."""
_GRADIENTS: tuple[_Place, ...] = (
    ("SIEMENS MR HEADER", 0x0019, 0x0E, "FD"),
    ("Image Private Header", 0x0065, 0x37, "FD"),
)
"""Its direction, in the patient."""
_GE_OFFSET = 1_000_000_000
"""GE adds this to the b-values of some versions."""
_LARGEST_B = 100_000.0


def technique_of(header: Header) -> Technique:
    """How it was exposed or scanned.

    Exposure is an integer of mAs in most objects; where it was rounded to 0, ExposureInuAs knows better.
    """
    technique = header.fill(Technique)
    if technique.Exposure == 0:
        fine = header.numbers("ExposureInuAs")
        technique = replace(technique, Exposure=fine[0] / 1000 if fine else 0.0)
    if technique.DiffusionBValue is not None:
        return technique
    return replace(
        technique, DiffusionBValue=_private_b_value(header), DiffusionGradientOrientation=_private_gradient(header)
    )


def _private_b_value(header: Header) -> float | None:
    for place in _B_VALUES:
        numbers = private_numbers(header.places[0], *place)
        if numbers:
            value = numbers[0] % _GE_OFFSET if place[0] == _GE else numbers[0]
            return value if 0 <= value <= _LARGEST_B else None
    return None


def _private_gradient(header: Header) -> tuple[float, ...]:
    found = (private_numbers(header.places[0], *place) for place in _GRADIENTS)
    return next((numbers for numbers in found if len(numbers) == 3), ())
