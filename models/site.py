"""case.* and baseline.*: what the box's own list of devices and its history add to an image."""

from __future__ import annotations

from models.measurement import Reason
from models.producer import Subject
from models.reporting import Answers, Missing, Reporter, family

_UNKNOWN = Missing(Reason.NOT_CONFIGURED, "the box does not know it")
_NO_BASELINE = Missing(Reason.NO_BASELINE, "needs 200 exams of this device and view")


def _keys(subject: Subject) -> Answers:
    around = subject.circumstances
    return {"case.device_key": around.device_key or _UNKNOWN, "case.person_key": around.person_key or _UNKNOWN}


def _baselines(subject: Subject) -> Answers:
    """Design/image-qc.md 7.2 (10): median and MAD of the last 200 exams. No box keeps them yet."""
    return dict.fromkeys(family("baseline"), _NO_BASELINE)


PRODUCERS = (
    Reporter("site-keys/1", family("case"), _keys),
    Reporter("baselines/1", family("baseline"), _baselines),
)
