"""MB03: signs of motion in the pictures of a series, as the network ``mr-motion`` sees them.

Its level is of the machine, the sequence and the part (a trunk that breathes reads higher than a head): only a
change against the baseline of this device and protocol says something (the card of the network).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from capture.acquisition import Technique
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.mr.chosen import usable
from models.mr.motion_picture import picture_of
from models.mr.plane import Picture, phase_axis
from models.mr.series import not_for, signed
from models.producer import Network
from models.sets.image_set import Slice, SlicePixels
from models.sets.producer import SetSubject

BUNDLE = "mr-motion"
NAME = "mr.motion_score"
_ECHO_PLANAR = "EP"
_FEW_SUBJECTS = 0.65
"""Confidence: it was tried on ten subjects, with simulated motion only."""
_MOST = 8
"""Pictures that the network sees, spread over the series: motion is of a scan, not of a slice."""


class Released(Network, Protocol):
    """A network that says which one of its name it is."""

    @property
    def version(self) -> str: ...


class MrMotion:
    """Of a series of magnitude pictures whose phase axis is known. Without the network: NotMeasured(NO_MODEL)."""

    provides = frozenset((NAME,))
    needs = frozenset[str]()

    def __init__(self, network: Released | None) -> None:
        self._network = network
        # Another network has another level: what it says must not be compared with a baseline of this one.
        self.name = BUNDLE if network is None else f"{BUNDLE}/{network.version}"

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        yield signed(self._seen(subject), self.name)

    def _seen(self, subject: SetSubject) -> Measured:
        if self._network is None:
            return NotMeasured(NAME, Reason.NO_MODEL, BUNDLE)
        why = not_for(subject)
        if why is not None:
            return NotMeasured(NAME, Reason.NOT_APPLICABLE, why)
        slices = [one for one in usable(subject.images.slices) if shows_motion(one.technique)]
        if not slices:
            return NotMeasured(NAME, Reason.NOT_APPLICABLE, "echo-planar: each picture is taken in an instant")
        if not any(phase_axis(one.technique.InPlanePhaseEncodingDirection) is not None for one in slices):
            return NotMeasured(NAME, Reason.NOT_IN_HEADER, "the phase-encoding direction is not in the header")
        pictures = [picture for one in _spread(slices) if (picture := _picture(one)) is not None]
        if not pictures:
            return NotMeasured(NAME, Reason.NO_PIXELS, "no slice shows an object")
        # One by one: a worker's memory is bounded, and eight at once take no less time on one core.
        logits = [self._network.run({"image": picture[None, None]})["motion"] for picture in pictures]
        return Measurement(NAME, float(np.mean(logits)), confidence=_FEW_SUBJECTS)


def shows_motion(technique: Technique) -> bool:
    """Whether a picture would show it: not an echo-planar one (ScanningSequence EP, PS3.3 C.8.3.1).

    That is taken in an instant, so who moves has moved between pictures.
    """
    return _ECHO_PLANAR not in technique.ScanningSequence


def _spread(slices: Sequence[Slice]) -> Sequence[Slice]:
    return [slices[at] for at in np.unique(np.linspace(0, len(slices) - 1, _MOST).round().astype(int))]


def _picture(one: Slice) -> Picture | None:
    if not isinstance(one.pixels, SlicePixels):
        return None
    pixels = one.pixels
    return picture_of(pixels.modality(), one.technique.InPlanePhaseEncodingDirection, pixels.spacing_mm)
