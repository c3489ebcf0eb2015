"""case.*: what the box's own list of devices adds to an image."""

from __future__ import annotations

from models.measurement import Reason
from models.producer import Subject
from models.reporting import Answers, Missing, Reporter, family

_UNKNOWN = Missing(Reason.NOT_CONFIGURED, "the box does not know it")


def _keys(subject: Subject) -> Answers:
    around = subject.circumstances
    return {"case.device_key": around.device_key or _UNKNOWN, "case.person_key": around.person_key or _UNKNOWN}


PRODUCERS = (Reporter("site-keys/1", family("case"), _keys),)
