"""Where the values of an object stand: its data set, and the functional group macros of each of its frames."""

from __future__ import annotations

from collections.abc import Iterator

from capture.dicom import charset
from capture.dicom.fields import TEXT_VRS
from capture.dicom.items import Item

_SHARED, _PER_FRAME = 0x52009229, 0x52009230
_CHARSET = 0x00080005


def charset_of(top: Item, default: str | None) -> charset.Charset:
    """What the texts of an object are written in, by its own word and by what they look like."""
    element = top.elements.get(_CHARSET)
    declared: tuple[str, ...] = ()
    if element is not None and element.end > element.start:
        raw = top.source.value(element, 1024).decode("latin-1").strip(" \0")
        declared = tuple(term.strip(" \0") for term in raw.split("\\")) if raw else ()
    return charset.choose(declared, _texts(top), default)


def _texts(place: Item) -> Iterator[bytes]:
    """Raw texts of public elements, to choose a character set by."""
    for element in place.elements.values():
        if element.vr in TEXT_VRS and not (element.tag >> 16) % 2 and element.end > element.start:
            yield place.source.value(element, 4096).rstrip(b"\0 ")


def macros_of(top: Item, frame: int) -> Iterator[Item]:
    """Items of the functional group macros of one frame, then of the shared ones (PS3.3 C.7.6.16)."""
    for group in (top.item(_PER_FRAME, frame), top.item(_SHARED)):
        yield from _inside(group)


def shared_macros(top: Item) -> tuple[Item, ...]:
    """Items of the macros that all frames share."""
    return tuple(_inside(top.item(_SHARED)))


def macros_of_every_frame(top: Item) -> Iterator[tuple[Item, ...]]:
    """For each frame the items of its own macros, the shared ones left out."""
    for group in top.items(_PER_FRAME):
        yield tuple(_inside(group))


def _inside(group: Item | None) -> Iterator[Item]:
    for tag, element in group.elements.items() if group else ():
        macro = group.item(tag) if group and element.vr == "SQ" else None
        if macro is not None:
            yield macro
