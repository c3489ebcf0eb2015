"""exam.kind of a set: which pack judges it. What is recognised as a phantom is never judged as a patient."""

from __future__ import annotations

from collections.abc import Iterator

from models.ct.kind import kind_of
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.phantom.kind import phantom_of
from models.reporting import Answer, Missing
from models.sets.producer import SetProducer, SetSubject

_NAME = "set-kind/2"
_HEAD_PARTS = frozenset({"BRAIN", "HEAD"})


class SetKind:
    """``phantom_...``, ``ct_chest``, ``ct_head``, ``ct_other``, ``mr_brain`` or ``mr_other``."""

    name = _NAME
    needs = frozenset[str]()
    provides = frozenset({"exam.kind", "phantom.is_phantom"})

    def measure(self, subject: SetSubject) -> Iterator[Measured]:
        modality = subject.so_far.text("dicom.Modality") or ""
        phantom = phantom_of(subject, modality)
        yield Measurement("phantom.is_phantom", phantom is not None, producer=_NAME)
        kind = phantom or _patient(subject, modality)
        if isinstance(kind, Missing):
            yield NotMeasured("exam.kind", kind.reason, kind.detail)
        else:
            yield Measurement("exam.kind", kind, producer=_NAME)


def _patient(subject: SetSubject, modality: str) -> Answer:
    if modality == "CT":
        return kind_of(subject.images, subject.so_far)
    if modality == "MR":
        return "mr_brain" if subject.so_far.text("body.part") in _HEAD_PARTS else "mr_other"
    return Missing(Reason.NOT_APPLICABLE, "no pack of its own")


PRODUCERS: tuple[SetProducer, ...] = (SetKind(),)
