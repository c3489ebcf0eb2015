"""An image against the orders of the day."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture.acquisition import Identity
from capture.order import Order
from models.circumstances import Circumstances, Ordered
from models.measurement import Measurement, NotMeasured, Reason
from models.order import PRODUCERS, matched
from models.producer import measure_all
from tests.unit.models.image.phantoms import acquisition, torso

ORDER = Order("0007", "WANG^XIAOMING=王^小明", "19700101", "M", "ACC1", "DX", "右膝关节正侧位")
OTHER = Order("0008", "LI^NA", "19800202", "F", "ACC2", "DX", "Chest PA")


@pytest.mark.parametrize(
    ("identity", "patient"),
    [
        (Identity(PatientID="0007", AccessionNumber="ACC1"), True),
        (Identity(PatientID="0007", PatientBirthDate="19700101"), True),
        (Identity(PatientID="0007", PatientName="王小明"), True),
        (Identity(PatientID="0007", PatientName="Xiaoming^Wang"), True),
        (Identity(PatientID="0007", PatientName="WANG X M", PatientBirthDate="19700101"), True),
        (Identity(PatientID="0007"), None),
        (Identity(PatientName="王小明"), None),
        (Identity(PatientID="0007", PatientBirthDate="19710101"), False),
        (Identity(PatientID="0008", AccessionNumber="ACC1"), False),
        (Identity(PatientID="9999", AccessionNumber="ACC9"), None),
        (Identity(PatientID="0007", PatientName="王小明", AccessionNumber="ACC9"), True),
        (Identity(), None),
    ],
)
def test_two_identifiers_make_a_patient(identity: Identity, patient: bool | None) -> None:
    assert matched(identity, (ORDER, OTHER)).patient is patient


def test_what_is_kept_names_nobody() -> None:
    ordered = matched(Identity(PatientID="0007", PatientName="王小明", AccessionNumber="ACC1"), (ORDER, OTHER))
    assert ordered == Ordered(True, True, True, ("R",))
    assert repr(ORDER) == "Order(hidden)"


def test_an_accession_number_of_two_patients() -> None:
    twice = (ORDER, replace(OTHER, AccessionNumber="ACC1"))
    assert not matched(Identity(AccessionNumber="ACC1"), twice).accession_of_one


def facts(ordered: Ordered | None, side: str | None = None) -> dict[str, object]:
    one = acquisition(torso())
    one = replace(one, exam=replace(one.exam, ImageLaterality=side))
    around = Circumstances(received_at=0, ordered=ordered)
    measured, _ = measure_all(PRODUCERS, one, around)
    names = sorted(PRODUCERS[0].provides)
    return {
        name: fact.value
        if isinstance(fact, Measurement)
        else fact.reason
        if isinstance(fact, NotMeasured)
        else None
        for name in names
        for fact in [measured.get(name)]
    }


def test_without_a_worklist_nothing_is_said() -> None:
    assert set(facts(None).values()) == {Reason.NOT_CONNECTED}


@pytest.mark.parametrize(("side", "agrees"), [("R", True), ("L", False), (None, Reason.NOT_RELIABLE)])
def test_the_side_that_was_ordered(side: str | None, agrees: object) -> None:
    found = facts(Ordered(True, True, True, ("R",)), side)
    assert found["laterality.agrees_with_order"] == agrees
    assert found["identity.agrees_with_worklist"] is True
    assert found["identity.accession_in_ris"] is True and found["identity.accession_one_study"] is True


def test_not_listed_is_no_proof() -> None:
    found = facts(Ordered(None, False, True))
    assert set(found.values()) == {Reason.NOT_RELIABLE}
