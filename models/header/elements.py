"""dicom.X: elements handed on unchanged. A catalogue line and a field of Acquisition are all a new one needs."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

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


class Secret(NamedTuple):
    """What no text of an image may hold."""

    uid: str
    """Of the image itself, looked for as it is: compiled, it would have to be compiled for each slice again."""
    rest: re.Pattern[str]

    def is_in(self, text: str) -> bool:
        return (bool(self.uid) and self.uid in text) or self.rest.search(text) is not None


def identity_in_text(identity: Identity) -> Secret:
    """What of this identity no text may hold."""
    uid = (identity.SOPInstanceUID or "").strip()
    if _PLAIN_UID.fullmatch(uid):
        return Secret(uid, _pattern(replace(identity, SOPInstanceUID=None)))
    return Secret("", _pattern(identity))


_PLAIN_UID = re.compile(rf"[0-9.]{{6,{LONGEST}}}")


@lru_cache(maxsize=4)
def _pattern(identity: Identity) -> re.Pattern[str]:
    """What no text may hold: an ID, date or UID, a name in any order, or a part of a name that means somebody.

    Six characters (two of Chinese) are looked for anywhere, four as a word of their own: a Zhang must not
    hide Zhangjiakou, and a patient with the ID 1 not every series.
    """
    whole = [getattr(identity, field.name) for field in fields(Identity) if field.name != "IssuerOfPatientID"]
    names = [name[:LONGEST] for name in (identity.PatientName, identity.OperatorsName) if name]
    parts = [re.findall(r"[^\s^=,]+", name) for name in names]
    joined = [gap.join(order) for words in parts for order in (words, words[::-1]) for gap in ("", " ")]
    texts = {text.strip() for text in chain(whole, joined, *parts) if text and len(text) <= LONGEST}
    anywhere = [re.escape(text) for text in texts if len(text) >= (6 if text.isascii() else 2)]
    words = [rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])" for text in texts if len(text) in (4, 5)]
    return re.compile("|".join((*anywhere, *words)) or r"(?!)", re.IGNORECASE)


def _text(value: str, secret: Secret) -> Answer:
    if not value.strip():
        return NOT_IN_HEADER
    if len(value) > LONGEST:
        return Missing(Reason.INVALID_IN_HEADER, f"longer than {LONGEST} characters")
    # A patient may be called Chest; a word of a closed list still names nobody.
    if secret.is_in(value) and not (is_term(value) or value in STANDARD):
        return Missing(Reason.INVALID_IN_HEADER, "holds part of an identity, so it is not handed on")
    return value.strip()


def _texts(values: tuple[str, ...], secret: Secret) -> Answer:
    if len(values) > LONGEST:
        return Missing(Reason.INVALID_IN_HEADER, f"more than {LONGEST} values")
    cleaned = [_text(value, secret) for value in values]
    wrong = [answer for answer in cleaned if isinstance(answer, Missing) and answer is not NOT_IN_HEADER]
    # An empty value keeps its place: ImageType and PatientOrientation are read by position.
    return wrong[0] if wrong else tuple(answer if isinstance(answer, str) else "" for answer in cleaned)


def _answer(acquisition: Acquisition, name: str, section: str, keyword: str, secret: Secret) -> Answer:
    value = getattr(getattr(acquisition, section), keyword)
    if value is None or value in ("", ()):
        return absent(acquisition, keyword)
    kind = catalogue()[name].type
    if kind == "number":
        number: float = value[0] if isinstance(value, tuple) else value
        return number
    return _texts(value, secret) if kind == "texts" else _text(value, secret)


def _report(subject: Subject) -> Answers:
    secret = identity_in_text(subject.acquisition.identity)
    return {name: _answer(subject.acquisition, name, *place, secret) for name, place in PLACES.items()}


PLACES = _places()
PRODUCER = Reporter("elements/1", frozenset(PLACES), _report)
