"""Geometry of a radiograph from what networks find in it: the entry point ``qcbox.network_producers``."""

from __future__ import annotations

from collections.abc import Callable

from models.anatomy import foreign_object, framing, installed, kind, lung_greys, margins, trunk, view_facts
from models.anatomy.film import ChestsOf, measured_on, with_chest
from models.anatomy.looks import LooksOf, gate_of, looked_at
from models.image import VIEWS
from models.image.metric import Metric
from models.image.views import ViewsOf
from models.producer import MeasurementProducer, Network, Networks

__all__ = ["network_producers", "producers"]

_STATED = frozenset({"body.part", "view.projection"})


def producers(
    views: ViewsOf, looks: LooksOf, chests: ChestsOf, objects: Callable[[], Network | None]
) -> tuple[MeasurementProducer, ...]:
    """A set whose members share what each network found in a picture: it runs once, however many measures ask."""
    measures = (
        ("margins/2", margins.NAMES, measured_on(chests, margins.NAMES, margins.look)),
        ("framing/1", framing.NAMES, measured_on(chests, framing.NAMES, framing.look)),
        ("trunk/1", trunk.NAMES, measured_on(chests, trunk.NAMES, trunk.look)),
        ("lung-greys/1", lung_greys.NAMES, with_chest(chests, lung_greys.NAMES, lung_greys.look)),
        ("foreign-object/2", foreign_object.NAMES, foreign_object.measured(chests, objects)),
    )
    return (
        Metric("radiograph-view/1", view_facts.NAMES, looked_at(looks), views, needs=_STATED),
        kind.PRODUCER,
        *(Metric(name, names, look, views, needs=kind.PRODUCER.provides) for name, names, look in measures),
    )


def network_producers(networks: Networks) -> tuple[MeasurementProducer, ...]:
    """The producers that ask these networks. Where one is not there, its facts are NotMeasured(NO_MODEL).

    Raises:
        Misuse: a network's own limits are not as they must be.
    """
    looker, anatomy, objects = installed.looker(networks), installed.anatomy(networks), installed.objects(networks)
    looks = LooksOf(lambda: looker)
    return producers(VIEWS, looks, ChestsOf(lambda: anatomy, gate_of(looks)), lambda: objects)
