"""Private elements: found by their creator, since the block they stand in is not fixed (PS3.5 7.8.1)."""

from __future__ import annotations

from capture.dicom.bounded import Element
from capture.dicom.fields import numbers_of
from capture.dicom.items import Item

_FIRST_BLOCK, _LAST_BLOCK = 0x10, 0xFF


def private_element(place: Item, creator: str, group: int, element: int) -> Element | None:
    """Element ``(group, xx<element>)`` of the block that ``creator`` reserved, when it has a value."""
    base = group << 16
    for tag, owner in place.elements.items():
        if not base + _FIRST_BLOCK <= tag <= base + _LAST_BLOCK:
            continue
        if place.source.value(owner, 64).decode("ascii", "ignore").strip(" \0") == creator:
            found = place.elements.get(base | (tag & 0xFF) << 8 | element)
            if found is not None and found.end > found.start:
                return found
    return None


def private_numbers(place: Item, creator: str, group: int, element: int, vr: str) -> tuple[float, ...]:
    """Its numbers; () when there are none. ``vr`` is what its maker says, for objects whose encoding does not."""
    found = private_element(place, creator, group, element)
    if found is None:
        return ()
    return numbers_of(place, found._replace(vr=vr) if found.vr == "UN" else found) or ()
