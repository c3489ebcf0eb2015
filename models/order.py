"""An image against the orders of the day: whether it is the patient, the part and the side that were ordered.

Two identifiers make a patient (image-qc.md 6.6 HD01; Joint Commission NPSG.01.01.01). A name may be written in two
scripts, so that a differing name alone proves nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from capture.acquisition import Identity
from capture.order import Order
from models.circumstances import Ordered
from models.measurement import Reason
from models.producer import Subject
from models.reporting import Answer, Answers, Missing, Reporter

_NAMES = (
    "identity.agrees_with_worklist",
    "identity.accession_in_ris",
    "identity.accession_one_study",
    "laterality.agrees_with_order",
)
_LEFT = re.compile(r"(?<![a-z])(left|lt)(?![a-z])|左", re.IGNORECASE)
_RIGHT = re.compile(r"(?<![a-z])(right|rt)(?![a-z])|右", re.IGNORECASE)
_NOT_CONNECTED = Missing(Reason.NOT_CONNECTED, "worklist")
_NO_ORDER = Missing(Reason.NOT_RELIABLE, "no order of this patient is listed")
_NO_NUMBER = Missing(Reason.NOT_IN_HEADER, "no accession number")
_NOT_LISTED = Missing(Reason.NOT_RELIABLE, "the worklist lists what is scheduled, not every order of the RIS")
_NOTHING_ORDERED = Missing(Reason.NOT_RELIABLE, "the order names no side")


def matched(identity: Identity, orders: Sequence[Order]) -> Ordered:
    """Compare an identity with the orders of the day."""
    accession = _plain(identity.AccessionNumber)
    same = [order for order in orders if accession and _plain(order.AccessionNumber) == accession]
    answers = [answer for order in orders if (answer := _is_patient(identity, order)) is not None]
    return Ordered(
        patient=None if not answers else True in answers,
        accession_listed=bool(same) if accession else None,
        accession_of_one=len({_plain(order.PatientID) for order in same}) <= 1,
        sides=tuple(sorted(_sides(same))),
    )


def _is_patient(identity: Identity, order: Order) -> bool | None:
    """None: this order is of somebody else, or nobody can tell."""
    pairs = {
        keyword: (_plain(getattr(identity, keyword)), _plain(getattr(order, keyword)))
        for keyword in ("PatientID", "PatientBirthDate", "AccessionNumber")
    }
    agreeing = {keyword for keyword, (a, b) in pairs.items() if a and a == b}
    differing = {keyword for keyword, (a, b) in pairs.items() if a and b and a != b} - {"AccessionNumber"}
    named = bool(_names(identity.PatientName) & _names(order.PatientName))
    if len(agreeing) + named >= 2 and not differing:
        return True
    return False if differing and agreeing & {"PatientID", "AccessionNumber"} else None


def _plain(text: str | None) -> str:
    return re.sub(r"\s", "", text or "").upper()


def _names(name: str | None) -> frozenset[str]:
    """The ways a person name is written, without order, blanks and case; one letter is no name."""
    groups = (re.findall(r"\w+", group.upper()) for group in (name or "").split("="))
    # A Chinese name is written with or without a gap behind the surname.
    written = ("".join(sorted(words if "".join(words).isascii() else "".join(words))) for words in groups)
    return frozenset(name for name in written if len(name) > 1)


def _sides(orders: Iterable[Order]) -> set[str]:
    found: set[str] = set()
    for order in orders:
        left, right = bool(_LEFT.search(order.description)), bool(_RIGHT.search(order.description))
        found |= {"L"} if left and not right else {"R"} if right and not left else set()
    return found


def _report(subject: Subject) -> Answers:
    ordered = subject.circumstances.ordered
    if ordered is None:
        return dict.fromkeys(_NAMES, _NOT_CONNECTED)
    listed = _NO_NUMBER if ordered.accession_listed is None else True if ordered.accession_listed else _NOT_LISTED
    return {
        "identity.agrees_with_worklist": _NO_ORDER if ordered.patient is None else ordered.patient,
        "identity.accession_in_ris": listed,
        "identity.accession_one_study": ordered.accession_of_one if listed is True else listed,
        "laterality.agrees_with_order": _side(subject, ordered),
    }


def _side(subject: Subject, ordered: Ordered) -> Answer:
    exam = subject.acquisition.exam
    side = exam.ImageLaterality or exam.Laterality
    if len(ordered.sides) != 1 or side not in ("L", "R"):
        return _NOTHING_ORDERED
    return side == ordered.sides[0]


PRODUCERS = (Reporter("order/1", frozenset(_NAMES), _report),)
