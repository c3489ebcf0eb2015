"""The content tree of a radiation dose structured report to a DoseReport (PS3.16 TID 10001-10003, 10011-10013)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Literal

from capture.acquisition import DoseEvent, DoseReport
from capture.dicom.fields import Header, code_value, numbers_of, plain_text, tag_of
from capture.dicom.items import Item
from capture.keys import key_of

_ROOT = "113701"
_CT_EVENT, _PROJECTION_EVENT = "113819", "113706"
_CT_TOTALS, _PROJECTION_TOTALS = "113811", "113702"
_DEEPEST = 12
"""Levels of content looked at; TID 10001 and 10011 have six."""
_PHANTOMS = {"113690": 16, "113691": 32}
"""CTDIw Phantom Type (CID 4052): IEC head, IEC body."""

_MGY = {"mGy": 1.0, "Gy": 1e3, "dGy": 1e2, "cGy": 10.0, "uGy": 1e-3}
_DLP = {"mGycm": 1.0, "Gycm": 1e3, "uGycm": 1e-3}
_DAP = {
    "Gycm2": 1.0,
    "Gym2": 1e4,
    "dGycm2": 0.1,
    "cGycm2": 1e-2,
    "mGycm2": 1e-3,
    "uGycm2": 1e-6,
    "dGym2": 1e3,
    "cGym2": 100.0,
    "mGym2": 10.0,
    "uGym2": 1e-2,
}
_KV = {"kV": 1.0, "kVp": 1.0, "V": 1e-3}
_NO_UNIT = {"1": 1.0, "{ratio}": 1.0, "": 1.0}
_UNITS: Mapping[str, Mapping[str, float]] = {
    **dict.fromkeys(("113830", "113738", "113725"), _MGY),
    **dict.fromkeys(("113838", "113813"), _DLP),
    **dict.fromkeys(("122130", "113722"), _DAP),
    "113733": _KV,
    **dict.fromkeys(("113845", "113846", "113847"), _NO_UNIT),
}
"""By concept: factor of each UCUM unit to the unit of our field; without its dots, which vendors leave out."""


def dose_report(header: Header) -> DoseReport | None:
    """The dose report in an object, None when it is no X-Ray Radiation Dose Report (113701, DCM)."""
    root = header.places[0]
    name = root.item(tag_of("ConceptNameCodeSequence"))
    if name is None or code_value(name) != _ROOT:
        return None
    events: list[DoseEvent] = []
    totals: dict[str, list[float]] = {}
    for concept, item in _containers(root, _DEEPEST):
        if concept in (_CT_EVENT, _PROJECTION_EVENT):
            events.append(_event(header, "ct" if concept == _CT_EVENT else "projection", item))
        elif concept in (_CT_TOTALS, _PROJECTION_TOTALS):
            for code, number in _numbers(header, item, _DEEPEST):
                totals.setdefault(code, []).append(number)
    if root.source.budget.spent:
        return None  # half a report would look like less dose
    return DoseReport(
        events=tuple(events),
        total_DLP_mGy_cm=_sum(totals.get("113813")),
        # One container of totals for each plane of a biplane system: the patient got both.
        total_DAP_Gy_cm2=_sum(totals.get("113722")),
        total_reference_point_mGy=_sum(totals.get("113725")),
    )


def _sum(numbers: list[float] | None) -> float | None:
    return None if numbers is None else math.fsum(numbers)


def _children(item: Item) -> Iterator[tuple[str | None, Item]]:
    for child in item.items(tag_of("ContentSequence")):
        name = child.item(tag_of("ConceptNameCodeSequence"))
        yield (None if name is None else code_value(name)), child


def _containers(item: Item, levels: int) -> Iterator[tuple[str, Item]]:
    """Containers of events and totals; what is inside them is theirs."""
    for concept, child in _children(item):
        if concept in (_CT_EVENT, _PROJECTION_EVENT, _CT_TOTALS, _PROJECTION_TOTALS):
            yield concept, child
        elif levels > 0:
            yield from _containers(child, levels - 1)


def _numbers(header: Header, item: Item, levels: int) -> Iterator[tuple[str, float]]:
    """Every number below, with its concept, in our unit."""
    for concept, child in _children(item):
        if concept is not None and concept in _UNITS:
            number = _number(header, concept, child)
            if number is not None:
                yield concept, number
        elif levels > 0:
            yield from _numbers(header, child, levels - 1)


def _number(header: Header, concept: str, item: Item) -> float | None:
    measured = item.item(tag_of("MeasuredValueSequence"))
    element = measured.elements.get(tag_of("NumericValue")) if measured else None
    if measured is None or element is None:
        return None
    values = numbers_of(measured, element)
    unit = measured.item(tag_of("MeasurementUnitsCodeSequence"))
    plain = re.sub(r"[.*\s]", "", (code_value(unit) or "") if unit else "")
    factor = _UNITS[concept].get(plain)
    if not values or factor is None:
        header.note("value.invalid" if not values else "unit.unknown", concept)
        return None
    return values[0] * factor


def _codes(item: Item, levels: int) -> Iterator[tuple[str, str, str]]:
    """(concept, code value, code meaning) of every coded content below."""
    for concept, child in _children(item):
        code = child.item(tag_of("ConceptCodeSequence"))
        if concept is not None and code is not None:
            yield concept, code_value(code) or "", plain_text(code, "CodeMeaning") or ""
        if levels > 0:
            yield from _codes(child, levels - 1)


def _event_uid(item: Item) -> str | None:
    uids = (plain_text(child, "UID") for concept, child in _children(item) if concept == "113769")
    return next(uids, None)


def _event(header: Header, kind: Literal["ct", "projection"], item: Item) -> DoseEvent:
    numbers: dict[str, float] = {}
    for concept, number in _numbers(header, item, _DEEPEST):
        numbers.setdefault(concept, number)
    codes: dict[str, tuple[str, str]] = {}
    for concept, value, meaning in _codes(item, _DEEPEST):
        codes.setdefault(concept, (value, meaning))
    return DoseEvent(
        kind=kind,
        key=key_of(_event_uid(item)),
        CTDIvol_mGy=numbers.get("113830"),
        DLP_mGy_cm=numbers.get("113838"),
        phantom_cm=_PHANTOMS.get(codes.get("113835", ("", ""))[0]),
        DAP_Gy_cm2=numbers.get("122130"),
        reference_point_mGy=numbers.get("113738"),
        KVP=numbers.get("113733"),
        ExposureIndex=numbers.get("113845"),
        TargetExposureIndex=numbers.get("113846"),
        DeviationIndex=numbers.get("113847"),
        acquisition_type=codes.get("113820" if kind == "ct" else "113721", (None, None))[1],
        region=codes.get("123014", (None, None))[0],
    )
