"""Looks: the network ``radiograph-view`` run once per picture, its facts, and the gate before all geometry."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.anatomy.both_ways import BothWays
from models.anatomy.gate import implausible, lungs_seen, strange
from models.anatomy.limits import Limits
from models.anatomy.view import BUNDLE, View, view_of
from models.anatomy.view_facts import NAMES, Stated, facts
from models.image.metric import Radiograph
from models.image.picture import Picture
from models.measurement import Measured, NotMeasured, Reason
from models.reporting import Missing

_NO_MODEL = Missing(Reason.NO_MODEL, BUNDLE)


class Looker(Protocol):
    """The network and the limits that were chosen for it."""

    @property
    def limits(self) -> Limits: ...

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]: ...


class LooksOf:
    """Looks at one picture once. Keeps the last view only, and the picture weakly."""

    __slots__ = ("_last", "_looker")

    def __init__(self, looker: Callable[[], Looker | None]) -> None:
        self._looker = looker
        self._last: tuple[weakref.ref[Picture], View] | None = None

    def __call__(self, radiograph: Radiograph) -> tuple[View, Limits] | None:
        """The view and the limits; None without the bundle."""
        looker = self._looker()
        if looker is None:
            return None
        values = radiograph.pixels.values
        if self._last is None or self._last[0]() is not values:
            views = radiograph.views
            view = view_of(
                lambda batch: looker.run({"image": batch}),
                views.small,
                used=views.used,
                inverted=radiograph.pixels.inverted,
            )
            self._last = (weakref.ref(values), view)
        return self._last[1], looker.limits


def looked_at(looks: LooksOf) -> Callable[[Radiograph], Iterable[Measured]]:
    """The facts of the view as a measure of radiographs."""

    def of(radiograph: Radiograph) -> Iterable[Measured]:
        seen = looks(radiograph)
        if seen is None:
            return [NotMeasured(name, _NO_MODEL.reason, _NO_MODEL.detail) for name in sorted(NAMES)]
        stated = Stated(
            radiograph.so_far.text("body.part"),
            radiograph.so_far.text("view.projection"),
            radiograph.acquisition.exam.PatientOrientation,
            polarity_tested=radiograph.views.polarity.exposed_end is not None,
        )
        return facts(seen[0], stated, seen[1].view)

    return of


def gate_of(looks: LooksOf) -> Callable[[Radiograph, BothWays], Missing | None]:
    """Why nothing should be measured on what the anatomy network found, or None.

    Without radiograph-view nothing is measured: a number on a picture that nobody has looked at is a guess.
    """

    def doubt(radiograph: Radiograph, found: BothWays) -> Missing | None:
        seen = looks(radiograph)
        if seen is None:
            return _NO_MODEL
        view, limits = seen
        gate = limits.gate.limits()
        odd = strange(view, gate, polarity_known=radiograph.views.polarity.exposed_end is not None)
        if odd is not None:
            return odd
        return implausible(lungs_seen(found, gate.shape), gate)

    return doubt
