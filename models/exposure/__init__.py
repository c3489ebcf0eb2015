"""Producers of exposure, technique, dose and slice geometry, from the header and from dose reports."""

from __future__ import annotations

from models.exposure import deviation, dose, geometry, technique
from models.producer import MeasurementProducer

PRODUCERS: tuple[MeasurementProducer, ...] = (
    deviation.PRODUCER,
    technique.PRODUCER,
    dose.PRODUCER,
    geometry.PRODUCER,
)

__all__ = ["PRODUCERS"]
