"""Events of a screen: a new image, another look of it, live, frozen, covered, seen before.

Decided on quarter-size luma of the image box (:mod:`capture.screen.blocks`), never by stillness alone: the anchors
must be in place, and where the screen has a second witness (image number, exposure time, FROZEN) it must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from capture.screen.template import Template

EventName = Literal["new", "update", "freeze", "live", "occluded", "revealed", "seen", "no_signal"]


@dataclass(frozen=True, slots=True)
class Event:
    """What happened. ``time``: of the frame that decided it. ``image``: which image it is about, "" for none."""

    kind: EventName
    time: float
    image: str = ""


class Witness(Protocol):
    """The newest frame at full size, looked at only when something is to be decided."""

    def placed(self) -> bool:
        """Whether the anchors are in place."""

    def texts(self) -> tuple[str | None, ...]:
        """What the template's witnesses show, in their order; None where it is not what was taught."""


class Detector:
    """Of one template of one screen. Used by one thread."""

    def __init__(self, template: Template) -> None:
        raise NotImplementedError

    def feed(self, luma: NDArray[np.uint8], time: float, witness: Witness) -> tuple[Event, ...]:
        """What this frame tells. ``luma``: every fourth pixel of the whole screen, (rows / 4, columns / 4)."""
        raise NotImplementedError

    def lost(self, time: float) -> tuple[Event, ...]:
        """There is no picture any more: nothing is forgotten, nothing is decided until there is one again."""
        raise NotImplementedError
