"""The catalogue's checks, the reporter's checks, and names that wait for a model or a system."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pytest

from models import catalogue as rooms
from models.catalogue import Entry, catalogue
from models.measurement import Measured, Measurement, NotMeasured, Reason
from models.producer import MeasurementProducer, Subject, in_order, measure_all, pending
from models.reporting import Answer, Reporter, family
from tests.unit.models.acquisitions import CHEST, HERE, producers

GOOD: dict[str, object] = {"zh": "名", "en": "name", "source": "x"}


def test_defaults_of_an_entry() -> None:
    entry = rooms._entry("a.b", GOOD)
    assert entry == Entry("a.b", "number", "", "名", "name", "x", True, None, None)
    assert not rooms._entry("a.b", {**GOOD, "type": "text"}).leaves_site


@pytest.mark.parametrize("row", [{**GOOD, "type": "int"}, {"en": "x"}, {"zh": "x"}, {**GOOD, "units": "mm"}])
def test_a_wrong_entry_is_refused_by_name(row: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"a\.b"):
        rooms._entry("a.b", row)


def test_pending_names_say_what_they_wait_for() -> None:
    waiting = {fact.name: fact for fact in pending(producers())}
    assert waiting["chest.rotation_deg"] == NotMeasured("chest.rotation_deg", Reason.NO_MODEL, "chest-anatomy")
    assert waiting["count.agrees_with_mpps"] == NotMeasured("count.agrees_with_mpps", Reason.NOT_CONNECTED, "MPPS")


@dataclass(frozen=True)
class Network:
    """What a bundle's producer will be."""

    name: str = "chest-anatomy/1"
    provides: frozenset[str] = frozenset({"chest.rotation_deg"})
    needs: frozenset[str] = frozenset()

    def measure(self, subject: Subject) -> Iterable[Measured]:
        return [Measurement("chest.rotation_deg", 2.5, "deg", self.name)]


def test_a_producer_takes_a_pending_name_over() -> None:
    network: MeasurementProducer = Network()
    measured, _ = measure_all(in_order([*producers(), network]), CHEST, HERE)
    assert measured.number("chest.rotation_deg") == 2.5
    assert measured.get("chest.rotation_ratio") == NotMeasured(
        "chest.rotation_ratio", Reason.NO_MODEL, "chest-anatomy"
    )


def test_a_family_leaves_out_what_waits() -> None:
    assert "identity.patient_id_present" in family("identity")
    assert "identity.agrees_with_worklist" not in family("identity")
    assert family("chest") == frozenset()
    assert family("index", "count") == family("index") | family("count")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("clock.age_s", True),
        ("clock.age_s", "5"),
        ("child.protocol_named", 1),
        ("body.part", ("CHEST",)),
        ("device.missing", "x"),
    ],
)
def test_an_answer_of_the_wrong_type_is_a_mistake_in_the_code(name: str, answer: Answer) -> None:
    reporter = Reporter("wrong/1", frozenset({name}), lambda subject: {name: answer})
    measured, _ = measure_all([reporter], CHEST, HERE)
    assert measured.get(name) == NotMeasured(name, Reason.FAILED, "wrong/1: TypeError")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_are_finite(number: float) -> None:
    reporter = Reporter("odd/1", frozenset({"clock.age_s"}), lambda subject: {"clock.age_s": number})
    measured, _ = measure_all([reporter], CHEST, HERE)
    assert measured.get("clock.age_s") == NotMeasured(
        "clock.age_s", Reason.INVALID_IN_HEADER, "not a finite number"
    )


def test_units_come_from_the_catalogue() -> None:
    measured, _ = measure_all(producers(), CHEST, HERE)
    for found in measured:
        if isinstance(found, Measurement):
            assert found.unit == catalogue()[found.name].unit


def test_producers_run_after_those_they_need() -> None:
    order = [producer.name for producer in in_order(tuple(reversed(producers())))]
    assert order.index("body/1") < order.index("laterality/1")


def test_two_producers_may_not_claim_one_name() -> None:
    with pytest.raises(ValueError, match=r"chest\.rotation_deg is provided by"):
        in_order([Network(), Network(name="other/1")])


def test_a_need_must_be_provided() -> None:
    with pytest.raises(ValueError, match="nobody provides"):
        in_order([Network(needs=frozenset({"chest.spine_tilt_deg"}))])
