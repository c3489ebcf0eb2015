"""uid.*: unique identifiers, HD13. Booleans only: a UID never leaves this file."""

from __future__ import annotations

import re

from models.header.modality import SLICES
from models.measurement import Reason
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answers, Missing, Reporter, family, flawed

_LEGAL = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+")
_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_NO_HISTORY = Missing(Reason.NOT_CONNECTED, "the history of the box was not asked")


def is_legal(uid: str) -> bool:
    """PS3.5 9.1: components of digits without leading zeros, dots between, 64 characters at most."""
    return len(uid) <= 64 and _LEGAL.fullmatch(uid) is not None


def _report(subject: Subject) -> Answers:
    acquisition, again = subject.acquisition, subject.circumstances.same_uid_other_bytes
    uids = [uid for uid in (getattr(acquisition.identity, keyword) for keyword in _KEYWORDS) if uid]
    dropped = flawed(acquisition, *_KEYWORDS)
    slices = acquisition.exam.Modality in SLICES
    return {
        "uid.present": len(uids) == len(_KEYWORDS),
        "uid.legal": all(map(is_legal, uids)) and not dropped if uids or dropped else NOT_IN_HEADER,
        "uid.distinct": len(set(uids)) == len(uids) if len(uids) > 1 else NOT_IN_HEADER,
        "uid.same_uid_other_bytes": _NO_HISTORY if again is None else again,
        "uid.frame_of_reference_present": acquisition.exam.has_FrameOfReferenceUID if slices else NOT_APPLICABLE,
    }


PRODUCER = Reporter("uids/1", family("uid"), _report)
