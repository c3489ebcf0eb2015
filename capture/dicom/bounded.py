"""A walk over encoded DICOM elements that no object can make deep, long or endless.

Why not pydicom's reader: it follows undefined-length sequences by recursion and gives up at the first broken
element, and its messages quote values. This walk keeps a list instead of a call stack, pays for every element
from a budget, jumps over values, and stops where the structure ends to make sense, keeping all that came
before. What elements *mean* (dictionary, character sets, decoders) stays pydicom's.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from pydicom.datadict import dictionary_VR, keyword_for_tag

Buffer = bytes | mmap.mmap

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF
LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
SHORT_VRS = frozenset(
    (
        *(b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH"),
        *(b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"),
    )
)


class Damaged(Exception):
    """The structure does not go on from here. ``code`` is the code of the Fault; no value is quoted."""

    def __init__(self, code: str, tag: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.tag = tag


class Element(NamedTuple):
    """Where one element's value lies. ``end`` is cut at the end of the buffer when ``truncated``."""

    tag: int
    vr: str
    """As encoded; from the dictionary when the object does not say."""
    start: int
    end: int
    implicit: bool
    """Whether the elements inside are encoded with implicit VR."""
    undefined: bool
    truncated: bool = False


class _Open(NamedTuple):
    """A sequence or item whose delimiter is still to come."""

    begin: int
    is_item: bool
    implicit: bool


@dataclass(slots=True)
class Budget:
    """How many elements of an object may still be looked at, in whatever order they are asked for."""

    elements: int = 500_000

    @property
    def spent(self) -> bool:
        """Whether something was not looked at."""
        return self.elements < 0


@dataclass(slots=True)
class Source:
    """The bytes of an object, its byte order, and what may still be spent on it."""

    buffer: Buffer
    end: int
    little: bool = True
    budget: Budget = field(default_factory=Budget)
    _ends: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Of values of undefined length, by where they begin: end, and start of what follows."""
    _header: struct.Struct = field(init=False)
    _long: struct.Struct = field(init=False)
    _short: struct.Struct = field(init=False)

    def __post_init__(self) -> None:
        order = "<" if self.little else ">"
        self._header = struct.Struct(order + "HH")
        self._long = struct.Struct(order + "I")
        self._short = struct.Struct(order + "H")

    def value(self, element: Element, limit: int = 1 << 16) -> bytes:
        """The first ``limit`` bytes of a value."""
        return bytes(self.buffer[element.start : min(element.end, element.start + limit)])

    def header(self, at: int, end: int, implicit: bool) -> tuple[int, bytes, int, int]:
        """Tag, VR ("" when not encoded), start of value, length of value.

        Raises:
            Damaged: no element begins here, or the budget is spent.
        """
        self.budget.elements -= 1
        if self.budget.spent:
            raise Damaged("structure.too_many_elements")
        if at + 8 > end:
            raise Damaged("structure.truncated")
        group, number = self._header.unpack_from(self.buffer, at)
        tag: int = group << 16 | number
        if implicit or group == 0xFFFE:
            return tag, b"", at + 8, self._long.unpack_from(self.buffer, at + 4)[0]
        vr = self.buffer[at + 4 : at + 6]
        if vr in SHORT_VRS:
            return tag, vr, at + 8, self._short.unpack_from(self.buffer, at + 6)[0]
        if vr in LONG_VRS:
            if at + 12 > end:
                raise Damaged("structure.truncated", tag)
            return tag, vr, at + 12, self._long.unpack_from(self.buffer, at + 8)[0]
        return self._odd_header(tag, at, end)

    def _odd_header(self, tag: int, at: int, end: int) -> tuple[int, bytes, int, int]:
        """An unknown or blank VR, or one element in implicit form among explicit ones: all exist in the wild.

        The form is taken after which an element with a higher tag and a VR, or the end, follows.
        """
        forms = ((at + 8, self._short, at + 6), (at + 8, self._long, at + 4), (at + 12, self._long, at + 8))
        for begin, length_format, length_at in forms:
            if begin > end:
                break
            length = length_format.unpack_from(self.buffer, length_at)[0]
            after = begin + length
            if after == end or (after + 8 <= end and self._follows(tag, after)):
                return tag, b"", begin, length
        raise Damaged("structure.damaged", tag)

    def _follows(self, tag: int, at: int) -> bool:
        group, number = self._header.unpack_from(self.buffer, at)
        return group == 0xFFFE or (group << 16 | number > tag and not self._implicit_at(at, True))

    def elements(self, start: int, end: int, implicit: bool) -> Iterator[Element]:
        """The elements from ``start`` to ``end``, not those inside sequences.

        Raises:
            Damaged: after the last element that can be told; a truncated last element is yielded first.
        """
        at = start
        while at < end:
            if end - at < 8 or (self.buffer[at : at + 8] == bytes(8)):
                return  # zeros or a crumb after the last element
            tag, vr, begin, length = self.header(at, end, implicit)
            if tag in (ITEM_END, SEQUENCE_END):
                at = begin
                continue
            name = vr.decode("ascii") if vr and vr != b"UN" else vr_of(tag)
            inner = implicit or vr == b"UN"
            if length == UNDEFINED:
                stop, at, whole = self.inside(begin).end_of_undefined(begin, end, inner)
                yield Element(tag, name, begin, stop, inner, True, not whole)
                if not whole:
                    raise Damaged("structure.truncated", tag)
                continue
            if begin + length > end:
                yield Element(tag, name, begin, end, inner, False, True)
                raise Damaged("structure.truncated", tag)
            yield Element(tag, name, begin, begin + length, inner, False)
            at = begin + length

    def end_of_undefined(
        self, begin: int, end: int, implicit: bool, is_item: bool = False
    ) -> tuple[int, int, bool]:
        """End of the value that begins here, start of what follows, and whether its delimiter was found.

        Ends of all that is inside are kept, so that looking into it later costs nothing again.
        """
        if begin in self._ends:
            return (*self._ends[begin], True)
        opened = [_Open(begin, is_item, implicit)]
        at = begin
        while opened:
            if at + 8 > end:
                return end, end, False
            top = opened[-1]
            tag, vr, start, length = self.header(at, end, top.implicit)
            if tag in (ITEM_END, SEQUENCE_END):
                if tag == SEQUENCE_END and top.is_item and len(opened) > 1:
                    self._ends[opened.pop().begin] = at, at  # the item's own delimiter is missing
                if tag == SEQUENCE_END or top.is_item:
                    self._ends[opened.pop().begin] = at, start
                at = start
            elif length != UNDEFINED:
                at = start + length
            elif start in self._ends:
                at = self._ends[start][1]
            else:
                item = tag == ITEM
                inner = self._implicit_at(start, top.implicit) if item else top.implicit or vr == b"UN"
                opened.append(_Open(start, item, inner))
                at = start
        return (*self._ends[begin], True)

    def _implicit_at(self, at: int, expected: bool) -> bool:
        """Whether the element at ``at`` has no VR; what is expected where there is no element to ask."""
        if at + 8 > self.end or self._header.unpack_from(self.buffer, at)[0] == 0xFFFE:
            return expected
        vr = self.buffer[at + 4 : at + 6]
        return not (vr in SHORT_VRS or vr in LONG_VRS)

    def inside(self, at: int) -> Source:
        """The source to read items at ``at`` with: inside UN all is little endian (PS3.5 6.2.2 note 2)."""
        other = b"\xff\xfe\xe0\x00" if self.little else b"\xfe\xff\x00\xe0"
        if self.buffer[at : at + 4] != other:
            return self
        return Source(self.buffer, self.end, not self.little, self.budget)

    def item_spans(self, element: Element) -> Iterator[tuple[int, int, bool]]:
        """(start, end, implicit) of the items of a sequence read with :meth:`inside`; ends where it is broken."""
        at = element.start
        while at + 8 <= element.end:
            try:
                tag, _, begin, length = self.header(at, element.end, True)
                if tag != ITEM:
                    return
                implicit = self._implicit_at(begin, element.implicit)
                if length == UNDEFINED:
                    stop, at, _ = self.end_of_undefined(begin, element.end, implicit, is_item=True)
                else:
                    stop = at = min(begin + length, element.end)
            except Damaged:
                return
            yield begin, stop, implicit

    def fragments(self, element: Element) -> list[tuple[int, int]]:
        """(start, end) of each fragment of encapsulated pixels, the offset table first."""
        found: list[tuple[int, int]] = []
        at = element.start
        while at + 8 <= element.end:
            tag, _, begin, length = self.header(at, element.end, True)
            if tag != ITEM or length == UNDEFINED:
                break
            found.append((begin, min(begin + length, element.end)))
            at = begin + length
        return found


@cache
def vr_of(tag: int) -> str:
    """VR in the dictionary, of several the first; UN when the tag is not there."""
    try:
        return dictionary_VR(tag).split(" or ")[0]
    except KeyError:
        return "UN"


def name_of(tag: int) -> str:
    """Keyword of a public tag, ``GGGGEEEE`` of any other."""
    return keyword_for_tag(tag) or f"{tag:08X}"
