"""Geometry of a radiograph from what networks find in it: the producers of the entry point ``qcbox.producers``."""

from __future__ import annotations

from collections.abc import Callable

from models.anatomy import foreign_object, framing, installed, kind, margins, trunk, view_facts
from models.anatomy.film import ChestsOf, Network, measured_on
from models.anatomy.looks import LooksOf, gate_of, looked_at
from models.image import VIEWS
from models.image.metric import Metric
from models.image.views import ViewsOf
from models.producer import MeasurementProducer

__all__ = ["PRODUCERS", "producers"]

_STATED = frozenset({"body.part", "view.projection"})


def producers(
    views: ViewsOf, looks: LooksOf, chests: ChestsOf, objects: Callable[[], Network | None]
) -> tuple[MeasurementProducer, ...]:
    """A set whose members share what each network found in a picture: it runs once, however many measures ask."""
    measures = (
        ("margins/1", margins.NAMES, measured_on(chests, margins.NAMES, margins.look)),
        ("framing/1", framing.NAMES, measured_on(chests, framing.NAMES, framing.look)),
        ("trunk/1", trunk.NAMES, measured_on(chests, trunk.NAMES, trunk.look)),
        ("foreign-object/1", foreign_object.NAMES, foreign_object.measured(chests, objects)),
    )
    return (
        Metric("radiograph-view/1", view_facts.NAMES, looked_at(looks), views, needs=_STATED),
        kind.PRODUCER,
        *(Metric(name, names, look, views, needs=kind.PRODUCER.provides) for name, names, look in measures),
    )


_LOOKS = LooksOf(installed.looker)
_CHESTS = ChestsOf(installed.anatomy, gate_of(_LOOKS))
PRODUCERS = producers(VIEWS, _LOOKS, _CHESTS, installed.objects)
