"""What devices say beside their images, as SCP of MPPS (PS3.4 F.7) and of storage commitment (PS3.4 J.3)."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Set
from io import BytesIO

from capture.arrival import Kind
from capture.dicom import dimse
from capture.dicom.associate import Context
from capture.dicom.store import Origin, Readable, drain, part10_header, store
from capture.dicom.uids import COMMITMENT, IMPLEMENTATION_CLASS, PERFORMED_STEP
from capture.spool import Spool

Relayed = Set[tuple[Kind, str]]
"""What is passed on for whom: kind and calling AE title. Then the answer is Success."""

_TELLS: Mapping[tuple[int, bytes], tuple[Kind, int]] = {
    (dimse.N_CREATE_RQ, PERFORMED_STEP.encode()): ("mpps", dimse.SUCCESS),
    (dimse.N_SET_RQ, PERFORMED_STEP.encode()): ("mpps", dimse.SUCCESS),
    # Who heard "committed" from us would delete its images.
    (dimse.N_ACTION_RQ, COMMITMENT.encode()): ("commitment", dimse.NOT_AUTHORIZED),
    (dimse.N_EVENT_REPORT_RQ, COMMITMENT.encode()): ("committed", dimse.NOT_AUTHORIZED),
}
"""Operation and class: what it tells, and the answer to whom nobody here relays it for."""
_LONGEST = 8 << 20
"""Bytes. A step of 100,000 images has that many."""


def tells(command: dimse.Command) -> bool:
    """Whether :func:`hear` knows what to do with it."""
    return (command.field, command.sop_class) in _TELLS


def hear(
    command: dimse.Command, data_set: Readable, context: Context, origin: Origin, spool: Spool, relayed: Relayed
) -> tuple[dimse.Command, int]:
    """Keep what is said for whoever judges the images; the command as it is to be answered, and the status."""
    kind, done = _TELLS[command.field, command.sop_class]
    if not command.has_data_set:
        return command, dimse.MISSING_ATTRIBUTE
    said = _read(data_set)
    if said is None:
        return command, dimse.RESOURCE_LIMITATION
    command = _named(command, origin.calling_ae, said)
    if not command.sop_instance:
        return command, dimse.INVALID_INSTANCE
    header = part10_header(command.sop_class, command.sop_instance, context.transfer_syntax, origin.calling_ae)
    passed_on = (kind, origin.calling_ae) in relayed
    if passed_on and kind == "commitment" and not _can_be_asked(header + said):
        return command, dimse.INVALID_ARGUMENT
    if store(spool, origin, header, BytesIO(said), kind).arrival is None:
        return command, dimse.RESOURCE_LIMITATION
    return command, dimse.SUCCESS if passed_on else done


def _read(data_set: Readable) -> bytes | None:
    """All of it; None when it is too long."""
    said, room = bytearray(), memoryview(bytearray(1 << 14))
    while count := data_set.readinto(room):
        said += room[:count]
        if len(said) > _LONGEST:
            drain(data_set)
            return None
    return bytes(said)


def _named(command: dimse.Command, calling_ae: str, said: bytes) -> dimse.Command:
    """A step created without an Affected SOP Instance UID gets one from us (PS3.7 10.1.5.1.4, PS3.5 B.2).

    It is made of what is said of the step, its number and second of beginning among that (PS3.4 table F.7.2-1):
    a device that lost our answer and creates the same step once more hears of the same one, on whatever
    association, and leaves none behind that nobody ever ends.
    """
    if command.field != dimse.N_CREATE_RQ or command.sop_instance:
        return command
    made = uuid.uuid5(uuid.NAMESPACE_OID, f"{IMPLEMENTATION_CLASS} {calling_ae} {said.hex()}")
    return command._replace(sop_instance=b"2.25.%d" % made.int)


def _can_be_asked(content: bytes) -> bool:
    from capture.dicom.told import is_request  # few receivers ever need to look into a data set

    return is_request(content)
