"""MPPS, storage commitment, the release of an association: what the receiver keeps of them, how it reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE
from pynetdicom.association import Association

from capture.arrival import Arrival
from capture.dicom.told import Commitment, Step, read_commitment, read_step
from capture.errors import SetAside
from tests.factories import ct, uid, write
from tests.peers import wait_until
from tests.receiver import CT, EXPLICIT, IMPLICIT, Receiver

STEP = "1.2.840.10008.3.1.2.3.3"
PUSH = "1.2.840.10008.1.20.1"


def associated(receiver: Receiver) -> Association:
    scu = AE(ae_title="CT1")
    for sop_class in (CT, STEP, PUSH):
        scu.add_requested_context(sop_class, [EXPLICIT, IMPLICIT])
    association = scu.associate("127.0.0.1", receiver.port, ae_title="QCBOX")
    assert association.is_established
    return association


def told(receiver: Receiver, kind: str) -> list[Arrival]:
    return [arrival for arrival in receiver.spool.pending() if arrival.kind == kind]


def item(**elements: object) -> Dataset:
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, value)
    return made


def performed(state: str, *instances: str) -> Dataset:
    series = item(SeriesInstanceUID=uid("series"), ReferencedImageSequence=[
        item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=one) for one in instances
    ])  # fmt: skip
    return item(PerformedProcedureStepStatus=state, PerformedSeriesSequence=[series] if instances else [])


def test_a_step_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    with Receiver(tmp_path) as receiver:
        association = associated(receiver)
        begun = performed("IN PROGRESS")
        begun.ScheduledStepAttributesSequence = [item(StudyInstanceUID=uid("study"))]
        status, _ = association.send_n_create(begun, STEP, uid("step"))
        assert status.Status == 0x0000
        ended = performed("COMPLETED", uid("a"), uid("b"))
        status, _ = association.send_n_set(ended, STEP, uid("step"))
        assert status.Status == 0x0000
        association.release()
        first, second = (read_step(receiver.spool.path(one)) for one in told(receiver, "mpps"))
    assert first == Step(uid("step"), uid("study"), "in_progress", ())
    assert second == Step(uid("step"), None, "completed", ((uid("series"), (uid("a"), uid("b"))),))
    assert uid("study") not in repr(first)


def test_a_request_for_commitment_is_heard_and_not_granted(tmp_path: Path) -> None:
    """Who heard that its images are safe here would delete them."""
    asked = item(
        TransactionUID=uid("transaction"),
        ReferencedSOPSequence=[item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=uid(n)) for n in "ab"],
    )
    with Receiver(tmp_path) as receiver:
        association = associated(receiver)
        status, _ = association.send_n_action(asked, 1, PUSH, "1.2.840.10008.1.20.1.1")
        assert status.Status == 0x0124
        association.release()
        (arrival,) = told(receiver, "commitment")
        assert read_commitment(receiver.spool.path(arrival)) == Commitment(
            uid("transaction"), (uid("a"), uid("b"))
        )
        assert told(receiver, "release") == [], "it brought no image"


def test_a_release_names_the_association_that_brought_images(tmp_path: Path) -> None:
    with Receiver(tmp_path) as receiver:
        association = associated(receiver)
        for number in range(3):
            assert (
                association.send_c_store(
                    write(ct(number=number, SOPInstanceUID=uid(number)), tmp_path / "one.dcm")
                ).Status
                == 0
            )
        association.release()
        wait_until(lambda: told(receiver, "release"), "the release is noted")
        *images, last = receiver.spool.pending()
        assert [one.kind for one in images] == ["dicom"] * 3 and last.kind == "release"
        assert {one.association for one in images} == {last.association} != {""}
        assert {one.sop_class for one in images} == {CT}


def test_an_abort_is_no_release(tmp_path: Path) -> None:
    with Receiver(tmp_path) as receiver:
        association = associated(receiver)
        assert association.send_c_store(write(ct(), tmp_path / "one.dcm")).Status == 0
        association.abort()
        receiver.assert_serves()
        assert told(receiver, "release") == []


def test_what_is_no_step_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "torn").write_bytes(b"no DICOM")
    with pytest.raises(SetAside, match=r"dicom\.unreadable"):
        read_step(tmp_path / "torn")
