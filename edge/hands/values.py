"""What of a case can be typed, by the names that a sequence uses in braces."""

from __future__ import annotations

from collections.abc import Mapping

from capture.errors import Misuse
from capture.text import Bilingual
from edge.store.cards import Card
from models.rules.verdict import Grade
from models.rules.words import GRADES

_JOINT = Bilingual(";", "; ")
_COLON = Bilingual(":", ": ")


def values_of(card: Card, language: str) -> Mapping[str, str]:
    """``PatientID`` and others of the header, ``grade``, ``score``, and ``verdict``: grade and findings in a line.

    Raises:
        Misuse: ``hands.no_verdict``: the case has not been judged.
    """
    if card.grade is None or card.patient is None:
        raise Misuse(
            "hands.no_verdict",
            Bilingual("该病例尚未判定", "This case has no verdict"),
            Bilingual("等待判定完成，或处理搁置原因", "Wait for it, or see why it was set aside"),
        )
    grade = GRADES[Grade(card.grade)].get(language)
    score = "" if card.score is None else f"{card.score:g}"
    titles = _JOINT.get(language).join(found.title.get(language) for found in card.findings)
    head = " ".join(part for part in (grade, score) if part)
    return {
        "PatientID": card.patient.id,
        "PatientName": card.patient.name,
        "PatientBirthDate": card.patient.birth_date,
        "AccessionNumber": card.patient.accession_number,
        "grade": grade,
        "score": score,
        "verdict": f"{head}{_COLON.get(language)}{titles}" if titles else head,
    }
