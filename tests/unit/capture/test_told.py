"""MPPS, storage commitment, the release of an association: what the receiver keeps of them, how it reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role
from pynetdicom.association import Association
from pynetdicom.pdu_primitives import SCP_SCU_RoleSelectionNegotiation

from capture.arrival import Arrival
from capture.dicom.calling import keep_answers
from capture.dicom.told import Commitment, Step, is_request, read_commitment, read_step
from capture.errors import SetAside
from capture.spool import Spool, SpoolSettings
from tests.factories import ct, uid, write
from tests.peers import wait_until
from tests.receiver import CT, EXPLICIT, IMPLICIT, Receiver

STEP = "1.2.840.10008.3.1.2.3.3"
PUSH = "1.2.840.10008.1.20.1"


def associated(
    receiver: Receiver, title: str = "CT1", roles: Sequence[SCP_SCU_RoleSelectionNegotiation] = ()
) -> Association:
    scu = AE(ae_title=title)
    for sop_class in (CT, STEP, PUSH):
        scu.add_requested_context(sop_class, [EXPLICIT, IMPLICIT])
    association = scu.associate("127.0.0.1", receiver.port, ae_title="QCBOX", ext_neg=list(roles))
    assert association.is_established
    keep_answers(association)
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


def request() -> Dataset:
    return item(
        TransactionUID=uid("transaction"),
        ReferencedSOPSequence=[item(ReferencedSOPClassUID=CT, ReferencedSOPInstanceUID=uid(n)) for n in "ab"],
    )


def without(keyword: str) -> Dataset:
    """A request that lacks something, of the last image if it is of an image."""
    made = request()
    delattr(made if keyword in made else made.ReferencedSOPSequence[-1], keyword)
    return made


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
    asked = request()
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


def test_a_request_that_is_relayed_is_granted_and_the_archive_may_report(tmp_path: Path) -> None:
    """Only to whom somebody relays it; an archive opens an association with the roles reversed (PS3.4 J.3.3)."""
    asked = request()
    with Receiver(tmp_path, relayed=frozenset({("commitment", "CT1"), ("committed", "PACS")})) as receiver:
        for title, status in (("CT1", 0x0000), ("CT2", 0x0124)):
            association = associated(receiver, title)
            assert association.send_n_action(asked, 1, PUSH, "1.2.840.10008.1.20.1.1")[0].Status == status
            association.release()
        for title, status in (("PACS", 0x0000), ("CT1", 0x0124)):
            association = associated(receiver, title, [build_role(PUSH, scp_role=True)])
            (context,) = (c for c in association.accepted_contexts if c.abstract_syntax == PUSH)
            assert context.as_scp
            answer, _ = association.send_n_event_report(asked, 1, PUSH, "1.2.840.10008.1.20.1.1")
            assert answer.Status == status
            association.release()
        assert [one.calling_ae for one in told(receiver, "committed")] == ["PACS", "CT1"]


@pytest.mark.parametrize(
    "asked",
    [
        without("TransactionUID"),
        without("ReferencedSOPSequence"),
        without("ReferencedSOPClassUID"),
        without("ReferencedSOPInstanceUID"),
        item(TransactionUID=uid("transaction"), ReferencedSOPSequence=[]),
        item(RetrieveAETitle="PACS"),
    ],
)
def test_a_request_that_nobody_could_answer_is_refused_at_once(asked: Dataset, tmp_path: Path) -> None:
    """PS3.4 table J.3-1: a transaction and images, in full; PS3.7 10.1.4.1.10: invalid argument value."""
    with Receiver(tmp_path, relayed=frozenset({("commitment", "CT1")})) as receiver:
        association = associated(receiver)
        answer, _ = association.send_n_action(asked, 1, PUSH, "1.2.840.10008.1.20.1.1")
        assert answer.Status == 0x0115
        assert association.send_n_action(request(), 1, PUSH, "1.2.840.10008.1.20.1.1")[0].Status == 0x0000
        association.release()
        (arrival,) = told(receiver, "commitment")
        assert read_commitment(receiver.spool.path(arrival)).instances == (uid("a"), uid("b"))


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    """PS3.7 C.5.20: resource limitation."""
    full = Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1 << 40))
    with Receiver(tmp_path, spool=full) as receiver:
        association = associated(receiver)
        assert association.send_n_create(performed("IN PROGRESS"), STEP, uid("step"))[0].Status == 0x0213
        association.release()


def test_what_is_no_data_set_is_no_request() -> None:
    assert not is_request(b"no DICOM")


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
