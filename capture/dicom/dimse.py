"""Command sets of the DIMSE services that we answer (PS3.7 9.3, annex E): group 0000, implicit little endian."""

from __future__ import annotations

import struct
from typing import NamedTuple

from capture.dicom.pdu import INVALID_PARAMETER, Ended

C_STORE_RQ, C_ECHO_RQ, C_CANCEL_RQ = 0x0001, 0x0030, 0x0FFF
N_EVENT_REPORT_RQ, N_SET_RQ, N_ACTION_RQ, N_CREATE_RQ = 0x0100, 0x0120, 0x0130, 0x0140
RESPONSE = 0x8000
NO_DATA_SET = 0x0101
MAX_COMMAND = 16 * 1024
"""Bytes. A C-STORE-RQ has about 200."""

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
CANNOT_UNDERSTAND = 0xC000
INVALID_ARGUMENT = 0x0115
INVALID_INSTANCE = 0x0117
CLASS_NOT_SUPPORTED = 0x0122
NOT_AUTHORIZED = 0x0124
MISSING_ATTRIBUTE = 0x0120
UNRECOGNIZED_OPERATION = 0x0211
RESOURCE_LIMITATION = 0x0213
COMMENT = {
    OUT_OF_RESOURCES: "The box is out of disk space, send again later",
    CANNOT_UNDERSTAND: "A C-STORE without a data set",
    INVALID_ARGUMENT: "No Transaction UID, or an image not named in full",
    INVALID_INSTANCE: "No SOP Instance UID",
    CLASS_NOT_SUPPORTED: "SOP class not accepted here",
    NOT_AUTHORIZED: "Nothing is kept here for good, ask the archive",
    MISSING_ATTRIBUTE: "Without a data set it says nothing",
    RESOURCE_LIMITATION: "The box is out of disk space, send again later",
    UNRECOGNIZED_OPERATION: "Only C-ECHO, C-STORE and MPPS here",
}
"""ErrorComment (0000,0902): what a technologist may see on the device. At most 64 characters."""

_ELEMENT = struct.Struct("<HHI")
_ANSWER = struct.Struct("<" + 4 * "HHIH")
"""Four elements of one number each."""
_CLASS, _COMMAND, _MESSAGE, _ANSWERED, _SET, _STATUS, _COMMENT, _INSTANCE = (
    0x0002, 0x0100, 0x0110, 0x0120, 0x0800, 0x0900, 0x0902, 0x1000,
)  # fmt: skip
_REQUESTED_CLASS, _REQUESTED_INSTANCE = 0x0003, 0x1001
"""What N-SET and N-ACTION are asked of (PS3.7 10.3)."""


class Command(NamedTuple):
    """A request, as far as we need it."""

    field: int
    message_id: int
    has_data_set: bool
    sop_class: bytes
    sop_instance: bytes


def decode(raw: bytes) -> Command:
    """A command set. Elements that we do not use are skipped; Ended when one does not fit."""
    elements: dict[int, bytes] = {}
    at, end = 0, len(raw)
    while at < end:
        try:
            group, element, length = _ELEMENT.unpack_from(raw, at)
        except struct.error:
            raise Ended("command.malformed", INVALID_PARAMETER) from None
        start = at + _ELEMENT.size
        at = start + length
        if group != 0 or at > end:
            raise Ended("command.malformed", INVALID_PARAMETER)
        elements[element] = raw[start:at]
    return Command(
        field=_short(elements, _COMMAND),
        message_id=_short(elements, _MESSAGE) if _MESSAGE in elements else 0,  # C-CANCEL-RQ has none
        has_data_set=_short(elements, _SET) != NO_DATA_SET,
        sop_class=_uid(elements, _CLASS, _REQUESTED_CLASS),
        sop_instance=_uid(elements, _INSTANCE, _REQUESTED_INSTANCE),
    )


def encode_response(request: Command, status: int) -> bytes:
    """The response to any request (PS3.7 9.3.1.2, 9.3.5.2): its ids, no data set, the status and why."""
    body = _element(_CLASS, request.sop_class) if request.sop_class else b""
    body += _ANSWER.pack(
        0, _COMMAND, 2, request.field | RESPONSE, 0, _ANSWERED, 2, request.message_id,
        0, _SET, 2, NO_DATA_SET, 0, _STATUS, 2, status,
    )  # fmt: skip
    if status in COMMENT:
        body += _element(_COMMENT, COMMENT[status].encode(), b" ")
    if request.sop_instance:
        body += _element(_INSTANCE, request.sop_instance)
    return _element(0x0000, struct.pack("<I", len(body))) + body


def _element(element: int, value: bytes, pad: bytes = b"\0") -> bytes:
    value += pad * (len(value) % 2)
    return _ELEMENT.pack(0, element, len(value)) + value


def _uid(elements: dict[int, bytes], *places: int) -> bytes:
    return next((elements[place].rstrip(b"\0 ") for place in places if place in elements), b"")


def _short(elements: dict[int, bytes], element: int) -> int:
    value = elements.get(element, b"")
    if len(value) != 2:
        raise Ended("command.malformed", INVALID_PARAMETER)
    return int.from_bytes(value, "little")
