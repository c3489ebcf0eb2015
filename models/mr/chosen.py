"""Which slices of an MR series its measures look at, and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.sets.image_set import ImageSet, Slice

_LARGE = 0.3
"""Of the largest object in the series: slices that only touch it say little."""
_UPPER = 75.0
"""Percentile over slices: a fault shows in a good part of them, a chance in a few."""


def is_mr(images: ImageSet) -> bool:
    """By the modality of its first image."""
    return bool(images.slices) and images.slices[0].exam.Modality == "MR"


def usable(slices: Iterable[Slice]) -> tuple[Slice, ...]:
    """Slices of the first contrast that show a good part of the object; each instance and frame once."""
    once = {(one.instance or one.arrival_id, one.frame): one for one in slices if "mr.signal" in one.numbers}
    found = list(once.values())
    first = min((contrast(one) for one in found), default=None)
    found = [one for one in found if contrast(one) == first]
    largest = max((share(one) for one in found), default=0.0)
    return tuple(one for one in found if share(one) >= _LARGE * largest)


def contrast(one: Slice) -> tuple[float, float]:
    """b-value and echo time: pictures of one place that differ in these are not compared."""
    return one.technique.DiffusionBValue or 0.0, one.technique.EchoTime or 0.0


def share(one: Slice) -> float:
    """Of the picture that is object; 0 where there is only air."""
    return float(one.numbers["mr.object"][0])


def column(slices: Sequence[Slice], key: str, at: int) -> NDArray[np.float64]:
    """One number of each slice; NaN where it was not taken."""
    return np.array([float(one.numbers[key][at]) if key in one.numbers else math.nan for one in slices])


def upper(values: NDArray[np.float64]) -> float:
    """What a good part of the slices show; NaN of none."""
    return float(np.nanpercentile(values, _UPPER)) if np.isfinite(values).any() else math.nan


def worst(slices: Sequence[Slice], key: str) -> Slice | None:
    """The slice whose first number under this key is the highest; None where no slice has it."""
    values = column(slices, key, 0)
    return slices[int(np.nanargmax(values))] if np.isfinite(values).any() else None
