"""Percentiles, range used, and whether there is a picture at all."""

from __future__ import annotations

from collections.abc import Iterable

from models.image.metric import Radiograph
from models.measurement import Measured, Measurement, NotMeasured, Reason

NAMES = frozenset(
    {
        "image.blank",
        "image.dynamic_range_used_percent",
        "image.percentile_01",
        "image.percentile_50",
        "image.percentile_99",
    }
)


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """Of every fifth pixel of every fifth row that is not padding; modality values."""
    views = radiograph.views
    _, p01, p50, p99, _ = views.percentiles
    low, high = radiograph.pixels.value_range
    yield Measurement("image.blank", views.blank)
    yield Measurement("image.percentile_01", p01)
    yield Measurement("image.percentile_50", p50)
    yield Measurement("image.percentile_99", p99)
    if high > low:
        yield Measurement("image.dynamic_range_used_percent", 100 * (p99 - p01) / (high - low))
    else:
        yield NotMeasured("image.dynamic_range_used_percent", Reason.INVALID_IN_HEADER, "no range of values")
