"""The picture of a set: a sheet of the planes through it, by whoever knows best what to show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Protocol

import cv2
import numpy as np

from models.measurement import Measurements
from models.sets.image_set import ImageSet
from models.sets.sheet import PanelName, Picture, draw
from models.sets.upright import upright_of
from models.sets.volume import Volume, volume_of

_QUALITY = 88
_DARK, _BRIGHT = 1.0, 99.5
"""Percentiles shown black and white by who does not know better."""


class Painter(Protocol):
    """Chooses what the panels of a sheet show. The marks of its producers lie on the same panels."""

    @property
    def name(self) -> str: ...

    def paint(self, images: ImageSet, facts: Measurements) -> Mapping[PanelName, Picture] | None:
        """The panels; None when another painter must do."""


@dataclass(frozen=True, slots=True)
class AnyVolume:
    """The planes through the middle, in the window of their own values."""

    name: str = "any-volume"

    def paint(self, images: ImageSet, facts: Measurements) -> Mapping[PanelName, Picture] | None:
        """None for a study, and for what is no block of parallel slices."""
        volume = volume_of(images.series[0]) if images.level == "series" else None
        if not isinstance(volume, Volume):
            return None
        turned = upright_of(volume)
        if turned is None:
            return None
        low, high = np.percentile(volume.values[:: max(1, len(volume.values) // 16), ::2, ::2], (_DARK, _BRIGHT))
        return turned.middle((float(low), float(high)))


def picture_of(images: ImageSet, facts: Measurements) -> bytes | None:
    """The sheet as JPEG; None when there is nothing to show.

    A painter that breaks leaves the set to the next: a picture is no reason to be without a verdict.
    """
    for painter in (*discover_painters(), AnyVolume()):
        try:
            panels = painter.paint(images, facts)
        except Exception:  # noqa: BLE001, S112 - as with producers, one that breaks costs only itself
            continue
        if panels:
            _, jpeg = cv2.imencode(".jpg", draw(panels), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
            return jpeg.tobytes()
    return None


def discover_painters() -> tuple[Painter, ...]:
    """Every painter that an installed package offers under ``qcbox.set_painters``, by name."""
    found: list[Painter] = []
    for entry in entry_points(group="qcbox.set_painters"):
        found.extend(entry.load())
    return tuple(sorted(found, key=lambda painter: painter.name))
