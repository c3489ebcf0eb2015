"""The two seams of sets: what is taken from each picture on arrival, and what is measured on the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Device, Display, Exam, Pixels, Technique
from models.circumstances import Circumstances
from models.measurement import Measurements
from models.producer import NO_NETWORKS, Networks, Producer, in_order, offered
from models.sets.image_set import ImageSet


class SliceMeasure(Protocol):
    """Numbers that need the full picture, taken once when it arrives, so that only little is left at the end."""

    @property
    def name(self) -> str:
        """``noise``; what it reports is kept as ``noise.<key>``."""

    def applies(self, exam: Exam, display: Display) -> bool: ...

    def measure(
        self, pixels: Pixels, exam: Exam, technique: Technique, device: Device
    ) -> Mapping[str, NDArray[np.float32]]:
        """Small arrays by key; an empty mapping where there is nothing to say."""


@dataclass(frozen=True, slots=True)
class SetSubject:
    """What a producer of sets may look at. ``so_far`` begins with the header facts of the set's middle image."""

    images: ImageSet
    circumstances: Circumstances
    so_far: Measurements


SetProducer = Producer[SetSubject]
"""As a producer of images: ``name`` with version, ``provides``, ``needs``, ``measure``."""


def discover_sets(networks: Networks = NO_NETWORKS) -> tuple[SetProducer, ...]:
    """Every producer that an installed package offers under ``qcbox.set_producers``, in dependency order.

    ``networks``: what those of ``qcbox.network_set_producers`` ask, each of which is a function of them, as with
    the producers of images (:func:`models.producer.discover`).
    """
    return in_order(offered("qcbox.set_producers", "qcbox.network_set_producers", networks))


def discover_slice_measures() -> tuple[SliceMeasure, ...]:
    """Every measure that an installed package offers under ``qcbox.slice_measures``, by name."""
    found: list[SliceMeasure] = []
    for entry in entry_points(group="qcbox.slice_measures"):
        found.extend(entry.load())
    return tuple(sorted(found, key=lambda measure: measure.name))
