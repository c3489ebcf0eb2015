"""From an event, its pictures and what was read of them to the bytes of a shot."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from capture.screen.events import Event
from capture.screen.frame import Picture
from capture.screen.reader import Readings
from capture.screen.shot import Shot, Told, dump
from capture.screen.signal import State
from capture.screen.template import Template

_FAST_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


def shoot(
    source: str,
    template: Template,
    event: Event,
    at: int,
    state: State,
    readings: Readings,
    pictures: Sequence[Picture],
) -> bytes:
    """The file of one event. ``at``: UTC milliseconds at which the picture had come to rest."""
    told = Told(source, "new" if event.kind == "new" else "update", event.image, at, state, readings.fields)
    different = [
        one
        for k, one in enumerate(pictures)
        if not any(np.array_equal(one.bgr, other.bgr) for other in pictures[:k])
    ]
    frames = tuple(cv2.imencode(".png", one.bgr, _FAST_PNG)[1].tobytes() for one in different)
    return dump(Shot(told, template, frames))
