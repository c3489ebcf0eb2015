"""exam.kind: which kind of chest film this is, so that exactly one pack judges its geometry.

The header says it; where the header is silent, the pixels do. A child is a child in any view but a lateral.
"""

from __future__ import annotations

from models.measurement import Measurements, NotMeasured, Reason
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, Answer, Answers, Missing, Reporter

FRONTAL = ("chest_pa", "chest_ap", "chest_child")
"""Kinds that the network ``chest-anatomy`` measures."""
CHILD_YEARS = 14.0
"""Below it a film is judged as a child's (image-qc.md 6.6, HD21)."""
_CHEST = frozenset({"CHEST", "THORAX", "LUNG"})
_LATERAL = frozenset({"LAT", "LL", "RL"})
_SURE_CHILD = 0.9


def _report(subject: Subject) -> Answers:
    return {"exam.kind": _kind(subject.so_far)}


def _kind(so_far: Measurements) -> Answer:
    part = so_far.text("body.part") or so_far.text("pixels.body_part")
    if part is None:
        return _unknown(so_far, "pixels.body_part")
    if part not in _CHEST:
        return NOT_APPLICABLE
    view = so_far.text("view.projection") or so_far.text("pixels.projection")
    if view is None:
        return _unknown(so_far, "pixels.projection")
    if view in _LATERAL:
        return "chest_lateral"
    if view not in ("PA", "AP"):
        return NOT_APPLICABLE
    if _is_child(so_far):
        return "chest_child"
    return "chest_pa" if view == "PA" else "chest_ap"


def _is_child(so_far: Measurements) -> bool:
    age = so_far.number("person.age_years")
    if age is not None:
        return age < CHILD_YEARS
    return (so_far.number("pixels.child_probability") or 0.0) >= _SURE_CHILD


def _unknown(so_far: Measurements, from_pixels: str) -> Missing:
    """The header is silent: why the pixels could not tell either."""
    fact = so_far.get(from_pixels)
    return Missing(fact.reason, fact.detail) if isinstance(fact, NotMeasured) else Missing(Reason.NOT_RELIABLE)


PRODUCER = Reporter(
    "exam-kind/1",
    frozenset({"exam.kind"}),
    _report,
    frozenset(
        {"body.part", "view.projection", "person.age_years"}
        | {"pixels.body_part", "pixels.projection", "pixels.child_probability"}
    ),
)
