"""A data set and the items of its sequences, looked into only when asked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from capture.dicom.bounded import Damaged, Element, Source

_ITEM_COST = 2
"""What opening an item takes from the budget, in elements: it takes about as long."""


class Item:
    """A data set: the whole object or one item of a sequence. Looked at when first asked."""

    __slots__ = ("_damage", "_elements", "_implicit", "_items", "_start", "end", "source")

    def __init__(self, source: Source, start: int, end: int, implicit: bool) -> None:
        self.source = source
        self.end = end
        self._start = start
        self._implicit = implicit
        self._elements: dict[int, Element] | None = None
        self._items: dict[int, tuple[Item, ...]] = {}
        self._damage: Damaged | None = None

    @property
    def elements(self) -> dict[int, Element]:
        """All elements by tag; of a tag that stands twice, the first."""
        if self._elements is None:
            self._elements = {}
            try:
                self.source.budget.elements -= _ITEM_COST
                for element in self.source.elements(self._start, self.end, self._implicit):
                    self._elements.setdefault(element.tag, element)
            except Damaged as damage:
                self._damage = damage
        return self._elements

    @property
    def damage(self) -> Damaged | None:
        """Where and why the walk over the elements stopped early."""
        return self._damage if self.elements is not None else None

    def items(self, tag: int) -> tuple[Item, ...]:
        """Items of the sequence with this tag; none when it is absent or not a sequence."""
        if tag not in self._items:
            element = self.elements.get(tag)
            self._items[tag] = () if element is None else tuple(self._in(element))
        return self._items[tag]

    def item(self, tag: int, number: int = 0) -> Item | None:
        """One item of a sequence, without looking at those after it."""
        element = self.elements.get(tag)
        return None if element is None else next(islice(self._in(element), number, None), None)

    def _in(self, element: Element) -> Iterator[Item]:
        source = self.source.inside(element.start)
        for start, end, implicit in source.item_spans(element):
            yield Item(source, start, end, implicit)
