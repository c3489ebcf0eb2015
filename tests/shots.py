"""Shots of a drawn console: three fields and an image box, as a screen's process puts them into the spool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.reading import FieldReading
from capture.screen.shot import Shot, Told, dump
from capture.screen.signal import State
from capture.screen.template import Anchor, Box, FieldKind, ScreenField, Template

WIDTH, HEIGHT = 960, 600
IMAGE = Box(x=200, y=20, w=560, h=560)
_FIELDS: Sequence[tuple[str, FieldKind, str]] = (
    ("PatientID", "id", ""),
    ("PatientName", "name", ""),
    ("PatientSex", "choice", ""),
    ("PatientAge", "text", ""),
    ("PatientBirthDate", "date", ""),
    ("AccessionNumber", "id", ""),
    ("OperatorsName", "name", ""),
    ("StudyDate", "date", ""),
    ("StudyTime", "time", ""),
    ("BodyPartExamined", "text", ""),
    ("ViewPosition", "text", ""),
    ("KVP", "number", "kV"),
    ("DistanceSourceToDetector", "number", "cm"),
)


def template(**changes: object) -> Template:
    """A DR console with one column of fields."""
    taught = [
        ScreenField(keyword=keyword, box=Box(x=20, y=20 + 30 * n, w=150, h=24), kind=kind, unit=unit)
        for n, (keyword, kind, unit) in enumerate(_FIELDS)
    ]
    anchor = Anchor(box=Box(x=800, y=20, w=40, h=20), patch="")
    whole = Template(
        id="dr-room",
        version=1,
        title="DR room",
        modality="DX",
        width=WIDTH,
        height=HEIGHT,
        pixel_format="bgr24",
        anchors=(anchor, anchor),
        fields=tuple(taught),
        image=IMAGE,
        event_mode="exposure",
    )
    return whole.model_copy(update=changes)


def accepted(texts: Mapping[str, str]) -> tuple[FieldReading, ...]:
    """Readings that the policy accepted."""
    return tuple(FieldReading(keyword, text, "accepted", 0.97, text) for keyword, text in texts.items())


def screen(film: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The console's picture with this grey film in its image box."""
    shown = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    fitted = cv2.resize(film, (IMAGE.w, IMAGE.h), interpolation=cv2.INTER_AREA)
    shown[IMAGE.rows, IMAGE.columns] = fitted[:, :, None]
    return shown


def shot(
    readings: tuple[FieldReading, ...],
    shown: NDArray[np.uint8],
    state: State = State.OK,
    taught: Template | None = None,
) -> bytes:
    """The file's bytes."""
    png = cv2.imencode(".png", shown)[1].tobytes()
    return dump(Shot(Told("dr-room", "new", "image-1", 0, state, readings), taught or template(), (png,)))


def put(folder: Path, content: bytes) -> Path:
    """The file of an arrival."""
    path = folder / "shot.bin"
    path.write_bytes(content)
    return path
