"""Facts from the view: what the picture shows, and whether the header says so. Said only when it is sure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from models.anatomy.limits import Band, ViewLimits
from models.anatomy.view import View, orientation_of
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Missing

NAMES = frozenset(
    {
        "pixels.projection",
        "pixels.body_part",
        "pixels.child_probability",
        "pixels.view_mismatch_probability",
        "pixels.orientation_mismatch_probability",
        "pixels.inversion_mismatch_probability",
    }
)
_PROJECTIONS = {"chest_pa": "PA", "chest_ap": "AP"}
_FRONTAL, _LATERAL = frozenset({"PA", "AP"}), frozenset({"LAT", "LL", "RL"})
_CHEST = frozenset({"CHEST", "THORAX", "LUNG"})
_FAR = frozenset(
    {"ANKLE", "CALCANEUS", "ELBOW", "FEMUR", "FIBULA", "FINGER", "FOOT", "FOREARM", "HAND", "HEAD", "HIP", "KNEE"}
    | {"LEG", "LOWERLEG", "MANDIBLE", "PATELLA", "PELVIS", "RADIUS", "RADIUSULNA", "SKULL", "THIGH", "THUMB"}
    | {"TIBIA", "TIBIAFIBULA", "TOE", "ULNA", "WRIST"}
)
"""Parts whose films show no lungs. Of ribs, shoulders or a spine they do: a chest in the picture is no fault."""
_UPRIGHT = (0, False)


@dataclass(frozen=True, slots=True)
class Stated:
    """What the header says; None where it is silent."""

    part: str | None
    projection: str | None
    orientation: Sequence[str]
    """PatientOrientation."""
    polarity_tested: bool = False
    """The classical test of black and white has an answer: a second one would count one fault twice."""


def facts(view: View, stated: Stated, limits: ViewLimits) -> Iterator[Measured]:
    """All of :data:`NAMES`, each measured or with the reason why not."""
    chest = 1 - view.kind["other_body_part"] - view.kind["not_a_radiograph"]
    strange = None if chest >= limits.chest else Missing(Reason.UNLIKE_TRAINING, f"seen as {view.likeliest}")
    yield _fact("pixels.body_part", strange or _part(stated.part), chest)
    yield _fact("pixels.projection", strange or _projection(view, limits), max(view.kind.values()))
    yield _fact("pixels.view_mismatch_probability", _view_mismatch(view, stated, limits))
    yield _fact("pixels.child_probability", strange or _in_band(view.child, limits.child))
    tested = NOT_APPLICABLE if stated.polarity_tested else None
    inverted = tested or strange or _in_band(view.inverted, limits.inverted)
    yield _fact("pixels.inversion_mismatch_probability", inverted)
    yield _fact("pixels.orientation_mismatch_probability", strange or _orientation_mismatch(view, stated, limits))


def _fact(name: str, answer: Answer, confidence: float = 1.0) -> Measured:
    if isinstance(answer, Missing):
        return NotMeasured(name, answer.reason, answer.detail)
    return Measurement(name, answer, confidence=min(1.0, confidence))


def _part(stated: str | None) -> Answer:
    """A chest, in the header's own word for it."""
    if stated is None or stated in _FAR:
        return "CHEST"
    return (
        stated if stated in _CHEST else Missing(Reason.NOT_APPLICABLE, "films of the stated part show lungs, too")
    )


def _projection(view: View, limits: ViewLimits) -> Answer:
    if view.kind["chest_lateral"] > limits.lateral:
        return "LAT"
    likeliest = max(_PROJECTIONS, key=lambda kind: view.kind[kind])
    return _PROJECTIONS[likeliest] if view.kind[likeliest] > limits.projection else _unsure(view.kind[likeliest])


def _unsure(probability: float) -> Missing:
    return Missing(Reason.NOT_RELIABLE, f"probability {probability:.2f}: between what agrees and what differs")


def _in_band(probability: float, band: Band) -> Answer:
    """The probability where it says something."""
    return _unsure(probability) if band.agrees < probability <= band.differs else probability


def _view_mismatch(view: View, stated: Stated, limits: ViewLimits) -> Answer:
    """Frontal or lateral, which is told well; AP from PA is not: there the header is believed.

    What is no radiograph at all (a drawing, a photograph) shows no other view: the gate refuses it, that is all.
    """
    if stated.projection is None:
        return NOT_IN_HEADER
    if stated.projection not in _FRONTAL | _LATERAL or (stated.part is not None and stated.part not in _CHEST):
        return NOT_APPLICABLE
    if view.likeliest == "not_a_radiograph":
        return Missing(Reason.UNLIKE_TRAINING, f"seen as {view.likeliest}")
    shown = view.frontal if stated.projection in _FRONTAL else view.kind["chest_lateral"]
    return _in_band(1 - shown, limits.other_view)


def _orientation_mismatch(view: View, stated: Stated, limits: ViewLimits) -> Answer:
    """Turned is told for any chest film; mirrored for a frontal one, where the heart and the arch are seen."""
    turn, mirrored = orientation_of(stated.orientation) or _UPRIGHT
    turned = _in_band(1 - view.turn[turn], limits.orientation)
    if isinstance(turned, Missing) or 1 - view.turn[turn] > limits.orientation.differs:
        return turned
    if view.frontal < limits.chest:
        return _unsure(view.frontal)
    flipped = 1 - view.mirrored if mirrored else view.mirrored
    return _in_band(flipped, limits.mirrored)
