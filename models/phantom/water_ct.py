"""A water phantom on CT: its number, its noise, and how even it is (IEC 61223-3-5; ACR CT manual, module 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models.catalogue import catalogue
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.phantom.disc import Disc, Picture, circle, disc_of
from models.sets.geometry import sorted_out
from models.sets.image_set import ImageSet, Slice, SlicePixels
from models.sets.producer import SetSubject

KIND = "phantom_ct_water"
_NAME = "phantom-water-ct/1"
NAMES = ("phantom.water_hu", "phantom.noise_hu", "phantom.evenness_hu")
_AIR_HU = -500.0
_DIAMETER_MM = (140.0, 400.0)
_ROUND = 0.01
_WATER_HU = 60.0
"""Water may be this far off and still be water: a phantom off by more is named by its header."""
_LOOKED_AT = 5
_STEEPEST_HU = 20.0
"""Mean absolute difference of neighbours inside, beyond which there is structure, not noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """A slice, its disc, and the centre and four places half way to the rim."""

    values: Picture
    disc: Disc

    def spots(self) -> tuple[float, tuple[float, float, float, float], float]:
        """(mean at the centre, means near the rim, standard deviation at the centre) in HU."""
        row, column, radius = self.disc.row, self.disc.column, self.disc.radius
        inner = self.values[circle(self.values.shape, row, column, 0.2 * radius)]
        away = 0.75 * radius
        rim = [
            float(self.values[circle(self.values.shape, row + y * away, column + x * away, 0.1 * radius)].mean())
            for y, x in ((-1, 0), (0, 1), (1, 0), (0, -1))
        ]
        return float(inner.mean()), (rim[0], rim[1], rim[2], rim[3]), float(inner.std(ddof=1))


def sections(images: ImageSet) -> tuple[Section, ...]:
    """The middle slices of the series that are one round thing of a phantom's size."""
    stacks = sorted_out(images.series[0]).stacks
    if not stacks:
        return ()
    slices: Sequence[Slice] = stacks[0].slices
    middle = max(0, len(slices) // 2 - _LOOKED_AT // 2)
    found = (_section(one) for one in slices[middle : middle + _LOOKED_AT])
    return tuple(one for one in found if one is not None)


def _section(one: Slice) -> Section | None:
    if not isinstance(one.pixels, SlicePixels) or one.pixels.spacing_mm is None:
        return None
    values = one.pixels.modality()
    disc = disc_of(values, _AIR_HU)
    if disc is None or disc.roughness > _ROUND:
        return None
    wide = 2 * disc.radius * float(np.sqrt(one.pixels.spacing_mm[0] * one.pixels.spacing_mm[1]))
    return Section(values, disc) if _DIAMETER_MM[0] <= wide <= _DIAMETER_MM[1] else None


def is_water(images: ImageSet) -> bool:
    """Round, and even water in most of the slices that were looked at."""
    found = [one for one in sections(images) if _even(one)]
    return 2 * len(found) > min(_LOOKED_AT, len(images.slices))


def _even(one: Section) -> bool:
    centre, rim, _ = one.spots()
    inside = one.values[circle(one.values.shape, one.disc.row, one.disc.column, 0.85 * one.disc.radius)]
    low, high = np.percentile(inside, (1, 99))
    near = all(abs(level) <= _WATER_HU for level in (centre, *rim))
    return near and float(high - low) <= 10 * _STEEPEST_HU and _smooth(rim, centre)


def _smooth(rim: tuple[float, ...], centre: float) -> bool:
    levels = (*rim, centre)
    return max(abs(a - b) for a, b in pairwise(sorted(levels))) <= 2 * _STEEPEST_HU


class WaterCt:
    """Of a series of a water phantom. Noise is that of the kept, reduced pixels when the picture was larger."""

    name = _NAME
    needs = frozenset({"exam.kind"})
    provides = frozenset(NAMES)

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        found = sections(subject.images) if subject.so_far.text("exam.kind") == KIND else ()
        if not found:
            yield from (NotMeasured(name, Reason.NOT_APPLICABLE, "not a water phantom") for name in NAMES)
            return
        spots = [one.spots() for one in found]
        centre = float(np.median([one[0] for one in spots]))
        uneven = float(np.median([max(abs(level - one[0]) for level in one[1]) for one in spots]))
        yield Measurement(NAMES[0], centre, catalogue()[NAMES[0]].unit, _NAME)
        yield _noise(subject, float(np.median([one[2] for one in spots])))
        yield Measurement(NAMES[2], uneven, catalogue()[NAMES[2]].unit, _NAME)


def _noise(subject: SetSubject, deviation: float) -> Measured:
    pixels = subject.images.slices[0].pixels
    if not isinstance(pixels, SlicePixels) or pixels.factor > 1:
        return NotMeasured(NAMES[1], Reason.NOT_RELIABLE, "kept at a reduced size")
    return Measurement(NAMES[1], deviation, catalogue()[NAMES[1]].unit, _NAME)
