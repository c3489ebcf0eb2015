"""Phantoms: told by their shape and by what the header says, and judged by their own packs, never as patients."""

from __future__ import annotations

from models.phantom.acr_mr import AcrMr
from models.phantom.hazen_extra import Hazen
from models.phantom.water_ct import WaterCt
from models.sets.producer import SetProducer

__all__ = ["PRODUCERS"]

PRODUCERS: tuple[SetProducer, ...] = (AcrMr(), WaterCt(), Hazen())
