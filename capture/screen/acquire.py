"""A shot to an Acquisition: what was accepted off the screen, or confirmed by a person, and the image cut out.

A value that was not accepted does not enter: no rule may judge a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import cv2
import numpy as np

from capture.acquisition import Acquisition, Device, Display, Exam, Fault, FieldOrigin, Identity, Pixels, Technique
from capture.arrival import Arrival
from capture.errors import SetAside
from capture.screen.reading import FieldReading
from capture.screen.shot import MOST_BYTES, Shot, parse, picture
from capture.screen.signal import State
from capture.screen.template import ScreenField, Template
from capture.screen.values import Plain, plain
from capture.text import Bilingual

__all__ = ["read", "shot_of"]

BELIEVED = 0.988
"""Confidence of what the policy accepted: none wrong of 258, upper bound 1.2 % (capture-ocr.md, section 5)."""
CAPTURE_FAULT, TO_CHECK = "screen.capture_fault", "screen.to_check"
"""Fault codes; TO_CHECK with the keyword of the field."""
_COLOURED = 24
"""Difference of channels beyond which a pixel has a colour: 4:2:0 and JPEG tint a grey by less."""
T = TypeVar("T", Identity, Exam, Technique, Device)


def shot_of(path: Path) -> Shot:
    """The file of an arrival. Raises SetAside ``screen.unreadable``, OSError."""
    with path.open("rb") as file:
        return parse(file.read(MOST_BYTES + (1 << 20)))


def read(path: Path, arrival: Arrival, confirmed: Mapping[str, str] | None = None) -> Acquisition:
    """What one event of a screen says.

    Args:
        path: The shot.
        arrival: Its arrival.
        confirmed: What a person said of fields, by keyword; "" where the screen shows nothing.

    Raises:
        SetAside: ``screen.unreadable``.
        OSError: the file cannot be read.
    """
    shot = shot_of(path)
    values, origins, faults = _values(shot, confirmed or {})
    if shot.told.state is State.CAPTURE_FAULT:
        faults.append(Fault(CAPTURE_FAULT))
    # What was read is Unicode, whatever the console had.
    exam = _filled(Exam, values, Modality=shot.template.modality, SpecificCharacterSet=("ISO_IR 192",))
    pixels = _image(shot)
    rows, columns = pixels.values.shape
    return Acquisition(
        arrival_id=arrival.id,
        identity=_filled(Identity, values),
        exam=exam,
        technique=_filled(Technique, values),
        device=_filled(Device, {**_device(shot.template), **values}),
        display=Display(
            Rows=rows,
            Columns=columns,
            SamplesPerPixel=1 if pixels.color is None else 3,
            PhotometricInterpretation="MONOCHROME2" if pixels.color is None else "RGB",
            BitsAllocated=8,
            BitsStored=8,
            PixelRepresentation=0,
        ),
        pixels=pixels,
        faults=tuple(faults),
        provenance=tuple(origins),
        medium="screen",
    )


def _values(shot: Shot, confirmed: Mapping[str, str]) -> tuple[dict[str, Plain], list[FieldOrigin], list[Fault]]:
    values: dict[str, Plain] = {}
    origins: list[FieldOrigin] = []
    faults: list[Fault] = []
    taught = {field.keyword: field for field in shot.template.fields}
    for reading in shot.told.readings:
        field = taught.get(reading.keyword)
        if field is None:
            continue
        said = confirmed.get(reading.keyword)
        text = said if said is not None else _believed(reading)
        value = None if text is None else plain(field, text)
        if value is not None:
            values[reading.keyword] = value
            origins.append(
                FieldOrigin(reading.keyword, "ocr", BELIEVED)
                if said is None
                else FieldOrigin(reading.keyword, "operator")
            )
        elif said is None and _matters(reading, field):
            faults.append(Fault(TO_CHECK, reading.keyword, reading.reason))
    return values, origins, faults


def _believed(reading: FieldReading) -> str | None:
    return reading.text if reading.state == "accepted" else None


def _matters(reading: FieldReading, field: ScreenField) -> bool:
    """An empty field that need not be filled is nothing to ask a technologist about."""
    return field.required or reading.reason != "empty"


def _device(template: Template) -> dict[str, Plain]:
    names = {one.name for one in fields(Device)}
    return {keyword: value for keyword, value in template.device.items() if keyword in names}


def _filled(kind: type[T], values: Mapping[str, Plain], **fixed: Any) -> T:
    """A section from what was read. A value of the wrong type is left out: its keyword was taught wrongly."""
    hints = get_type_hints(kind)
    found: dict[str, Any] = {}
    for name, value in values.items():
        wanted = hints.get(name)
        if wanted == str | None:
            found[name] = str(value)
        elif wanted == float | None and isinstance(value, float):
            found[name] = value
        elif wanted == int | None and isinstance(value, float) and value.is_integer():
            found[name] = int(value)
        elif wanted == tuple[str, ...]:
            found[name] = (str(value),)
    return kind(**{**found, **fixed})


def _image(shot: Shot) -> Pixels:
    screen = picture(shot.frames[0])
    template, box = shot.template, shot.template.image
    if screen.shape[:2] != (template.height, template.width):
        raise SetAside(
            "screen.unreadable",
            Bilingual("屏幕图像与模板的分辨率不符", "The picture has another size than its template"),
            Bilingual("请检查采集卡的分辨率设置", "Check the resolution of the capture card"),
        )
    cut = screen[box.rows, box.columns]
    grey = cv2.cvtColor(cut, cv2.COLOR_BGR2GRAY).astype(np.float32)
    spread = cut.max(axis=2).astype(np.int16) - cut.min(axis=2)
    coloured = float((spread > _COLOURED).mean()) > 1e-3
    return Pixels(
        values=grey,
        color=np.ascontiguousarray(cut[:, :, ::-1]) if coloured else None,
        padding=None,
        value_range=(0.0, 255.0),
        spacing_mm=None,
        spacing_source=None,
        inverted=False,
        window=(127.5, 255.0),
        frame=0,
        frames=1,
    )
