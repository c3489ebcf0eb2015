"""Sequence numbers as inclusive ranges, the way acknowledgements and gaps are written."""

from __future__ import annotations

from collections.abc import Iterable

Range = tuple[int, int]


def from_numbers(numbers: Iterable[int]) -> tuple[Range, ...]:
    """The smallest list of ranges that holds exactly these numbers, ascending."""
    found: list[Range] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def count(ranges: Iterable[Range]) -> int:
    """How many numbers these disjoint ranges hold."""
    return sum(last - first + 1 for first, last in ranges)
