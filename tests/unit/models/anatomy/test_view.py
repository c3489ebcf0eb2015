"""radiograph-view: how the network is asked, what becomes a fact, and when nothing is said."""

from __future__ import annotations

import numpy as np
import pytest

from models.anatomy.view import ORIENTATIONS, orientation_of, view_of
from models.anatomy.view_facts import NAMES, Stated, facts
from models.catalogue import catalogue
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from tests.unit.models.anatomy.watcher import Watcher, kinds, limits, pattern, placed, view

PA = Stated("CHEST", "PA", ())


@pytest.mark.parametrize(("turn", "mirrored"), ORIENTATIONS)
def test_every_orientation_is_read_upright_first_then_for_its_sides(turn: int, mirrored: bool) -> None:
    watcher = Watcher()
    found = view_of(watcher, placed(turn, mirrored))
    assert found.quarters == turn
    assert (found.mirrored > 0.9) if mirrored else (found.mirrored < 0.1)
    assert found.orientation(turn, mirrored) > 0.9
    assert watcher.looks == (1 if turn == 0 else 2), "an upright film is looked at once"


def test_a_leaning_of_the_network_is_taken_away_by_the_mirror() -> None:
    assert view_of(Watcher(blind=True, leaning=2.5), pattern()).mirrored == pytest.approx(0.5)
    plain, leaning = (view_of(Watcher(leaning=lean), pattern()).mirrored for lean in (0.0, 1.5))
    assert plain == pytest.approx(leaning, abs=1e-6)


def test_padding_is_turned_with_the_film() -> None:
    framed = np.pad(placed(1, False), ((0, 0), (0, 80)))
    used = np.zeros(framed.shape, bool)
    used[:, :240] = True
    assert view_of(Watcher(), framed, used=used).quarters == 1


def test_inverted_values_are_shown_as_the_header_says() -> None:
    assert view_of(Watcher(), 300 - placed(3, True), inverted=True).orientation(3, True) > 0.9


def test_patient_orientation_says_which_way_a_film_lies() -> None:
    """PS3.3 C.7.6.1.1.1: the directions of rows and of columns."""
    film = np.asarray([["top left", "top right"], ["bottom left", "bottom right"]])
    sides = {"left": "R", "right": "L", "top": "H", "bottom": "F"}
    for turn, mirrored in ORIENTATIONS:
        shown = np.rot90(film[:, ::-1] if mirrored else film, -turn)
        along = set(str(shown[0, 1]).split()) - set(str(shown[0, 0]).split())
        down = set(str(shown[1, 0]).split()) - set(str(shown[0, 0]).split())
        words = sides[along.pop()], sides[down.pop()]
        assert orientation_of(words) == (turn, mirrored), words
    assert orientation_of(()) is None
    assert orientation_of(("A", "F")) is None, "a lateral"


def said(found: object, stated: Stated = PA) -> Measurements:
    return Measurements(facts(found, stated, limits().view))  # type: ignore[arg-type]  # a View


def reason(of: Measurements, name: str) -> Reason:
    fact = of.get(f"pixels.{name}")
    assert isinstance(fact, NotMeasured), fact
    return fact.reason


def test_a_good_film_has_all_its_facts() -> None:
    found = said(view())
    assert {fact.name for fact in found} == NAMES
    assert set(catalogue()) >= NAMES
    assert found.text("pixels.projection") == "PA" and found.text("pixels.body_part") == "CHEST"
    for name in ("view", "orientation", "inversion"):
        assert (found.number(f"pixels.{name}_mismatch_probability") or 0) < 0.1


@pytest.mark.parametrize(
    ("kind", "stated", "probability"),
    [
        (kinds(chest_ap=0.99, chest_lateral=0.01), "PA", 0.01),
        (kinds(chest_lateral=0.97, chest_ap=0.03), "AP", 0.97),
        (kinds(chest_lateral=0.98, chest_pa=0.02), "PA", 0.98),
        (kinds(chest_pa=0.99, chest_lateral=0.01), "LL", 0.99),
        (kinds(other_body_part=0.98, chest_pa=0.02), "AP", 0.98),
    ],
)
def test_frontal_or_lateral_against_the_header(kind: dict[str, float], stated: str, probability: float) -> None:
    found = said(view(kind=kind), Stated("CHEST", stated, ()))
    assert found.number("pixels.view_mismatch_probability") == pytest.approx(probability, abs=0.001)


def test_what_is_no_radiograph_shows_no_other_view() -> None:
    """A drawing or a photograph is refused by the gate; it is no proof of a wrong header."""
    found = said(view(kind=kinds(not_a_radiograph=0.98, chest_pa=0.02)), Stated("CHEST", "AP", ()))
    assert reason(found, "view_mismatch_probability") is Reason.UNLIKE_TRAINING


def test_between_agreeing_and_differing_nothing_is_said() -> None:
    doubtful = said(view(kind=kinds(chest_pa=0.5, chest_lateral=0.5), mirrored=0.7, inverted=0.6, child=0.5))
    for name in ("view_mismatch", "orientation_mismatch", "inversion_mismatch", "child"):
        assert reason(doubtful, f"{name}_probability") is Reason.NOT_RELIABLE
    assert reason(doubtful, "projection") is Reason.NOT_RELIABLE
    assert doubtful.text("pixels.body_part") == "CHEST"


def test_ap_against_pa_is_never_said_where_the_limits_forbid_it() -> None:
    silent = limits().view.model_copy(update={"projection": 1.0})
    found = Measurements(facts(view(kind=kinds(chest_ap=1.0)), PA, silent))
    assert reason(found, "projection") is Reason.NOT_RELIABLE
    assert found.number("pixels.view_mismatch_probability") == 0.0, "it is a frontal film"
    lateral = Measurements(facts(view(kind=kinds(chest_lateral=1.0)), PA, silent))
    assert lateral.text("pixels.projection") == "LAT"
    assert lateral.number("pixels.view_mismatch_probability") == 1.0


def test_a_header_without_a_view_or_of_another_part_is_not_contradicted() -> None:
    assert reason(said(view(), Stated("CHEST", None, ())), "view_mismatch_probability") is Reason.NOT_IN_HEADER
    assert reason(said(view(), Stated("KNEE", "AP", ())), "view_mismatch_probability") is Reason.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("part", "said_to_be"),
    [
        ("CHEST", "CHEST"),
        ("THORAX", "THORAX"),
        (None, "CHEST"),
        ("KNEE", "CHEST"),
        ("SHOULDER", None),
        ("RIB", None),
    ],
)
def test_a_chest_contradicts_a_knee_and_agrees_with_a_thorax(part: str | None, said_to_be: str | None) -> None:
    found = said(view(), Stated(part, "PA", ()))
    assert found.text("pixels.body_part") == said_to_be
    if said_to_be is None:
        assert reason(found, "body_part") is Reason.NOT_APPLICABLE


def test_black_and_white_are_asked_for_only_where_the_classical_test_has_no_answer() -> None:
    tested = said(view(inverted=0.99), Stated("CHEST", "PA", (), polarity_tested=True))
    assert reason(tested, "inversion_mismatch_probability") is Reason.NOT_APPLICABLE
    assert (said(view(inverted=0.99)).number("pixels.inversion_mismatch_probability") or 0) > 0.95


def test_what_is_no_chest_is_unlike_training() -> None:
    found = said(view(kind=kinds(not_a_radiograph=0.9, chest_pa=0.1)))
    for name in ("body_part", "projection", "orientation_mismatch_probability", "child_probability"):
        assert reason(found, name) is Reason.UNLIKE_TRAINING


def test_turned_and_mirrored_are_measured_against_the_header() -> None:
    name = "pixels.orientation_mismatch_probability"
    turned, mirrored = view(turn=(0.01, 0.97, 0.01, 0.01)), view(mirrored=0.97)
    assert (said(turned).number(name) or 0) == pytest.approx(0.99)
    assert (said(mirrored).number(name) or 0) == pytest.approx(0.97)
    as_stated = Stated("CHEST", "PA", ("R", "F"))
    assert (said(mirrored, as_stated).number(name) or 0) == pytest.approx(0.03)
    lateral = said(view(kind=kinds(chest_lateral=0.99), mirrored=0.99), Stated("CHEST", "LL", ()))
    assert reason(lateral, "orientation_mismatch_probability") is Reason.NOT_RELIABLE, (
        "a lateral has no mirror image"
    )


def test_confidence_is_that_of_the_answer() -> None:
    part = said(view(kind=kinds(chest_pa=0.95, other_body_part=0.05))).get("pixels.body_part")
    assert isinstance(part, Measurement) and part.confidence == pytest.approx(0.95)
