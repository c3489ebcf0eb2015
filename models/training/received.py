"""A training film as the box receives it: so that an evaluation goes through the measures that ship."""

from __future__ import annotations

import numpy as np

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, Pixels, Technique
from models.image.metric import Radiograph
from models.image.picture import Picture
from models.image.views import make_views
from models.measurement import Measurements

_BITS = 4095.0


def radiograph_of(film: Picture, spacing_mm: float | None = None) -> Radiograph:
    """A frontal chest radiograph of 12 bits, MONOCHROME2, whose header says nothing but that it is one.

    ``film``: 0..1, dense anatomy bright.
    """
    pixels = Pixels(
        values=np.asarray(film * np.float32(_BITS), np.float32),
        color=None,
        padding=None,
        value_range=(0.0, _BITS),
        spacing_mm=None if spacing_mm is None else (spacing_mm, spacing_mm),
        spacing_source=None if spacing_mm is None else "PixelSpacing",
        inverted=False,
        window=None,
        frame=0,
        frames=1,
    )
    exam = Exam(Modality="DX", BodyPartExamined="CHEST", ViewPosition="PA")
    acquisition = Acquisition("training", Identity(), exam, Technique(), Device(), Display(), pixels)
    return Radiograph(acquisition, pixels, make_views(pixels, "chest"), Measurements())
