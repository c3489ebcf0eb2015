"""Split: which films a network may learn from. A pure function of the film, the same for every task."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

from models.training.manifest import Film

if TYPE_CHECKING:  # the tasks' seam needs torch; a split does not
    from models.training.task import Part

SHARES = (0.70, 0.80)
"""Up to the first is ``train``, up to the second ``tune``, the rest ``test``."""
LEFT_OUT = frozenset({"ieee8023", "chestviewsplit"})
"""Sources of ours that no network ever learns from or is tuned on: the cross-source figures rest on them."""


def part_of(film: Film, left_out: Collection[str] = LEFT_OUT) -> Part:
    """Where a film belongs: by its group (patient and duplicates together), so that no patient is on two sides.

    Films of a left-out source, their duplicates in other sources, and films whose licence forbids training
    (``tier`` not ``open``) are ``test``.
    """
    if film.kin & set(left_out) or film.tier != "open":
        return "test"
    place = int.from_bytes(hashlib.sha256(film.group.encode()).digest()[:8], "big") / 2**64
    if place < SHARES[0]:
        return "train"
    return "tune" if place < SHARES[1] else "test"


def unseen(films: Iterable[Film], metadata: bytes) -> frozenset[str]:
    """Sources that a bundle says nothing of having learnt from or been tuned on: all of their films are ``test``.

    Args:
        films: of the manifest at hand.
        metadata: the bundle's ``configs/metadata.json``; ``qcbox.trained.sources`` names what it has seen.
            A bundle that names nothing gives an empty answer: nobody knows what it has seen.
    """
    seen = json.loads(metadata).get("qcbox", {}).get("trained", {}).get("sources")
    return frozenset() if seen is None else frozenset(film.source for film in films) - frozenset(seen)


def films_of(films: Iterable[Film], part: Part, left_out: Collection[str] = LEFT_OUT) -> list[Film]:
    """The films of one part, in the order of the manifest."""
    return [film for film in films if part_of(film, left_out) == part]
