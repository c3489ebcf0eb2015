"""The ACR large MR phantom: SNR, percent signal ghosting and percent integral uniformity of its slice 7.

ACR, Large and Medium Phantom Test Guidance (2022), sections 5 and 6; SNR of one picture: McCann 2013, as hazen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.catalogue import catalogue
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.phantom.disc import Disc, Mask, Picture, circle, disc_of
from models.sets.geometry import arrangement_of
from models.sets.image_set import ImageSet, SlicePixels
from models.sets.producer import SetSubject

KIND = "phantom_mr_acr"
_NAME = "phantom-acr-mr/1"
_SLICES = 11
_DIAMETER_MM = (180.0, 200.0)
"""Inside: 190 mm (ACR guidance, 1.0), within the 5 % that a badly calibrated gradient may do."""
_ROUND = 0.02
_LOOKED_AT = 5
_THRESHOLD = 0.3
"""Of the 95th percentile of the slice."""
_SMOOTHING = 25
"""Pixels: side of the mean that is taken off to leave noise (hazen; McCann 2013)."""
_SIDE, _OFFSET = 20, 40
"""Pixels: the five squares, and how far four of them lie from the centre."""
NAMES = ("phantom.snr", "phantom.ghosting_percent", "phantom.uniformity_percent", "phantom.diameter_mm")


@dataclass(frozen=True, slots=True, eq=False)
class Uniform:
    """Slice 7 and its disc."""

    values: Picture
    spacing_mm: tuple[float, float]
    disc: Disc


def uniform_slice(images: ImageSet) -> Uniform | None:
    """Slice 7, when the series is eleven slices of this phantom; None when it is not."""
    stacks = arrangement_of(images.slices).stacks
    if not stacks or len(stacks[0].slices) != _SLICES:
        return None
    found = [one for one in (_disc(slice_.pixels) for slice_ in stacks[0].slices) if one is not None]
    if len(found) != _SLICES:
        return None
    round_ones = [one for one in found if one.disc.roughness < _ROUND and _fits(one)]
    # The grid is in slice 5 and the empty slice is 7: which is which depends on the way the positions rise.
    candidates = min((found[4], found[6]), key=_texture)
    return candidates if len(round_ones) >= _SLICES - 3 and _fits(candidates) else None


def all_round(images: ImageSet) -> bool:
    """Whether every one of a few slices is a disc: the roundest head has a roughness of 0.05."""
    slices = images.slices[:: max(1, len(images.slices) // _LOOKED_AT)]
    found = [_disc(one.pixels) for one in slices]
    return bool(found) and all(one is not None and one.disc.roughness < _ROUND for one in found)


def _disc(pixels: object) -> Uniform | None:
    if not isinstance(pixels, SlicePixels) or pixels.spacing_mm is None:
        return None
    values = pixels.modality()
    disc = disc_of(values, _THRESHOLD * float(np.percentile(values, 95)))
    return Uniform(values, pixels.spacing_mm, disc) if disc else None


def _fits(one: Uniform) -> bool:
    return _DIAMETER_MM[0] <= diameter_mm(one) <= _DIAMETER_MM[1]


def diameter_mm(one: Uniform) -> float:
    """Of the circle of the same area."""
    return 2 * one.disc.radius * float(np.sqrt(one.spacing_mm[0] * one.spacing_mm[1]))


def _texture(one: Uniform) -> float:
    inside = one.values[circle(one.values.shape, one.disc.row, one.disc.column, 0.75 * one.disc.radius)]
    low, high = np.percentile(inside, (2, 98))
    return float((high - low) / max(high, 1e-9))


def snr(one: Uniform) -> float:
    """Mean over five squares of mean / standard deviation of what a running mean leaves."""
    box = (_SMOOTHING, _SMOOTHING)
    left = np.trunc(one.values) - np.trunc(cv2.blur(one.values, box, borderType=cv2.BORDER_CONSTANT))
    row, column = round(one.disc.row), round(one.disc.column)
    ratios = []
    for down, across in (
        (0, 0),
        (-_OFFSET, -_OFFSET),
        (_OFFSET, -_OFFSET),
        (-_OFFSET, _OFFSET),
        (_OFFSET, _OFFSET),
    ):
        at = tuple(slice(middle - _SIDE // 2, middle + _SIDE // 2) for middle in (row + down, column + across))
        ratios.append(float(one.values[at].mean()) / max(float(left[at].std(ddof=1)), 1e-9))
    return float(np.mean(ratios))


def ghosting_percent(one: Uniform) -> float:
    """100 |(top + bottom) - (left + right)| / (2 * large region); ellipses of 10 cm2 in the air (section 6)."""
    row, column, radius = one.disc.row, one.disc.column, one.disc.radius
    rows, columns = one.values.shape
    mm = float(np.sqrt(one.spacing_mm[0] * one.spacing_mm[1]))
    spots = (
        ((row - radius) / 2, column, row - radius, True),
        ((row + radius + rows) / 2, column, rows - row - radius, True),
        (row, (column - radius) / 2, column - radius, False),
        (row, (column + radius + columns) / 2, columns - column - radius, False),
    )
    shape = one.values.shape
    regions = [_ellipse(shape, y, x, room, lying, mm) for y, x, room, lying in spots]
    return ghosting_over(one.values, regions, circle(shape, row, column, 80 / mm))


def ghosting_over(values: Picture, air: Sequence[Mask], large: Mask) -> float:
    """The same of given regions: top, bottom, left, right."""
    top, bottom, left, right = (float(values[region].mean()) for region in air)
    return 100 * abs((top + bottom) - (left + right)) / (2 * float(values[large].mean()))


def _ellipse(shape: tuple[int, ...], row: float, column: float, room: float, lying: bool, mm: float) -> Mask:
    """10 mm to each side across and 40 mm along; narrower and longer where there is less room."""
    across = min(10 / mm, max(room / 2 - 2, 1.0))
    along = 400 / mm**2 / across
    high, wide = (across, along) if lying else (along, across)
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(((y - row) / high) ** 2 + ((x - column) / wide) ** 2 <= 1)


def uniformity_percent(one: Uniform) -> float:
    """100 (1 - (high - low) / (high + low)) of circles of 1 cm2 within one of 200 cm2 (section 5)."""
    mm = float(np.sqrt(one.spacing_mm[0] * one.spacing_mm[1]))
    small, large = np.ceil(np.sqrt(100 / np.pi) / mm), np.ceil(np.sqrt(20000 / np.pi) / mm)
    side = int(small)
    kernel = circle((2 * side + 1, 2 * side + 1), side, side, small).astype(np.float32)
    means = cv2.filter2D(one.values, cv2.CV_32F, kernel / kernel.sum())
    inside = means[circle(one.values.shape, one.disc.row, one.disc.column, float(large - small))]
    low, high = float(inside.min()), float(inside.max())
    return 100 * (1 - (high - low) / (high + low))


class AcrMr:
    """Of a series that :class:`models.sets.kind.SetKind` recognised."""

    name = _NAME
    needs = frozenset({"exam.kind"})
    provides = frozenset(NAMES)

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        found = uniform_slice(subject.images) if subject.so_far.text("exam.kind") == KIND else None
        if found is None:
            yield from (NotMeasured(name, Reason.NOT_APPLICABLE, "not the ACR phantom") for name in NAMES)
            return
        values: Sequence[float] = (
            snr(found),
            ghosting_percent(found),
            uniformity_percent(found),
            diameter_mm(found),
        )
        for name, value in zip(NAMES, values, strict=True):
            yield Measurement(name, value, catalogue()[name].unit, _NAME)
