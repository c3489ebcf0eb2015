"""What the headers of a series say of how many images it has: ImagesInAcquisition, and the times of a dynamic one.

NumberOfTemporalPositions is what was *prescribed* (PS3.3 C.8.3.1). ImagesInAcquisition is said of the whole series
or of each of its times: the standard does not say which, so it is taken as what can be meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from models.measurement import Reason
from models.reporting import NOT_APPLICABLE, Missing

_ELSEWHERE = Missing(Reason.NOT_RELIABLE, "a single time: the others may be series of their own")
_NO_TIME = Missing(Reason.NOT_IN_HEADER, "times were announced, and no image says which one it is of")
_NO_SENSE = Missing(Reason.NOT_RELIABLE, "what the headers say of their times contradicts itself")


@dataclass(frozen=True, slots=True)
class Time:
    """The images of one time, those that say no time, or those that announce another number of times."""

    images: int
    """Different ones."""
    first: str = ""
    last: str = ""
    """The first and the last that came, as something that sorts by time of arrival."""
    number: int | None = None
    """TemporalPositionIdentifier."""
    announced: int | None = None
    """NumberOfTemporalPositions."""
    in_acquisition: int | None = None
    """ImagesInAcquisition, the highest."""


@dataclass(frozen=True, slots=True)
class HeaderCount:
    """The images of a series by their headers' own counts."""

    images: int
    expected: int | None = None
    """In the whole series; None when the headers do not say."""
    is_short: bool = False
    """Some are still to come."""
    is_all: bool = False
    """These are all."""
    contradicts: bool = False
    """The headers' counts contradict one another, so that nothing follows from them."""


def header_count(times: Sequence[Time]) -> HeaderCount:
    """Weigh the counts of a series against what has come of it."""
    images = sum(one.images for one in times)
    stated = max((one.in_acquisition or 0 for one in times), default=0) or None
    missing = missing_times(times)
    if isinstance(missing, Missing):
        if missing is _NO_SENSE:
            return HeaderCount(images, contradicts=True)
        is_short, is_all = _compared(images, stated)
        # The first time of many is not all, whichever of them the count is of.
        return HeaderCount(images, stated, is_short, is_all and missing is not _ELSEWHERE)
    most = max(one.images for one in times)
    count = len(times) + len(missing)
    if stated is None:
        is_short = bool(missing) or any(one.images < most for one in times)
        return HeaderCount(images, None, is_short, not is_short and most > 1 and _one_after_another(times))
    # Of the whole series, or else of each time; it cannot mean fewer than there are.
    of_each = [each for each in ((stated // count) if stated % count == 0 else 0, stated) if each >= most]
    if not of_each:
        return HeaderCount(images, contradicts=True)
    expected = of_each[0] * count
    return HeaderCount(images, expected, *_compared(images, expected))


def missing_times(times: Sequence[Time]) -> tuple[int, ...] | Missing:
    """The announced times that no image is of, rising; or why that cannot be said."""
    announced = {one.announced for one in times}
    numbers = {one.number for one in times}
    most = max((number or 0 for number in announced), default=0)
    if most < 2:
        return _NO_SENSE if most == 1 and len(numbers) > 1 else NOT_APPLICABLE
    if numbers == {None}:
        return _NO_TIME if announced == {most} else _NO_SENSE
    said = {number for number in numbers if number is not None}
    if announced != {most} or None in numbers or not said <= set(range(1, most + 1)):
        return _NO_SENSE
    return _ELSEWHERE if len(said) == 1 else tuple(sorted(set(range(1, most + 1)) - said))


def _compared(images: int, expected: int | None) -> tuple[bool, bool]:
    """Whether some are still to come, and whether these are all; a single image is no series yet."""
    return expected is not None and images < expected, expected is not None and 2 <= images >= expected


def _one_after_another(times: Sequence[Time]) -> bool:
    """Each time came as a whole. Where they come slice by slice, all are as many after every slice."""
    return all(one.last < other.first for one, other in pairwise(sorted(times, key=lambda one: one.first)))
