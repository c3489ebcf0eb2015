"""The producers of chest geometry: what they refuse, that the network runs once, and where a mark lands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from capture.acquisition import Acquisition, NoPixels
from models import header
from models.anatomy import producers
from models.anatomy.film import ChestsOf, Doubt
from models.anatomy.kind import PRODUCER as KIND
from models.anatomy.looks import LooksOf
from models.catalogue import catalogue
from models.circumstances import Circumstances
from models.image.views import ViewsOf
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.producer import MeasurementProducer, Network, Subject, in_order, measure_all
from models.reporting import Missing
from models.rules.schema import CONFIDENCE_FLOOR
from tests.unit.models.anatomy.chests import NAMES, fact, number, reasons
from tests.unit.models.anatomy.drawn import Drawing, DrawnNetwork
from tests.unit.models.image.phantoms import acquisition, pixels, torso

PLAIN = Drawing(width=360, height=405)
"""As the phantom: 800 x 900 pixels of 0.45 mm."""
ADULT_PA = {"ViewPosition": "PA", "PatientAge": "040Y"}


def film(exam: dict[str, Any] | None = None, **changes: Any) -> Acquisition:
    changes = {"spacing_mm": (0.45, 0.45), **changes}
    values = changes.pop("values", torso())
    return acquisition(pixels(values, **changes), exam=ADULT_PA if exam is None else exam)


def measured(of: Acquisition, network: Network | None = None, doubt: Doubt = lambda *_: None) -> Measurements:
    return measure_all(chain(network, doubt), of, Circumstances(received_at=0))[0]


def chain(network: Network | None, doubt: Doubt = lambda *_: None) -> tuple[MeasurementProducer, ...]:
    """The header's producers and the anatomy's, with this network and without the others."""
    ours = producers(ViewsOf(), LooksOf(lambda: None), ChestsOf(lambda: network, doubt), lambda: None)
    return in_order([*header.PRODUCERS, *ours])


def test_all_measures_of_one_picture_ask_the_network_once() -> None:
    network = DrawnNetwork(PLAIN)
    found = measured(film(), network)
    assert network.runs == 1
    assert number(found, "margin_left_mm") == pytest.approx(45, abs=1)
    assert found.text("exam.kind") == "chest_pa"
    for name in NAMES:
        one = found.get(name)
        assert isinstance(one, Measurement), one
        assert one.unit == catalogue()[name].unit and one.producer.endswith(("/1", "/2"))


def test_what_the_catalogue_calls_unproven_is_shown_and_below_every_floor() -> None:
    found = measured(film(), DrawnNetwork(PLAIN))
    unproven = {name for name in NAMES if catalogue()[name].unproven}
    assert {"chest.rotation_deg", "chest.scapula_overlap_left_ratio"} <= unproven
    for name in NAMES:
        one = found.get(name)
        assert isinstance(one, Measurement) and (one.confidence < CONFIDENCE_FLOOR) == (name in unproven), one


@pytest.mark.parametrize("inverted", [True, False])
def test_lungs_burnt_out_are_told_from_the_air_beside_them(inverted: bool) -> None:
    """A patch of 60 by 60 pixels of a lung at the dark end, 1.6 % of both; a strip of air is as dark."""
    values = torso()
    values[:, :40] = 4095
    good = measured(film(values=values if inverted else 4095 - values, inverted=inverted), DrawnNetwork(PLAIN))
    assert good.number("lungs.burnt_out_percent") == 0
    values[370:430, 203:263] = 4095
    found = measured(film(values=values if inverted else 4095 - values, inverted=inverted), DrawnNetwork(PLAIN))
    burnt = found.get("lungs.burnt_out_percent")
    assert isinstance(burnt, Measurement) and burnt.confidence == 1
    assert burnt.value == pytest.approx(100 * 3600 / (np.pi * (60 * 130 + 55 * 125) / 0.45**2), rel=0.15)
    (region,) = burnt.regions
    assert (region.left, region.bottom) == pytest.approx((203 / 800, 430 / 900), abs=0.01)


def test_another_picture_asks_again() -> None:
    network = DrawnNetwork(PLAIN)
    every = chain(network)
    for picture in (film(), film()):
        measure_all(every, picture, Circumstances(received_at=0))
    assert network.runs == 2


def test_the_field_in_the_pixels_is_the_border() -> None:
    """Phantom with shutters: 40 px of 0.45 mm left of the field, 70 above it."""
    values = torso(field=(420, 460, 760, 780))
    found = measured(film(values=values), DrawnNetwork(PLAIN))
    assert number(found, "margin_left_mm") == pytest.approx(45 - 40 * 0.45, abs=1.5)
    assert number(found, "margin_top_mm") == pytest.approx(50 - 70 * 0.45, abs=1.5)
    assert number(found, "margin_right_mm") == pytest.approx(360 - 305, abs=1)


def test_padding_moves_the_marks_with_the_film() -> None:
    """A frame of padding is not film: the same millimetres, the mark where the film lies in the stored picture."""
    plain = measured(film(), DrawnNetwork(PLAIN))
    values = np.pad(torso(), ((100, 0), (200, 0)))
    padding = np.zeros(values.shape, bool)
    padding[:100], padding[:, :200] = True, True
    framed = measured(film(values=values, padding=padding), DrawnNetwork(PLAIN))
    assert number(framed, "margin_left_mm") == pytest.approx(number(plain, "margin_left_mm"), abs=0.1)
    (x, y), (edge, _) = fact(framed, "margin_left_mm").marks[0].points
    assert edge == pytest.approx(200 / 1000, abs=0.002)
    assert x == pytest.approx((200 + 100) / 1000, abs=0.005)
    assert y == pytest.approx((100 + 400) / 1000, abs=0.05)  # anywhere on the flat of the oval


@pytest.mark.parametrize(
    ("exam", "reason"),
    [
        ({"BodyPartExamined": "KNEE"}, Reason.NOT_APPLICABLE),
        ({"ViewPosition": "LL"}, Reason.NOT_APPLICABLE),
        ({"ViewPosition": "LLD"}, Reason.NOT_APPLICABLE),
        ({"Modality": "CT"}, Reason.NOT_APPLICABLE),
    ],
)
def test_what_is_no_frontal_chest_is_not_asked_about(exam: dict[str, Any], reason: Reason) -> None:
    network = DrawnNetwork(PLAIN)
    found = measured(film(exam={**ADULT_PA, **exam}), network)
    assert reasons(found, NAMES) == {reason}
    assert network.runs == 0


def test_no_bundle_no_pixels_no_scale() -> None:
    assert reasons(measured(film()), NAMES) == {Reason.NO_MODEL}
    gone = replace(film(), pixels=NoPixels("truncated"))
    assert reasons(measured(gone, DrawnNetwork(PLAIN)), NAMES) == {Reason.NO_PIXELS}
    unscaled = measured(film(spacing_mm=None), DrawnNetwork(PLAIN))
    assert reasons(unscaled, [name for name in NAMES if name.endswith("_mm")]) == {Reason.NO_SPACING}
    assert number(unscaled, "margin_left_percent") == pytest.approx(12.5, abs=0.3)


def test_a_doubt_silences_every_measure() -> None:
    doubt = Missing(Reason.UNLIKE_TRAINING, "a photograph")
    found = measured(film(), DrawnNetwork(PLAIN), lambda *_: doubt)
    assert reasons(found, NAMES) == {Reason.UNLIKE_TRAINING}


def kind_of(**facts: str | float) -> object:
    so_far = Measurements(Measurement(name.replace("__", "."), value) for name, value in facts.items())
    (found,) = KIND.measure(Subject(film(), Circumstances(received_at=0), so_far))
    return found.reason if isinstance(found, NotMeasured) else found.value


@pytest.mark.parametrize(
    ("view", "age", "kind"),
    [
        ("PA", 40.0, "chest_pa"),
        ("AP", 40.0, "chest_ap"),
        ("PA", 14.0, "chest_pa"),
        ("PA", 13.0, "chest_child"),
        ("AP", 0.0, "chest_child"),
        ("LL", 40.0, "chest_lateral"),
        ("LAT", 6.0, "chest_lateral"),
        ("RLO", 40.0, Reason.NOT_APPLICABLE),
        ("LLD", 40.0, Reason.NOT_APPLICABLE),
    ],
)
def test_the_kind_is_what_the_header_says(view: str, age: float, kind: object) -> None:
    assert kind_of(body__part="CHEST", view__projection=view, person__age_years=age) == kind
    pixels_say: dict[str, Any] = {"pixels__projection": "PA", "pixels__child_probability": 0.99}
    assert kind_of(body__part="CHEST", view__projection=view, person__age_years=age, **pixels_say) == kind


def test_where_the_header_is_silent_the_pixels_speak() -> None:
    assert kind_of(pixels__body_part="CHEST", pixels__projection="AP") == "chest_ap"
    assert kind_of(body__part="CHEST", pixels__projection="PA", pixels__child_probability=0.95) == "chest_child"
    assert kind_of(body__part="CHEST", view__projection="AP", pixels__child_probability=0.5) == "chest_ap"
    assert kind_of(body__part="CHEST", pixels__projection="LAT") == "chest_lateral"
    assert kind_of(pixels__body_part="OTHER", pixels__projection="PA") == Reason.NOT_APPLICABLE
    # A knee whose pixels look like a chest is judged by the rule on body parts, not measured as a chest.
    assert kind_of(body__part="KNEE", pixels__body_part="CHEST", pixels__projection="PA") == Reason.NOT_APPLICABLE
    assert isinstance(kind_of(body__part="CHEST"), Reason)
