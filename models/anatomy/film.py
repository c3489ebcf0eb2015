"""Film: the network ``chest-anatomy`` run once per picture, however many measures ask."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable

from models.anatomy.both_ways import BothWays, both_ways
from models.anatomy.chest import Chest, Look, chest_of, none_of
from models.anatomy.kind import FRONTAL
from models.anatomy.radiograph import canvas_of_radiograph
from models.anatomy.structures import SIDE
from models.image.metric import Radiograph
from models.image.picture import Picture
from models.measurement import Measured, NotMeasured, Reason
from models.producer import Network
from models.reporting import NOT_APPLICABLE, Missing

BUNDLE = "chest-anatomy"


Doubt = Callable[[Radiograph, BothWays], Missing | None]
"""Why nothing should be measured on these structures, or None."""


class ChestsOf:
    """Makes the chest of one picture once. Keeps the last one only, and the picture weakly."""

    __slots__ = ("_doubt", "_last", "_network")

    def __init__(self, network: Callable[[], Network | None], doubt: Doubt) -> None:
        self._network = network
        self._doubt = doubt
        self._last: tuple[weakref.ref[Picture], Chest | Missing] | None = None

    def __call__(self, radiograph: Radiograph) -> Chest | Missing:
        kind = radiograph.so_far.get("exam.kind")
        if isinstance(kind, NotMeasured):
            return Missing(kind.reason, kind.detail)
        if kind.value not in FRONTAL:
            return NOT_APPLICABLE
        values = radiograph.pixels.values
        if self._last is None or self._last[0]() is not values:
            self._last = (weakref.ref(values), self._made(radiograph))
        return self._last[1]

    def _made(self, radiograph: Radiograph) -> Chest | Missing:
        network = self._network()
        if network is None:
            return Missing(Reason.NO_MODEL, BUNDLE)
        canvas = canvas_of_radiograph(radiograph, SIDE)
        found = both_ways(lambda batch: network.run({"image": batch}), canvas)
        return self._doubt(radiograph, found) or chest_of(radiograph, found.mean)


def with_chest(
    chests: ChestsOf, names: frozenset[str], look: Callable[[Radiograph, Chest], Iterable[Measured]]
) -> Callable[[Radiograph], Iterable[Measured]]:
    """A measure of radiographs and their chests as one of radiographs: where there is no chest, why."""

    def of(radiograph: Radiograph) -> Iterable[Measured]:
        chest = chests(radiograph)
        return none_of(names, chest) if isinstance(chest, Missing) else look(radiograph, chest)

    return of


def measured_on(chests: ChestsOf, names: frozenset[str], look: Look) -> Callable[[Radiograph], Iterable[Measured]]:
    """:func:`with_chest` of what looks at nothing else."""
    return with_chest(chests, names, lambda _, chest: look(chest))
