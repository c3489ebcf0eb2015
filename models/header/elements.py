"""dicom.X: elements handed on unchanged. A catalogue line and a field of Acquisition are all a new one needs."""

from __future__ import annotations

from dataclasses import fields

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, Technique
from models.catalogue import catalogue
from models.header.anatomy_terms import is_term
from models.header.view import STANDARD
from models.measurement import Reason
from models.producer import Subject
from models.reporting import NOT_IN_HEADER, Answer, Answers, Missing, Reporter, absent

LONGEST = 256
"""Characters of a text, and values of a list, beyond which the element is not what it should be."""
_SECTIONS = {"exam": Exam, "technique": Technique, "device": Device, "display": Display}


def _places() -> dict[str, tuple[str, str]]:
    """Catalogue name to (section of Acquisition, keyword)."""
    section_of = {field.name: section for section, kind in _SECTIONS.items() for field in fields(kind)}
    keywords = (name.removeprefix("dicom.") for name in catalogue() if name.startswith("dicom."))
    return {f"dicom.{keyword}": (section_of[keyword], keyword) for keyword in keywords}


def whole_identity(identity: Identity) -> frozenset[str]:
    """What must not stand in any text: whole values of four characters or more, in lower case."""
    values = (getattr(identity, field.name) for field in fields(Identity) if field.name != "IssuerOfPatientID")
    return frozenset(value.strip().casefold() for value in values if value and len(value.strip()) >= 4)


def name_parts(identity: Identity) -> frozenset[str]:
    """Parts of names long enough to mean somebody: two characters of Chinese, four of ASCII."""
    text = f"{identity.PatientName or ''} {identity.OperatorsName or ''}".casefold()
    parts = text.replace("^", " ").replace("=", " ").split()
    return frozenset(part for part in parts if len(part) >= (4 if part.isascii() else 2))


def _text(value: str, forbidden: frozenset[str]) -> Answer:
    if not value.strip():
        return NOT_IN_HEADER
    if len(value) > LONGEST:
        return Missing(Reason.INVALID_IN_HEADER, f"longer than {LONGEST} characters")
    if is_term(value) or value in STANDARD:
        # A patient may be called Chest; a word of a closed list still names nobody.
        return value
    if any(word in value.casefold() for word in forbidden):
        return Missing(Reason.INVALID_IN_HEADER, "holds part of an identity, so it is not handed on")
    return value.strip()


def _texts(values: tuple[str, ...], forbidden: frozenset[str]) -> Answer:
    if len(values) > LONGEST:
        return Missing(Reason.INVALID_IN_HEADER, f"more than {LONGEST} values")
    cleaned = [_text(value, forbidden) for value in values]
    wrong = [answer for answer in cleaned if isinstance(answer, Missing) and answer is not NOT_IN_HEADER]
    # An empty value keeps its place: ImageType and PatientOrientation are read by position.
    return wrong[0] if wrong else tuple(answer if isinstance(answer, str) else "" for answer in cleaned)


def _answer(acquisition: Acquisition, name: str, section: str, keyword: str) -> Answer:
    value = getattr(getattr(acquisition, section), keyword)
    if value is None or value in ("", ()):
        return absent(acquisition, keyword)
    kind = catalogue()[name].type
    if kind == "number":
        number: float = value[0] if isinstance(value, tuple) else value
        return number
    forbidden = whole_identity(acquisition.identity) | name_parts(acquisition.identity)
    return _texts(value, forbidden) if kind == "texts" else _text(value, forbidden)


def _report(subject: Subject) -> Answers:
    return {name: _answer(subject.acquisition, name, *place) for name, place in PLACES.items()}


PLACES = _places()
PRODUCER = Reporter("elements/1", frozenset(PLACES), _report)
