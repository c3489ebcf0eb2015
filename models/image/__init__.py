"""Classical metrics of projection radiographs: the producers of the entry point ``qcbox.producers``."""

from __future__ import annotations

from models.image import artefact, clipping, collimation, histogram, inversion, motion, noise, sharpness
from models.image.metric import Metric
from models.image.views import ViewsOf
from models.producer import MeasurementProducer

__all__ = ["PRODUCERS", "VIEWS", "producers"]

VIEWS = ViewsOf()
"""One picture's views, shared by everything of this process that looks at radiographs."""


def producers(views: ViewsOf | None = None) -> tuple[MeasurementProducer, ...]:
    """A fresh set that shares one picture's views among its members."""
    views = views or ViewsOf()
    return (
        Metric("histogram/1", histogram.NAMES, histogram.look, views, of_blank=True),
        Metric("collimation/1", collimation.NAMES, collimation.look, views),
        Metric("clipping/2", clipping.NAMES, clipping.look, views),
        Metric("noise/1", noise.NAMES, noise.look, views),
        Metric("sharpness/1", sharpness.NAMES, sharpness.look, views),
        Metric("motion/1", motion.NAMES, motion.look, views),
        Metric("artefact/2", artefact.NAMES, artefact.look, views),
        Metric("inversion/1", inversion.NAMES, inversion.look, views),
    )


PRODUCERS = producers(VIEWS)
