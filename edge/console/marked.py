"""Marks of a card with the findings that rest on them, and the style of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from edge.store.cards import Card
from models.catalogue import SITE_FAMILY
from models.measurement import Mark

_KINDS = {
    "lung": "lung",
    "heart": "heart",
    "clavicle": "bone",
    "scapula": "bone",
    "spine": "spine",
    "spinous": "spine",
    "rotation": "rotation",
    "margin": "margin",
    "centre": "centre",
    "field": "field",
    "foreign": "object",
    "medical": "device",
    "missing": "missing",
    "scan": "scan",
    "coverage": "scan",
    "range": "scan",
    "head": "body",
    "brain": "body",
    "skull": "body",
    "body": "body",
    "skin": "body",
    "isocentre": "centre",
    "metal": "object",
    **dict.fromkeys(("ghost", "wrap", "spike", "streak", "ring", "motion", "noise", "void"), "artefact"),
}
"""First word of a mark's name to its style and its word in the legend; another name is ``other``."""
_NEVER_STRONG = frozenset({"device"})
"""For information: a pacemaker is nobody's fault."""
_GUESSES = ("foreign", "medical")
"""Marks, by the first word of their names, that only a rule makes more than a guess: drawn with its finding, as an
outline with a name to it on a good film says what nobody knows."""


@dataclass(frozen=True, slots=True)
class Marked:
    """A mark, its style, and the findings that rest on it."""

    mark: Mark
    kind: str
    numbers: tuple[int, ...]
    """As on the card; none: it is drawn faintly."""

    @property
    def number(self) -> int | None:
        """Of the first, and gravest, of them."""
        return min(self.numbers, default=None)


def kind_of(name: str) -> str:
    """The style of a mark by its name."""
    return "other" if name.startswith(SITE_FAMILY) else _KINDS.get(name.partition("_")[0], "other")


def marked_of(card: Card) -> Iterator[Marked]:
    """The drawings with the findings that rest on one of their facts."""
    rests_on: dict[str, set[int]] = {}
    for number, found in enumerate(card.findings, start=1):
        for fact in found.evidence:
            rests_on.setdefault(fact.name, set()).add(number)
    for drawing in card.drawings:
        kind = kind_of(drawing.mark.name)
        numbers = sorted({number for name in drawing.facts for number in rests_on.get(name, ())})
        if numbers or not drawing.mark.name.startswith(_GUESSES):
            yield Marked(drawing.mark, kind, () if kind in _NEVER_STRONG else tuple(numbers))
