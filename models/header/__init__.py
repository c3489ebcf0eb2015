"""Producers that read the header: who, when, which machine, which part, side, view and name (HD01 to HD23)."""

from __future__ import annotations

from models.header import (
    body,
    clock,
    device,
    display,
    elements,
    identity,
    institution,
    laterality,
    lossy,
    naming,
    notes,
    objects,
    person,
    spacing,
    uids,
    view,
)
from models.producer import MeasurementProducer

PRODUCERS: tuple[MeasurementProducer, ...] = (
    elements.PRODUCER,
    objects.PRODUCER,
    identity.PRODUCER,
    person.PRODUCER,
    institution.PRODUCER,
    clock.PRODUCER,
    device.PRODUCER,
    body.PRODUCER,
    laterality.PRODUCER,
    view.PRODUCER,
    naming.PRODUCER,
    uids.PRODUCER,
    display.PRODUCER,
    spacing.PRODUCER,
    lossy.PRODUCER,
    notes.PRODUCER,
)

__all__ = ["PRODUCERS"]
