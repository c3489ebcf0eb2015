"""CT: what each slice says on arrival, and what a series of a chest or a head shows (image-qc.md 6.3, 6.4)."""

from __future__ import annotations

from models.ct import chest_facts, facts, head_facts
from models.ct.painter import CtPainter
from models.ct.slices import CtSlice
from models.sets.picture import Painter
from models.sets.producer import SetProducer, SliceMeasure

__all__ = ["MEASURES", "PAINTERS", "PRODUCERS"]

MEASURES: tuple[SliceMeasure, ...] = (CtSlice(),)
PAINTERS: tuple[Painter, ...] = (CtPainter(),)
PRODUCERS: tuple[SetProducer, ...] = (*facts.PRODUCERS, *chest_facts.PRODUCERS, *head_facts.PRODUCERS)
