"""Blocks: how two looks of the image box are related, on blocks of 8 x 8 pixels of quarter-size luma.

A look is compared block by block. What counts are the blocks that showed something before: they show it still,
show the same in other greys (window and level), or show something else (covered, or another image).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.template import Template

REDUCED = 4
"""One pixel of a look for so many of the screen."""
_BLOCK = 8
_EDGE = 2
"""Pixels of quarter size."""
_MOVED = 2
"""Mean difference of a block, grey levels, that is motion. JPEG of an unchanged block is unchanged."""
_CHANGED = 4
"""The same between looks that are minutes apart: a card may compress them differently."""
_LEAST_BLOCKS, _LEAST_SHARE = 8, 0.015
"""Fewer blocks are a cursor, a caliper, a digit."""
_TEXTURED, _FLAT = 4.0, 1.5
"""Standard deviation within a block."""
_FEW, _MANY = 12, 40
"""So few textured blocks tell nothing; so many tell even by their means."""
_COARSELY = 0.97
"""Correlation of the means: previews of the shared films have more, the same patient positioned anew less."""
MOSTLY = 0.3
"""Share of a dialog box that is empty surface of one grey, beside its text and its border; images have none."""
PLAINLY = 0.3
"""Share of a picture that a dialog box leaves and a new image seldom repeats."""
_LEAST_KEPT, _LEAST_LOST = 0.12, 0.04


class Relation(Enum):
    """Of a look to an earlier one."""

    SAME = "same"
    GREY = "grey"
    """The same picture in other greys."""
    COVERED = "covered"
    """A part of the picture gave way to something flatter: a dialog box, a menu."""
    GAINED = "gained"
    """A part is the same, and more is seen."""
    EMPTY = "empty"
    """What was seen is gone, and nothing came."""
    DIFFERENT = "different"


@dataclass(frozen=True, eq=False)
class Look:
    """The image box of one frame, in quarter size, cut to whole blocks."""

    pixels: NDArray[np.uint8]

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """Of each block."""
        return _means(self.pixels.astype(np.float32))

    @cached_property
    def spread(self) -> NDArray[np.float32]:
        """Standard deviation of each block."""
        square = _means(np.square(self.pixels.astype(np.float32)))
        return np.sqrt(np.maximum(square - np.square(self.mean), 0)).astype(np.float32)

    @property
    def thumb(self) -> NDArray[np.uint8]:
        """(2, rows, columns): mean and spread of the blocks, to know it again by."""
        return np.stack([self.mean, self.spread]).round().clip(0, 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """``kept``: share of the textured blocks that show what they showed. ``hidden``: the blocks that do not, and
    ``flat``: the share of these that are empty surface of one grey now, as a dialog box is and an image is not."""

    relation: Relation
    kept: float
    flat: float
    hidden: NDArray[np.bool_]


class Grid:
    """The blocks of a template's image box that count: those without an overlay."""

    def __init__(self, template: Template) -> None:
        box = template.image
        self._rows, self._columns = _reduced(box.y, box.h), _reduced(box.x, box.w)
        shape = max(_whole(self._rows) // _BLOCK, 0), max(_whole(self._columns) // _BLOCK, 0)
        self.usable: NDArray[np.bool_] = np.ones(shape, np.bool_)
        top, left = self._rows.start * REDUCED, self._columns.start * REDUCED
        for overlay in template.overlays:
            self.usable[_blocks(overlay.y - top, overlay.h), _blocks(overlay.x - left, overlay.w)] = False
        self.least = max(_LEAST_BLOCKS, _LEAST_SHARE * self.usable.sum())

    def cut(self, luma: NDArray[np.uint8]) -> Look:
        """The look of a quarter-size frame."""
        part = luma[self._rows, self._columns]
        rows, columns = (size // _BLOCK * _BLOCK for size in part.shape)
        return Look(np.ascontiguousarray(part[:rows, :columns]))

    def moved(self, before: Look, now: Look) -> bool:
        """Whether more than a cursor moved."""
        return bool(self._differ(before, now, _MOVED) >= self.least)

    def blank(self, look: Look) -> bool:
        """Whether there is no image in the box."""
        return bool(((look.spread >= _FLAT) & self.usable).sum() < self.least)

    def unchanged(self, before: Look, now: Look, where: NDArray[np.bool_]) -> bool:
        """Whether nine of ten of those blocks are as they were; those at an edge show both sides of it."""
        inner = np.asarray(cv2.erode(where.astype(np.uint8), np.ones((3, 3), np.uint8)), np.bool_)
        counted = inner if inner.any() else where
        return float((_difference(before, now)[counted] < _CHANGED).mean()) >= 0.9

    def compare(self, before: Look, now: Look) -> Compared:
        """How ``now`` is related to ``before``."""
        changed = (_difference(before, now) >= _CHANGED) & self.usable
        if changed.sum() < self.least:
            return Compared(Relation.SAME, 1.0, 0.0, np.zeros_like(changed))
        textured = (before.spread >= _TEXTURED) & self.usable
        if textured.sum() < _FEW:
            return Compared(Relation.DIFFERENT, 0.0, 0.0, changed)
        grey = changed & _same_in_other_greys(before, now, changed)
        clipped = changed & (now.spread < _FLAT) & ((now.mean <= 5) | (now.mean >= 250)) & ~grey
        hidden = changed & ~grey & ~clipped
        flat = _one_surface(now, hidden)
        counted = max(int((textured & ~clipped).sum()), 1)
        shares = _Shares(
            grey=int((grey & textured).sum()) / counted,
            other=int((hidden & textured).sum()) / counted,
            gained=int((hidden & ~textured & (now.spread >= _TEXTURED)).sum()) / counted,
        )
        nothing = bool((changed & (now.spread >= _TEXTURED)).sum() < self.least)
        if nothing and ((hidden | clipped) & textured).sum() > (1 - _LEAST_KEPT) * textured.sum():
            return Compared(Relation.EMPTY, 1 - shares.other, flat, hidden)
        relation = _named(shares, flat, _coarsely_alike(before, now, textured))
        return Compared(relation, 1 - shares.other, flat, hidden)

    def _differ(self, before: Look, now: Look, least: int) -> int:
        return int(((_difference(before, now) >= least) & self.usable).sum())


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8], usable: NDArray[np.bool_]) -> bool:
    """Whether two thumbs are of one picture."""
    if one.shape != other.shape:
        return False
    apart = cv2.absdiff(one, other).max(axis=0) > 3
    return bool((apart & usable).sum() <= 0.01 * usable.sum())


def _one_surface(now: Look, hidden: NDArray[np.bool_]) -> float:
    """Share of the hidden blocks that are empty and of one grey."""
    levels = now.mean[hidden & (now.spread < _FLAT)]
    alike = np.abs(levels - np.median(levels)) <= 3 if levels.size else levels
    return float(np.count_nonzero(alike)) / max(int(hidden.sum()), 1)


@dataclass(frozen=True, slots=True)
class _Shares:
    """Of the blocks that were textured. ``gained``: those that became so, over the same number."""

    grey: float
    other: float
    gained: float


def _named(shares: _Shares, flat: float, coarsely_alike: bool) -> Relation:
    kept = 1 - shares.other
    if flat >= MOSTLY and shares.other >= _LEAST_LOST and kept >= _LEAST_KEPT:
        return Relation.COVERED
    if coarsely_alike or (shares.other <= 0.25 and shares.grey > shares.other and shares.grey >= 0.2):
        return Relation.GREY
    if kept < _LEAST_KEPT:
        return Relation.DIFFERENT
    if shares.gained > shares.other:
        return Relation.GAINED
    return Relation.COVERED if kept >= PLAINLY else Relation.DIFFERENT


def _coarsely_alike(before: Look, now: Look, textured: NDArray[np.bool_]) -> bool:
    """Whether the means of the textured blocks go together: a preview and its processed image."""
    one, other = before.mean[textured], now.mean[textured]
    if len(one) < _MANY or one.std() < _TEXTURED or other.std() < _TEXTURED:
        return False
    return bool(abs(np.corrcoef(one, other)[0, 1]) >= _COARSELY)


def _same_in_other_greys(before: Look, now: Look, changed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blocks that one curve of greys, the same for the whole picture, explains, and that still show something."""
    inside = np.kron(changed, np.ones((_BLOCK, _BLOCK), np.bool_))
    pairs = before.pixels[inside].astype(np.int64) * 256 + now.pixels[inside]
    counts = np.bincount(pairs, minlength=65536).reshape(256, 256).cumsum(axis=1)
    curve = (counts * 2 >= counts[:, -1:]).argmax(axis=1).astype(np.uint8)
    recoloured = np.asarray(cv2.LUT(before.pixels, curve), np.uint8)
    left = _means(np.asarray(cv2.absdiff(now.pixels, recoloured), np.float32))
    explained = left <= np.maximum(3, 0.35 * now.spread)
    shown = explained & ((now.spread >= _TEXTURED * 0.5) | (before.spread < _FLAT))
    return np.asarray(shown | (_correlation(before, now) >= 0.9), np.bool_)


def _correlation(before: Look, now: Look) -> NDArray[np.float32]:
    """Of each block; 0 where either is nearly flat."""
    both = _means(before.pixels.astype(np.float32) * now.pixels)
    spread = before.spread * now.spread
    told = (before.spread >= _TEXTURED) & (now.spread >= _TEXTURED)
    return np.where(told, (both - before.mean * now.mean) / np.maximum(spread, 1), 0).astype(np.float32)


def _difference(before: Look, now: Look) -> NDArray[np.uint8]:
    """Mean absolute difference of each block, grey levels."""
    return np.asarray(_shrunk(np.asarray(cv2.absdiff(before.pixels, now.pixels))), np.uint8)


def _means(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(_shrunk(pixels), np.float32)


def _shrunk(pixels: NDArray[Any]) -> NDArray[Any]:
    """The mean of each block."""
    rows, columns = pixels.shape
    return np.asarray(cv2.resize(pixels, (columns // _BLOCK, rows // _BLOCK), interpolation=cv2.INTER_AREA))


def _reduced(start: int, length: int) -> slice:
    """The pixels of quarter size within; not the edge, which scaling and JPEG mix with what is outside."""
    return slice(-(-start // REDUCED) + _EDGE, (start + length) // REDUCED - _EDGE)


def _whole(part: slice) -> int:
    return int(part.stop - part.start)


def _blocks(start: int, length: int) -> slice:
    """The blocks that an overlay touches; it may begin outside the image box."""
    size = REDUCED * _BLOCK
    return slice(max(start // size, 0), max(-(-(start + length) // size), 0))
