"""identity.*: whether it is known whose image this is, HD01, HD03, HD08. Booleans only: no name leaves here."""

from __future__ import annotations

import re

from capture.acquisition import Identity
from models.header.decoding import decodes
from models.producer import Subject
from models.reporting import NOT_IN_HEADER, Answer, Answers, Reporter, family

# Guarded, because the rule on it is a veto: whole words only, and Na, Qa or Sample may be somebody's name.
_TEST = re.compile(
    r"(?<![a-z])(test|testing|tst|phantom|dummy)(?![a-z])|^\W*(qc|qa|demo)(?![a-z])"
    r"|测试|试验|演示|模体|体模|水模|质控",
    re.IGNORECASE,
)
# What stands for a name that is not known (emergency) or was taken out (de-identified): real patients.
_PLACEHOLDER = re.compile(
    r"(?<![a-z])(anonym\w*|anon|unknown|unnamed|noname|noid|none|x{3,})(?![a-z])|匿名|无名|未知|某某",
    re.IGNORECASE,
)
_ASCENDING = "01234567890"


def _is_counted(patient_id: str) -> bool:
    """One digit repeated, or digits in counting order, three at least: 000, 123, 012345."""
    digits = patient_id.strip()
    return len(digits) >= 3 and digits.isdecimal() and (len(set(digits)) == 1 or digits in _ASCENDING)


def _looks_like_test(identity: Identity) -> Answer:
    patient_id, name = identity.PatientID or "", identity.PatientName or ""
    if not patient_id.strip() and not name.strip():
        return NOT_IN_HEADER
    return bool(_TEST.search(name.replace("^", " ")) or _TEST.search(patient_id) or _is_counted(patient_id))


def is_present(text: str | None) -> bool:
    """There is more than blanks, carets and equals signs (an empty person name is ``^^^^``)."""
    return bool((text or "").strip(" ^=\0"))


def _report(subject: Subject) -> Answers:
    identity = subject.acquisition.identity
    name = identity.PatientName if is_present(identity.PatientName) else None
    return {
        "identity.patient_id_present": is_present(identity.PatientID),
        "identity.patient_name_present": name is not None,
        "identity.patient_name_decodes": decodes(name, subject.acquisition) if name else NOT_IN_HEADER,
        "identity.looks_like_test": _looks_like_test(identity),
        "identity.name_is_placeholder": bool(_PLACEHOLDER.search(name)) if name else NOT_IN_HEADER,
        "identity.accession_present": is_present(identity.AccessionNumber),
        "identity.operator_present": is_present(identity.OperatorsName),
    }


PRODUCER = Reporter("identity/1", family("identity"), _report)
