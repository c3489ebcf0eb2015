"""Byte streams as dcm4che and scanners send them, built from the standard's tables: what PS3.7 and PS3.8 ask.

The clause is named where a test begins. Broken streams are in ``test_dicom_conversation`` and ``_associate``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import pydicom
import pytest

from tests.peers import wait_until
from tests.receiver import (
    CT,
    EXPLICIT,
    IMPLICIT,
    JPEG_LOSSLESS,
    VERIFICATION,
    Raw,
    Receiver,
    accepted,
    associate_rq,
    command,
    data_set_of,
    echo_rq,
    elements,
    images,
    item,
    pdata,
    proposal,
    store_rq,
    user_items,
)

MPPS = "1.2.840.10008.3.1.2.3.3"
PRIVATE_SYNTAX = "1.2.40.0.13.1.5.2"
DATA = b"\x08\x00\x60\x00CS\x02\x00CT" + b"\x10\x00\x10\x00PN\x04\x00A^B " + b"\x10\x00\x20\x00LO\x06\x00123456"
RELEASE = b"\x05\x00" + struct.pack(">I", 4) + bytes(4)
ABORT = b"\x07\x00" + struct.pack(">I", 4) + bytes(4)
SOP = struct.pack(">H", len(CT)) + CT.encode()
MAX_LENGTH = item(0x51, struct.pack(">I", 16378))
DCM4CHE = item(0x52, b"1.2.40.0.13.1.3")


def packed(pdu_length: int, *messages: tuple[bytes, bytes]) -> bytes:
    """As dcm4che packs by default (PS3.8 9.3.5): each PDU is filled with PDVs, whatever message they are of."""
    pdus: list[list[tuple[int, int, bytes]]] = [[]]
    room = pdu_length
    for control, stream in ((bit, stream) for pair in messages for bit, stream in zip((1, 0), pair, strict=True)):
        while stream:
            if room < 7:  # a PDV header and one byte
                pdus.append([])
                room = pdu_length
            part, stream = stream[: room - 6], stream[room - 6 :]
            pdus[-1].append((1, control | 2 * (not stream), part))
            room -= 6 + len(part)
    return b"".join(pdata(*values) for values in pdus)


def statuses(raw: Raw, count: int) -> Iterator[tuple[int, int]]:
    """Message ID Being Responded To, and status, of the next responses."""
    for _ in range(count):
        kind, body = raw.pdu()
        assert kind == 4
        said = elements(body[6:])
        yield said[0x0120], said[0x0900]


@pytest.mark.parametrize("length", [16378, 4096, 100, 64, 7])
def test_command_and_data_share_pdus(length: int, receiver: Receiver, raw: Raw) -> None:
    """PS3.8 9.3.5 and annex E.2: one or more PDVs in a PDU, the last of a message marked, any boundaries."""
    raw.associate(proposal(1, CT, [EXPLICIT]), user=MAX_LENGTH + DCM4CHE)
    raw.send(packed(length, *[(store_rq(n, f"1.2.{n}"), DATA) for n in (1, 2, 3)]))
    assert list(statuses(raw, 3)) == [(1, 0), (2, 0), (3, 0)]
    assert [data_set_of(content) for _, content in receiver.contents()] == [DATA] * 3


def test_a_data_set_cut_anywhere(receiver: Receiver, raw: Raw) -> None:
    """PS3.7 6.3.1: fragments know nothing of elements; tags, lengths and values may be cut."""
    raw.associate(proposal(1, CT, [EXPLICIT]))
    cuts = range(1, len(DATA))
    for cut in cuts:
        raw.send(pdata((1, 3, store_rq(cut, "1.2"))), pdata((1, 0, DATA[:cut])), pdata((1, 2, DATA[cut:])))
    assert list(statuses(raw, len(cuts))) == [(cut, 0) for cut in cuts]
    assert {arrival.digest for arrival in images(receiver.spool)} == {images(receiver.spool)[0].digest}


def test_requests_are_answered_before_the_release_that_overtook_them(receiver: Receiver, raw: Raw) -> None:
    """PS3.8 7.2.2.2 and 9.2 (AR-2, AR-7): responses may go out in Sta8; only then is the release confirmed."""
    raw.associate(user=MAX_LENGTH + item(0x53, struct.pack(">HH", 0, 1)))
    raw.send(*[pdata((1, 3, store_rq(n, f"1.2.{n}")), (1, 2, DATA)) for n in range(1, 6)], RELEASE)
    assert list(statuses(raw, 5)) == [(n, 0) for n in range(1, 6)]
    assert raw.pdu() == (6, bytes(4))
    assert raw.closed() and len(receiver.contents()) == 5


def test_an_abort_behind_whole_requests(receiver: Receiver, raw: Raw) -> None:
    """PS3.8 7.3: what is in transit may be lost. What we keep is whole, and half an object is not kept."""
    raw.associate()
    raw.send(
        pdata((1, 3, store_rq(1, "1.2.1")), (1, 2, DATA)), pdata((1, 3, store_rq(2, "1.2.2")), (1, 0, DATA)), ABORT
    )
    assert next(statuses(raw, 1)) == (1, 0)
    assert raw.closed()
    wait_until(lambda: not receiver.left_overs(), "nothing is left behind")
    assert [data_set_of(content) for _, content in receiver.contents()] == [DATA]
    receiver.assert_serves()


def reserved(pdu: bytes) -> bytes:
    """The PDU with its reserved byte set."""
    return pdu[:1] + b"\xff" + pdu[2:]


def test_reserved_fields_are_not_looked_at(receiver: Receiver, raw: Raw) -> None:
    """PS3.8 9.3.1: reserved fields are not tested, nor (E.2) bits 2 to 7 of the control header; 9.3.2: version."""
    context = b"\x20\xff" + proposal(1, CT, [EXPLICIT])[2:5] + b"\xff\xff\xff" + proposal(1, CT, [EXPLICIT])[8:]
    raw.send(reserved(associate_rq([context], version=0x0003)))
    kind, body = raw.pdu()
    assert kind == 2 and body[:2] == b"\x00\x01" and accepted(body) == {1: (0, EXPLICIT)}
    raw.send(reserved(pdata((1, 0xFF, store_rq()))), pdata((1, 0xF2, DATA)))
    assert raw.status() == 0
    raw.send(reserved(RELEASE))
    assert raw.pdu() == (6, bytes(4)) and len(receiver.contents()) == 1


@pytest.mark.parametrize("user", [item(0x51, bytes(4)), DCM4CHE, b""], ids=["0", "no maximum", "no items"])
def test_no_maximum_length_and_no_implementation_version_name(user: bytes, raw: Raw) -> None:
    """PS3.8 D.1.1: 0 is no limit, and so is none; PS3.7 D.3.3.2.3: the version name is optional."""
    said = user_items(raw.associate(user=user))
    assert said.keys() == {0x51, 0x52, 0x55}
    raw.send(pdata((3, 3, echo_rq())))
    assert raw.status() == 0


@pytest.mark.parametrize("window", [(5, 1), (0, 0), (1, 1)])
def test_a_window_of_operations(window: tuple[int, int], raw: Raw) -> None:
    """PS3.7 D.3.3.3.2: the acceptor answers with at most what was proposed; we perform one after the other."""
    assert user_items(raw.associate(user=item(0x53, struct.pack(">HH", *window))))[0x53] == [
        struct.pack(">HH", 1, 1)
    ]


@pytest.mark.parametrize(("proposed", "answered"), [((1, 0), (1, 0)), ((0, 1), (0, 0)), ((1, 1), (1, 0))])
def test_roles(proposed: tuple[int, int], answered: tuple[int, int], raw: Raw) -> None:
    """PS3.7 D.3.3.4.2: no role is granted that was not proposed. We use nobody's storage."""
    body = raw.associate(user=item(0x54, SOP + bytes(proposed)))
    assert user_items(body)[0x54] == [SOP + bytes(answered)]


@pytest.mark.parametrize("kind", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("wants_answer", [0, 1])
def test_a_user_identity(kind: int, wants_answer: int, raw: Raw) -> None:
    """PS3.7 D.3.3.7: answered if, and only if, a response was asked for; name, passcode, Kerberos, SAML, JWT."""
    second = b"\x00\x06secret" if kind == 2 else b"\x00\x00"
    said = user_items(raw.associate(user=item(0x58, bytes((kind, wants_answer)) + b"\x00\x03bob" + second)))
    assert (0x59 in said) == bool(wants_answer)


def test_extended_negotiation(raw: Raw) -> None:
    """PS3.7 D.3.3.5, PS3.4 B.3.1: level 2. D.3.3.6: the common one is never answered."""
    service = struct.pack(">H", 17) + b"1.2.840.10008.4.2"
    common = item(0x57, SOP + service + b"\x00\x00")
    said = user_items(raw.associate(user=item(0x56, SOP + bytes(6)) + common))
    assert said[0x56] == [SOP + bytes((2, 0, 0, 0, 0, 0))] and 0x57 not in said


@pytest.mark.parametrize("title", [b"  CT 1", b" CT 1  ", b"CT 1"])
def test_blanks_around_a_title(title: bytes, receiver: Receiver, raw: Raw) -> None:
    """PS3.5 6.2 AE and PS3.8 table 9-11: blanks around mean nothing, within they count; table 9-17: sent back."""
    body = raw.associate(calling=title, called=b" QCBOX ")
    assert body[4:36] == b" QCBOX ".ljust(16) + title.ljust(16)
    raw.send(pdata((1, 3, store_rq())), pdata((1, 2, DATA)))
    assert raw.status() == 0
    assert images(receiver.spool)[0].calling_ae == "CT 1"


def test_a_private_transfer_syntax(receiver: Receiver, raw: Raw) -> None:
    """PS3.8 9.3.3.2: one transfer syntax for each context, of those proposed. What comes is kept as it comes."""
    body = raw.associate(
        proposal(1, CT, [PRIVATE_SYNTAX]), proposal(3, CT, [JPEG_LOSSLESS]), proposal(5, CT, [IMPLICIT])
    )
    assert {n: said for n, (_, said) in accepted(body).items()} == {
        1: PRIVATE_SYNTAX,
        3: JPEG_LOSSLESS,
        5: IMPLICIT,
    }
    opaque = bytes(range(256))
    raw.send(pdata((1, 3, store_rq()), (1, 2, opaque)))
    assert raw.status() == 0
    [(arrival, content)] = receiver.contents()
    assert data_set_of(content) == opaque
    assert pydicom.filereader.read_file_meta_info(receiver.spool.path(arrival)).TransferSyntaxUID == PRIVATE_SYNTAX


def test_every_context_that_fits_into_a_request(receiver: Receiver, raw: Raw) -> None:
    """PS3.8 9.3.2.2: 128 contexts of odd ids, each answered with its own; the same class may come many times."""
    syntaxes = [f"1.2.40.0.13.9.{n}" for n in range(30)]
    body = raw.associate(*(proposal(n, CT, [*syntaxes, IMPLICIT]) for n in range(255, 0, -2)))
    assert accepted(body) == {n: (0, IMPLICIT) for n in range(1, 256, 2)}
    raw.send(pdata((255, 3, store_rq()), (255, 2, DATA)))
    assert raw.status() == 0


def raw_command(*parts: tuple[int, bytes]) -> bytes:
    return b"".join(struct.pack("<HHI", 0, element, len(value)) + value for element, value in parts)


@pytest.mark.parametrize("data_set_type", [0x0000, 0x0001, 0x0102, 0xFEFE])
def test_commands_as_others_write_them(data_set_type: int, receiver: Receiver, raw: Raw) -> None:
    """PS3.7 E.1: any Command Data Set Type but 0101H announces a data set. Retired elements (E.2) are passed over,
    and a UID padded with a blank (PS3.5 9.1 asks for NUL) is the UID."""
    raw.associate()
    request = raw_command(
        (0x0001, bytes(4)), (0x0002, CT.encode() + b"\0"), (0x0100, b"\x01\x00"), (0x0110, b"\xff\xff"),
        (0x0700, b"\x02\x00"), (0x0800, struct.pack("<H", data_set_type)), (0x1000, b"1.2.3 "),
        (0x1030, b"MOVER "), (0x1031, b"\x05\x00"), (0x4000, b"RECEIVER"),
    )  # fmt: skip
    raw.send(pdata((1, 3, request), (1, 2, DATA)))
    assert next(statuses(raw, 1)) == (0xFFFF, 0)
    [kept] = [pydicom.filereader.read_file_meta_info(receiver.spool.path(one)) for one in images(receiver.spool)]
    assert kept.MediaStorageSOPInstanceUID == "1.2.3"


@pytest.mark.parametrize("message_id", [0, 1, 65535])
def test_an_echo_with_any_message_id(message_id: int, raw: Raw) -> None:
    """PS3.7 9.1.5.1.1: the response bears the request's id."""
    raw.associate()
    raw.send(pdata((3, 3, echo_rq(message_id))))
    assert next(statuses(raw, 1)) == (message_id, 0)


def test_a_step_is_named_by_us_when_it_has_no_name(receiver: Receiver, raw: Raw) -> None:
    """PS3.7 10.1.5.1.4: an N-CREATE may leave the UID to us; 10.1.3.1.2: an N-SET must name what it sets."""
    steps = [proposal(1, MPPS, [EXPLICIT]), proposal(3, VERIFICATION, [IMPLICIT])]
    raw.associate(*steps)
    said = [create(raw, number, content) for number, content in ((1, DATA), (2, DATA + DATA), (3, DATA))]
    assert [one[0x0900] for one in said] == [0, 0, 0]
    given = [one[0x1000].rstrip(b"\0").decode() for one in said]
    assert all(pydicom.uid.UID(one).is_valid for one in given)
    assert given[0] == given[2] != given[1], "said once more, it is the same step"
    kept = [pydicom.filereader.read_file_meta_info(receiver.spool.path(one)) for one in receiver.spool.pending()]
    assert [meta.MediaStorageSOPInstanceUID for meta in kept] == given
    with Raw(receiver.port) as later:
        later.associate(*steps)
        assert create(later, 1, DATA)[0x1000].rstrip(b"\0").decode() == given[0]
    with Raw(receiver.port) as other:
        other.associate(*steps, calling=b"ANOTHER")
        assert create(other, 1, DATA)[0x1000].rstrip(b"\0").decode() not in given
    raw.send(pdata((1, 3, command(0x0120, 3, data_set=True, sop_class=MPPS)), (1, 2, DATA)))
    assert next(statuses(raw, 1)) == (3, 0x0117)
    raw.send(pdata((1, 3, command(0x0140, 4, sop_class=MPPS))))
    assert next(statuses(raw, 1)) == (4, 0x0120), "it has to say something"


def create(raw: Raw, number: int, content: bytes) -> dict[int, Any]:
    """The answer to an N-CREATE that names nothing."""
    raw.send(pdata((1, 3, command(0x0140, number, data_set=True, sop_class=MPPS)), (1, 2, content)))
    return elements(raw.pdu()[1][6:])


def test_what_is_said_beside_images_has_its_limit(
    receiver: Receiver, raw: Raw, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PS3.7 C.5.20, resource limitation; the association goes on."""
    monkeypatch.setattr("capture.dicom.telling._LONGEST", 2 * len(DATA))
    raw.associate(proposal(1, MPPS, [EXPLICIT]), proposal(3, VERIFICATION, [IMPLICIT]))
    assert create(raw, 1, DATA * 20_000)[0x0900] == 0x0213
    assert create(raw, 2, DATA * 2)[0x0900] == 0
    assert len(receiver.spool.pending()) == 1
