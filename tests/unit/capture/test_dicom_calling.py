"""An answer belongs to whoever asked, whatever pynetdicom's own loop is at."""

from __future__ import annotations

from pynetdicom import AE
from pynetdicom.association import Association
from pynetdicom.dimse_primitives import C_ECHO

from capture.dicom.calling import keep_answers

VERIFICATION = "1.2.840.10008.1.1"


def test_the_loop_takes_requests_and_leaves_answers() -> None:
    request, answer = C_ECHO(), C_ECHO()
    request.MessageID, request.AffectedSOPClassUID = 1, VERIFICATION
    answer.MessageIDBeingRespondedTo, answer.Status = 1, 0
    dimse = Association(AE(), "requestor").dimse
    keep_answers(dimse.assoc)
    assert dimse.get_msg() == (None, None)
    dimse.msg_queue.put((1, request))
    assert dimse.get_msg() == (1, request)
    dimse.msg_queue.put((1, answer))
    assert dimse.get_msg() == (None, None)
    assert dimse.get_msg(block=True) == (1, answer)


def test_that_the_peer_has_gone_is_left_to_whoever_asked() -> None:
    dimse = Association(AE(), "requestor").dimse
    keep_answers(dimse.assoc)
    dimse.msg_queue.put((None, None))
    assert dimse.get_msg() == (None, None)
    assert not dimse.msg_queue.empty()
