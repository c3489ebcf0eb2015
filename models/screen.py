"""Pictures of a console's screen: what may not be judged of them (design/image-qc.md, end of section 6.6).

A screen shows a choice of what the object would say, in 8 bits, scaled, windowed and drawn over. What it does not
show is not missing, and what the capture spoiled is not the image's fault.
"""

from __future__ import annotations

from collections.abc import Mapping

from capture.acquisition import Acquisition
from models.measurement import Measured, Measurement, Measurements, NotMeasured, Reason, Value
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, Answers, Reporter, family
from models.rules.verdict import Severity

HARDEST = Severity.MAJOR
"""No picture of a screen condemns an image by itself."""
FAULT, TO_CHECK = "screen.capture_fault", "screen.to_check"
"""Codes of faults, of :mod:`capture.screen.acquire`."""
_SHAPES = ("chest", "chest_lateral", "field", "side_marker", "inversion", "pixels", "image", "exam")
"""Families measured on the picture that scaling leaves alone; none of them under a capture fault."""
_GREYS = ("artefact", "noise", "sharpness", "clipping", "lungs")
"""Families that scaling, windowing and 8 bits change: of the screen, not of the detector."""
_OBJECT = ("uid", "display", "spacing", "lossy", "naming", "burned_in", "index", "count")
"""Families about the object, which a screen is not."""
_OF_OBJECT = ("dicom.PresentationIntentType", "view.orientation_present", "device.missing")


def limited(facts: Measurements, acquisition: Acquisition) -> Measurements:
    """The facts of an acquisition without those that a screen cannot tell. Objects are left as they are."""
    if acquisition.medium != "screen":
        return facts
    spoilt = any(fault.code == FAULT for fault in acquisition.faults)
    return Measurements(_limited(fact, spoilt) for fact in facts)


def hardest(facts: Mapping[str, Value]) -> Severity:
    """The hardest that a verdict on an image with these facts may be."""
    return HARDEST if facts.get("screen.medium") == "screen" else Severity.VETO


def _limited(fact: Measured, spoilt: bool) -> Measured:
    family_of = fact.name.partition(".")[0]
    if family_of in _OBJECT or fact.name in _OF_OBJECT:
        return NotMeasured(fact.name, Reason.NOT_APPLICABLE, "a picture of a screen")
    if isinstance(fact, NotMeasured):
        absent = fact.reason is Reason.NOT_IN_HEADER
        return NotMeasured(fact.name, Reason.NOT_ON_SCREEN) if absent else fact
    if spoilt and family_of in (*_SHAPES, *_GREYS):
        return NotMeasured(fact.name, Reason.CAPTURE_FAULT)
    if family_of in _GREYS:
        return NotMeasured(fact.name, Reason.NOT_RELIABLE, "a picture from a screen")
    return NotMeasured(fact.name, Reason.NOT_ON_SCREEN) if _says_missing(fact) else fact


def _says_missing(fact: Measurement) -> bool:
    """A false "is present"."""
    return fact.value is False and fact.name.rpartition(".")[2].endswith("present")


_FAMILY = family("screen")
_NO_SCREEN: Answers = dict.fromkeys(_FAMILY, NOT_APPLICABLE)


def _report(subject: Subject) -> Answers:
    acquisition = subject.acquisition
    if acquisition.medium != "screen":
        return _NO_SCREEN
    codes = [fault.code for fault in acquisition.faults]
    return {
        "screen.medium": "screen",
        "screen.capture_fault": FAULT in codes,
        "screen.to_check": float(codes.count(TO_CHECK)),
    }


PRODUCERS = (Reporter("screen/1", _FAMILY, _report),)
