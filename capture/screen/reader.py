"""Reader: the fields of a screen, by two engines, over the frames of one event, decided by the policy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from capture.screen.format import alphabet
from capture.screen.frame import Picture
from capture.screen.ocr.engine import Bgr, Engines, Reading
from capture.screen.policy import decide
from capture.screen.reading import FieldReading
from capture.screen.template import ScreenField

_SAME = 24
"""Grey levels by which blurred pixels of unchanged text may differ (noise, compression). A new glyph: over 60."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What was read and the pixels it was read from: given back, a field with equal pixels is not read again."""

    fields: tuple[FieldReading, ...]
    crops: tuple[Bgr, ...]
    asked: tuple[ScreenField, ...]

    def besides(self, other: Readings | None) -> Readings:
        """With what of ``other`` was accepted: it counts before what was read of the same field here."""
        kept = [k for k, one in enumerate(other.fields) if one.state == "accepted"] if other else []
        if other is None or not kept:
            return self
        return Readings(
            (*self.fields, *(other.fields[k] for k in kept)),
            (*self.crops, *(other.crops[k] for k in kept)),
            (*self.asked, *(other.asked[k] for k in kept)),
        )


class Reader:
    """Reads fields. Holds the engines; one thread."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines

    def read(
        self, fields: Sequence[ScreenField], frames: Sequence[Picture], before: Readings | None = None
    ) -> Readings:
        """One :class:`FieldReading` for each field, in their order.

        ``frames``: one to five pictures of the taught resolution, about 100 ms apart. ``before``: what was
        read of these or other fields last.
        """
        seen = [_different([_crop(frame, field) for frame in frames]) for field in fields]
        known = {k: old for k, old in enumerate(_known(fields, seen, before)) if old is not None}
        asked = [(k, crop) for k, crops in enumerate(seen) if k not in known for crop in crops]
        crops = [crop for _, crop in asked]
        alphabets = [alphabet(fields[k]) for k, _ in asked]
        first = self._engines.first.read(crops, alphabets)
        second = self._engines.second.read(crops, alphabets)
        of: dict[int, list[tuple[Reading, Reading]]] = {}
        for (k, _), a, b in zip(asked, first, second, strict=True):
            of.setdefault(k, []).append((a, b))
        read = {k: decide(fields[k], *zip(*pairs, strict=True)) for k, pairs in of.items()}
        both = known | read
        return Readings(
            tuple(both[k] for k in range(len(fields))), tuple(crops[0] for crops in seen), tuple(fields)
        )


def _crop(frame: Picture, field: ScreenField) -> Bgr:
    return frame.bgr[field.box.rows, field.box.columns]


def _different(crops: list[Bgr]) -> list[Bgr]:
    """The mean of the frames while they show the same (noise goes), else each that differs from the one before."""
    if all(_same(crops[0], other) for other in crops[1:]):
        return [np.asarray(np.rint(np.mean(crops, axis=0)), np.uint8) if len(crops) > 1 else crops[0]]
    return [crop for k, crop in enumerate(crops) if k == 0 or not _same(crops[k - 1], crop)]


def _known(
    fields: Sequence[ScreenField], seen: list[list[Bgr]], before: Readings | None
) -> list[FieldReading | None]:
    """What was read of a field before, where it is the same field with the same pixels."""
    last = {} if before is None else {one: k for k, one in enumerate(before.asked)}

    def old(field: ScreenField, crops: list[Bgr]) -> FieldReading | None:
        k = last.get(field)
        if before is None or k is None or len(crops) > 1 or not _same(crops[0], before.crops[k]):
            return None
        return before.fields[k]

    return [old(field, crops) for field, crops in zip(fields, seen, strict=True)]


def _same(a: Bgr, b: Bgr) -> bool:
    if a.shape != b.shape:
        return False
    return not a.size or float(cv2.blur(cv2.absdiff(a, b), (3, 3)).max()) < _SAME
