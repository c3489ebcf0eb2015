"""One metric of a radiograph as a producer: what all of them refuse, and how their facts get unit and name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from capture.acquisition import Acquisition, NoPixels, Pixels
from models.catalogue import catalogue
from models.image.polarity import part_of
from models.image.views import Views, ViewsOf
from models.measurement import Measured, Measurement, Measurements, NotMeasured, Reason
from models.producer import Subject

PROJECTION = frozenset({"CR", "DX", "MG", "RF", "XA"})
"""Modalities that are projection radiographs (PS3.3 C.7.3.1.1.1)."""
_LEAST_SIDE = 64
UNPROVEN = 0.5
"""Most that is believed of a fact that the catalogue calls unproven, below every rule's floor."""


@dataclass(frozen=True, slots=True)
class Radiograph:
    """What a metric looks at: one frame, its views, and its acquisition with the facts known so far."""

    acquisition: Acquisition
    pixels: Pixels
    views: Views
    so_far: Measurements

    @property
    def from_screen(self) -> bool:
        """Read from a console's screen: 8 bits, scaled, windowed, overlaid (image-qc.md 6.6)."""
        return self.acquisition.medium == "screen"

    @property
    def lossy(self) -> bool:
        return self.acquisition.display.LossyImageCompression == "01"


@dataclass(frozen=True, slots=True)
class Metric:
    """A :class:`models.producer.MeasurementProducer` made of one pure function.

    ``look`` reports facts with name, value and confidence; unit and producer are filled in here.
    """

    name: str
    provides: frozenset[str]
    look: Callable[[Radiograph], Iterable[Measured]]
    views_of: ViewsOf
    of_blank: bool = False
    """Whether the metric means something on a blank picture."""
    needs: frozenset[str] = frozenset()

    def measure(self, subject: Subject) -> Iterable[Measured]:
        acquisition = subject.acquisition
        pixels = acquisition.pixels
        if acquisition.exam.Modality not in PROJECTION:
            return self._all(Reason.NOT_APPLICABLE, "not a projection radiograph")
        if isinstance(pixels, NoPixels):
            return self._all(Reason.NO_PIXELS, pixels.code)
        if pixels.frames > 1:
            return self._all(Reason.NOT_APPLICABLE, "a run of several frames")
        if min(pixels.values.shape) < _LEAST_SIDE:
            return self._all(Reason.NOT_RELIABLE, f"a side under {_LEAST_SIDE} pixels")
        views = self.views_of(pixels, part_of(acquisition.exam.BodyPartExamined))
        if views.blank and not self.of_blank:
            return self._all(Reason.NOT_RELIABLE, "the picture is blank")
        return self._signed(self.look(Radiograph(acquisition, pixels, views, subject.so_far)))

    def _all(self, reason: Reason, detail: str) -> list[Measured]:
        return [NotMeasured(name, reason, detail) for name in sorted(self.provides)]

    def _signed(self, facts: Iterable[Measured]) -> list[Measured]:
        return [self._named(fact) if isinstance(fact, Measurement) else fact for fact in facts]

    def _named(self, fact: Measurement) -> Measurement:
        known = catalogue()[fact.name]
        sure = min(fact.confidence, UNPROVEN) if known.unproven else fact.confidence
        return replace(fact, unit=known.unit, producer=self.name, confidence=sure)
