"""Geometry of a radiograph from what networks find in it: the producers of the entry point ``qcbox.producers``."""

from __future__ import annotations

from collections.abc import Callable

from models.anatomy import framing, kind, margins, trunk
from models.anatomy.film import BUNDLE, ChestsOf, Doubt, Network, measured_on
from models.bundles.library import library
from models.image import VIEWS
from models.image.metric import Metric
from models.image.views import ViewsOf
from models.producer import MeasurementProducer

__all__ = ["PRODUCERS", "producers"]

_AFTER = frozenset({"exam.kind"})


def producers(
    network: Callable[[], Network | None], doubt: Doubt, views: ViewsOf
) -> tuple[MeasurementProducer, ...]:
    """A set that runs the network once per picture and shares what it found."""
    chests = ChestsOf(network, doubt)
    measures = (("margins/1", margins), ("framing/1", framing), ("trunk/1", trunk))
    return (
        kind.PRODUCER,
        *(
            Metric(name, one.NAMES, measured_on(chests, one.NAMES, one.look), views, needs=_AFTER)
            for name, one in measures
        ),
    )


PRODUCERS = producers(lambda: library().get(BUNDLE), lambda radiograph, structures: None, VIEWS)
