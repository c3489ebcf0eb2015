"""institution.* and mark.*: the name of the hospital and the shared-image mark, HD04 and HD05."""

from __future__ import annotations

import re

from models.header.decoding import decodes
from models.header.identity import is_present
from models.measurement import Reason
from models.producer import Subject
from models.reporting import NOT_IN_HEADER, Answer, Answers, Missing, Reporter, family

_NO_MARK = Missing(Reason.NOT_CONFIGURED, "this site has not said where its shared-image mark stands")
_NO_PATTERN = Missing(Reason.NOT_CONFIGURED, "the pattern of the shared-image mark is not a regular expression")


def _mark_present(subject: Subject) -> Answer:
    mark = subject.circumstances.shared_mark
    if mark is None:
        return _NO_MARK
    try:
        pattern = re.compile(mark.pattern)
    except re.error:
        return _NO_PATTERN
    return any(pattern.search(value) for value in subject.acquisition.private_marks)


def _report(subject: Subject) -> Answers:
    name = subject.acquisition.device.InstitutionName
    present = name if is_present(name) else None
    return {
        "institution.present": present is not None,
        "institution.decodes": decodes(present, subject.acquisition) if present else NOT_IN_HEADER,
        "mark.present": _mark_present(subject),
    }


PRODUCER = Reporter("institution/1", family("institution", "mark"), _report)
