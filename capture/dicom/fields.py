"""Values of elements as Python values, and whole frozen dataclasses filled by their field names.

A field that bears a DICOM keyword is filled from that element; its type says how. What is not valid for its VR
becomes None and a Fault that names the keyword; what is only unusual (lower case in a CS) is kept with a Fault.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, TypeVar, get_type_hints

from pydicom.datadict import tag_for_keyword

from capture.acquisition import Fault
from capture.dicom.bounded import Element
from capture.dicom.charset import Charset
from capture.dicom.items import Item

T = TypeVar("T")

_BINARY = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
TEXT_VRS = frozenset(("LO", "SH", "PN", "ST", "LT", "UT", "UC"))
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")
_UI = re.compile(r"[0-9.]{1,64}")
_UI_STRICT = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+")
_CS_STRICT = re.compile(r"[A-Z0-9 _]{0,16}(\\[A-Z0-9 _]{0,16})*")
_TM = re.compile(r"([01]\d|2[0-3])(?:([0-5]\d)(?:([0-5]\d|60)(?:\.\d{1,6})?)?)?")
_AS = re.compile(r"\d{3}[DWMY]")

ALIASES: Mapping[str, tuple[tuple[str, float], ...]] = {
    "ExposureTime": (("ExposureTimeInms", 1.0), ("ExposureTimeInuS", 1e-3)),
    "XRayTubeCurrent": (("XRayTubeCurrentInmA", 1.0), ("XRayTubeCurrentInuA", 1e-3)),
    "Exposure": (("ExposureInmAs", 1.0), ("ExposureInuAs", 1e-3)),
    "EchoTime": (("EffectiveEchoTime", 1.0),),
    "InversionTime": (("InversionTimes", 1.0),),
    "ImageLaterality": (("FrameLaterality", 1.0),),
    "TemporalPositionIdentifier": (("TemporalPositionIndex", 1.0),),
    "SequenceName": (("PulseSequenceName", 1.0),),
    "ImagingFrequency": (("TransmitterFrequency", 1.0),),
    "EchoTrainLength": (("RFEchoTrainLength", 1.0),),
    "NumberOfPhaseEncodingSteps": (("MRAcquisitionPhaseEncodingStepsInPlane", 1.0),),
}
"""Where else a value stands (mostly in functional groups of enhanced objects), and what to multiply it by."""


@cache
def tag_of(keyword: str) -> int:
    """Tag of a keyword that is in the dictionary."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag


class Header:
    """Reads values out of an object, noting what is wrong with them.

    ``places``: data sets to look in, in this order: the object, then macros of the chosen frame, then shared ones.
    """

    def __init__(self, places: Sequence[Item], charset: Charset) -> None:
        self.places = tuple(places)
        self.charset = charset
        self.faults: dict[tuple[str, str], Fault] = {}

    def note(self, code: str, keyword: str, detail: str = "") -> None:
        """Add a Fault once."""
        self.faults.setdefault((code, keyword), Fault(code, keyword, detail))

    def find(self, tag: int) -> tuple[Item, Element] | None:
        """The first place that has the element with a value."""
        for place in self.places:
            element = place.elements.get(tag)
            if element is not None and element.end > element.start:
                return place, element
        return None

    def has(self, keyword: str) -> bool:
        """Whether the element is there with a value."""
        return self.find(tag_of(keyword)) is not None

    def sequence(self, keyword: str) -> tuple[Item, ...]:
        """Items of a sequence."""
        found = self.find(tag_of(keyword))
        return () if found is None else found[0].items(found[1].tag)

    def code(self, keyword: str) -> str | None:
        """Code value of the first item of a code sequence."""
        items = self.sequence(keyword)
        return code_value(items[0]) if items else None

    def text(self, keyword: str) -> str | None:
        """One text; a VM above one stays one text."""
        return self.text_at(tag_of(keyword), keyword)

    def text_at(self, tag: int, keyword: str) -> str | None:
        """Text of any element, public or private."""
        found = self.find(tag)
        if found is None:
            return None
        place, element = found
        if element.vr in _BINARY:
            numbers = _unpack(place, element)
            return None if not numbers else "\\".join(f"{number:g}" for number in numbers)
        text = self.charset.decode(place.source.value(element))
        if text is None:
            self.note("value.invalid", keyword)
            return None
        text = _CONTROL.sub(" ", text.rstrip("\0")).strip()
        return self._checked(text, keyword, element.vr) if text else None

    def _checked(self, text: str, keyword: str, vr: str) -> str | None:
        check = _CHECKS.get(vr)
        if check is None:
            return text
        valid, kept = check(text)
        if not valid:
            self.note("value.invalid" if kept is None else "value.nonconforming", keyword)
        return kept

    def texts(self, keyword: str) -> tuple[str, ...]:
        """The values of a multi-valued text."""
        text = self.text(keyword)
        return () if text is None else tuple(part.strip() for part in text.split("\\"))

    def numbers(self, keyword: str) -> tuple[float, ...]:
        """All numbers of an element; () and a Fault when one of them is none."""
        found = self.find(tag_of(keyword))
        if found is None:
            return ()
        values = numbers_of(*found)
        if values is None:
            self.note("value.invalid", keyword)
        return values or ()

    def number(self, keyword: str) -> float | None:
        """First number of an element, or of one of its aliases, in the unit of ``keyword``."""
        values = self.numbers(keyword)
        if values:
            return values[0]
        for other, factor in ALIASES.get(keyword, ()):
            values = self.numbers(other)
            if values:
                return values[0] * factor
        return None

    def integer(self, keyword: str) -> int | None:
        """First number as an int of at most 32 bits; a fraction is not valid."""
        number = self.number(keyword)
        if number is None:
            return None
        if not number.is_integer() or abs(number) >= 1 << 32:
            self.note("value.invalid", keyword)
            return None
        return int(number)

    def fill(self, cls: type[T], **given: object) -> T:
        """A dataclass whose fields are keywords; ``given`` sets those that are not."""
        readers = _readers(cls)  # type: ignore[arg-type]  # a type is hashable; mypy loses that for a T
        values = {name: read(self, name) for name, read in readers.items() if name not in given}
        return cls(**values, **given)

    def refill(self, section: T) -> T:
        """``section`` with the values that these places give, and its own where they give none."""
        readers = _readers(type(section))  # type: ignore[arg-type]  # as in fill
        values = {name: read(self, name) for name, read in readers.items()}
        return replace(section, **{name: value for name, value in values.items() if value not in (None, ())})  # type: ignore[type-var]  # as above


def numbers_of(place: Item, element: Element) -> tuple[float, ...] | None:
    """Numbers of an element, binary or text; None when one of them is not a finite number."""
    if element.vr in _BINARY:
        return _unpack(place, element)
    text = place.source.value(element).decode("latin-1").strip(" \0")
    parts = [part.strip(" \0") for part in text.split("\\")]
    if not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    values = tuple(float(part) for part in parts)
    return values if all(map(math.isfinite, values)) else None


def _unpack(place: Item, element: Element) -> tuple[float, ...] | None:
    code = _BINARY[element.vr]
    value = place.source.value(element)
    size = struct.calcsize(code)
    count = len(value) // size
    if count == 0:
        return None
    order = "<" if place.source.little else ">"
    values = tuple(float(v) for v in struct.unpack_from(f"{order}{count}{code}", value))
    return values if all(map(math.isfinite, values)) else None


def plain_text(place: Item, keyword: str) -> str | None:
    """ASCII text of an element of an item: codes, UIDs."""
    element = place.elements.get(tag_of(keyword))
    if element is None:
        return None
    return place.source.value(element, 1024).decode("ascii", "ignore").strip(" \0") or None


def code_value(item: Item) -> str | None:
    """Code value of a code sequence item, however long it is."""
    for keyword in ("CodeValue", "LongCodeValue", "URNCodeValue"):
        value = plain_text(item, keyword)
        if value:
            return value
    return None


@lru_cache(maxsize=1024)
def _date(text: str) -> tuple[bool, str | None]:
    plain = re.sub(r"[.\-/]", "", text)
    try:
        datetime.strptime(plain, "%Y%m%d")  # noqa: DTZ007 - a calendar check, no moment in time
    except ValueError:
        return False, None
    return plain == text and len(text) == 8, plain if len(plain) == 8 else None


def _time(text: str) -> tuple[bool, str | None]:
    plain = text.replace(":", "")
    return (plain == text, plain) if _TM.fullmatch(plain) else (False, None)


def _uid(text: str) -> tuple[bool, str | None]:
    return (bool(_UI_STRICT.fullmatch(text)), text) if _UI.fullmatch(text) else (False, None)


def _age(text: str) -> tuple[bool, str | None]:
    return (True, text) if _AS.fullmatch(text) else (False, None)


def _code_string(text: str) -> tuple[bool, str | None]:
    return bool(_CS_STRICT.fullmatch(text)), text


_CHECKS: Mapping[str, Callable[[str], tuple[bool, str | None]]] = {
    "DA": _date,
    "TM": _time,
    "UI": _uid,
    "AS": _age,
    "CS": _code_string,
}
"""By VR: (whether the text conforms, what to keep of it)."""


def _alias_text(header: Header, keyword: str) -> str | None:
    text = header.text(keyword)
    for other, _ in ALIASES.get(keyword, ()) if text is None else ():
        text = text or header.text(other)
    return text


_BY_TYPE: Mapping[Any, Callable[[Header, str], object]] = {
    str | None: _alias_text,
    float | None: Header.number,
    int | None: Header.integer,
    tuple[str, ...]: Header.texts,
    tuple[float, ...]: Header.numbers,
}


@cache
def _readers(cls: type[Any]) -> Mapping[str, Callable[[Header, str], object]]:
    hints = get_type_hints(cls)
    known = ((field.name, hints[field.name]) for field in fields(cls))
    return {name: _BY_TYPE[kind] for name, kind in known if kind in _BY_TYPE and tag_for_keyword(name)}
