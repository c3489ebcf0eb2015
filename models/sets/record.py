"""The record of an image: what is kept of it for its set, made on arrival. No identity is in it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from mmap import mmap
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Acquisition, Device, Display, Exam, Fault, NoPixels, Pixels, Technique
from capture.keys import key_of
from models.header.anatomy_terms import is_term
from models.header.elements import Secret, identity_in_text
from models.sets.image_set import RECORD_MARK, Slice, SlicePixels
from models.sets.producer import SliceMeasure

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

LONGEST_SIDE: Mapping[str, int] = {"CT": 256}
"""Pixels of the longer side that are kept, by modality."""
LONGEST_OTHER = 512
_LEVELS = 65534
"""Steps of an int16 between the lowest and the highest value."""
_LENGTH = 8


def record_of(
    frames: Iterable[Acquisition], received_at: int, measures: Sequence[SliceMeasure]
) -> tuple[Slice, ...]:
    """A slice for each frame of one object, as :func:`capture.dicom.every_frame.each_frame` gives them.

    ``measures`` look at the full picture; what stays of it is reduced by area means.
    """
    return tuple(_slice(one, frame, received_at, measures) for frame, one in enumerate(frames))


def _slice(one: Acquisition, frame: int, received_at: int, measures: Sequence[SliceMeasure]) -> Slice:
    secret = identity_in_text(one.identity)
    numbers: dict[str, NDArray[np.float32]] = {}
    faults = one.faults
    pixels = one.pixels
    if isinstance(pixels, Pixels):
        for measure in measures:
            try:
                if measure.applies(one.exam, one.display):
                    found = measure.measure(pixels, one.exam, one.technique, one.device)
                    numbers |= {f"{measure.name}.{key}": np.asarray(v, np.float32) for key, v in found.items()}
            except Exception as error:  # noqa: BLE001 - as with producers: a measure that breaks costs only itself
                faults = (*faults, Fault("measure.failed", measure.name, type(error).__name__))
    return Slice(
        arrival_id=one.arrival_id,
        received_at=received_at,
        instance=key_of(one.identity.SOPInstanceUID),
        frame_of_reference=key_of(one.identity.FrameOfReferenceUID),
        frame=frame,
        exam=_without(one.exam, secret),
        technique=one.technique,
        device=_without(one.device, secret),
        display=one.display,
        pixels=reduced(pixels, one.exam.Modality) if isinstance(pixels, Pixels) else pixels,
        numbers=numbers,
        faults=faults,
    )


def _without(section: T, secret: Secret) -> T:
    """The section without texts that hold part of an identity (a study described by the patient's name)."""
    held = {
        field.name: None
        for field in fields(section)
        if isinstance(value := getattr(section, field.name), str) and secret.is_in(value) and not is_term(value)
    }
    return replace(section, **held) if held else section


def reduced(pixels: Pixels, modality: str | None) -> SlicePixels:
    """Area means over squares of ``factor`` pixels; an edge that does not fill a square is repeated.

    Padding takes the lowest value of the picture, so that it stays air.
    """
    values = pixels.values
    if pixels.padding is not None and not pixels.padding.all():
        values = np.where(pixels.padding, values[~pixels.padding].min(), values)
    rows, columns = values.shape
    factor = -(-max(rows, columns) // LONGEST_SIDE.get(modality or "", LONGEST_OTHER))
    if factor > 1:
        beyond = (-rows % factor, -columns % factor)
        whole = np.pad(values, ((0, beyond[0]), (0, beyond[1])), mode="edge") if any(beyond) else values
        size = (whole.shape[1] // factor, whole.shape[0] // factor)
        values = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.float32)
    low, high = float(values.min()), float(values.max())
    step = (high - low) / _LEVELS if high > low else 1.0
    zero = (high + low) / 2
    spacing = pixels.spacing_mm
    return SlicePixels(
        values=np.round((values - np.float32(zero)) / np.float32(step)).astype(np.int16),
        step=step,
        zero=zero,
        spacing_mm=(spacing[0] * factor, spacing[1] * factor) if spacing else None,
        factor=factor,
    )


def dump(slices: Sequence[Slice]) -> bytes:
    """A record as bytes: a line that names the form, the length of the JSON, the JSON, then all arrays."""
    arrays: list[bytes] = []
    rows = [_row(one, arrays) for one in slices]
    head = json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()
    return b"".join((RECORD_MARK, len(head).to_bytes(_LENGTH, "little"), head, *arrays))


def load(record: bytes | mmap) -> tuple[Slice, ...]:
    """The slices of a record. Arrays are views of the bytes.

    Raises:
        ValueError: it is no record, or not a whole one.
    """
    start = len(RECORD_MARK) + _LENGTH
    if record[: len(RECORD_MARK)] != RECORD_MARK:
        raise ValueError("not a record of slices")
    begin = start + int.from_bytes(record[len(RECORD_MARK) : start], "little")
    try:
        rows = json.loads(record[start:begin])
        taken = _Arrays(record, begin)
        return tuple(_slice_of(row, taken) for row in rows)
    except (KeyError, TypeError) as error:
        raise ValueError("a record of another form") from error


_SECTIONS: Mapping[str, type[Any]] = {"exam": Exam, "technique": Technique, "device": Device, "display": Display}


def _row(one: Slice, arrays: list[bytes]) -> dict[str, Any]:
    row: dict[str, Any] = {name: _said(getattr(one, name)) for name in _SECTIONS}
    if isinstance(one.pixels, NoPixels):
        row["no_pixels"] = asdict(one.pixels)
    else:
        said = _said(one.pixels)
        values: NDArray[np.int16] = said.pop("values")
        arrays.append(values.astype("<i2").tobytes())
        row["pixels"] = said | {"shape": values.shape}
    arrays.extend(array.astype("<f4").tobytes() for array in one.numbers.values())
    return row | {
        "arrival_id": one.arrival_id,
        "received_at": one.received_at,
        "instance": one.instance,
        "frame_of_reference": one.frame_of_reference,
        "frame": one.frame,
        "faults": [asdict(fault) for fault in one.faults],
        "numbers": {name: array.shape for name, array in one.numbers.items()},
    }


def _said(section: DataclassInstance) -> dict[str, Any]:
    """The fields that are not as they are when nothing is said."""
    pairs = ((field, getattr(section, field.name)) for field in fields(section))
    return {field.name: value for field, value in pairs if value is not field.default}


def _slice_of(row: dict[str, Any], taken: _Arrays) -> Slice:
    pixels: SlicePixels | NoPixels
    if "pixels" in row:
        said = row["pixels"]
        pixels = _filled(SlicePixels, said | {"values": taken.next("<i2", said["shape"])})
    else:
        pixels = NoPixels(**row["no_pixels"])
    return Slice(
        arrival_id=row["arrival_id"],
        received_at=row["received_at"],
        instance=row["instance"],
        frame_of_reference=row["frame_of_reference"],
        frame=row["frame"],
        exam=_filled(Exam, row["exam"]),
        technique=_filled(Technique, row["technique"]),
        device=_filled(Device, row["device"]),
        display=_filled(Display, row["display"]),
        pixels=pixels,
        numbers={name: taken.next("<f4", shape) for name, shape in row["numbers"].items()},
        faults=tuple(Fault(**fault) for fault in row["faults"]),
    )


def _filled(cls: type[T], row: dict[str, Any]) -> T:
    """A section as it was. A field that this version does not know is left out."""
    known = cls.__dataclass_fields__
    return cls(**{name: tuple(v) if isinstance(v, list) else v for name, v in row.items() if name in known})


class _Arrays:
    """Arrays behind one another in a record."""

    def __init__(self, record: bytes | mmap, at: int) -> None:
        self._record, self._at = record, at

    def next(self, kind: str, shape: Sequence[int]) -> NDArray[Any]:
        """The next array; ValueError where the record ends before it."""
        count = math.prod(shape)
        array = np.frombuffer(self._record, kind, count, self._at).reshape(shape)
        self._at += array.nbytes
        return array
