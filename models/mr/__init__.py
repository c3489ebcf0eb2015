"""Facts of MR series: what each slice says on arrival, and what the whole series says."""

from __future__ import annotations

from models.mr.head import MrHead
from models.mr.metal import MrVoid
from models.mr.motion_network import BUNDLE, MrMotion
from models.mr.painter import MrPainter
from models.mr.series import MrSeries
from models.mr.slices import MrSlice
from models.producer import Networks
from models.sets.picture import Painter
from models.sets.producer import SetProducer, SliceMeasure

__all__ = ["MEASURES", "PAINTERS", "PRODUCERS", "network_producers"]

MEASURES: tuple[SliceMeasure, ...] = (MrSlice(),)
PRODUCERS: tuple[SetProducer, ...] = (MrSeries(), MrHead(), MrVoid())
PAINTERS: tuple[Painter, ...] = (MrPainter(),)


def network_producers(networks: Networks) -> tuple[SetProducer, ...]:
    """The producers of series that ask networks (entry point ``qcbox.network_set_producers``)."""
    return (MrMotion(networks.get(BUNDLE)),)
