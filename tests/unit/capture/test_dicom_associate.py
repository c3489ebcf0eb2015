"""What an A-ASSOCIATE-RQ is answered, byte by byte, built from the tables of PS3.8 and PS3.7."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

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
    echo_rq,
    item,
    pdata,
    proposal,
    store_rq,
    user_items,
)

DATA = b"\x08\x00\x60\x00CS\x02\x00CT"
RELEASE = b"\x05\x00" + struct.pack(">I", 4) + bytes(4)


def test_contexts(raw: Raw) -> None:
    body = raw.associate(
        proposal(1, CT, [JPEG_LOSSLESS, IMPLICIT, EXPLICIT]),
        proposal(3, CT, [JPEG_LOSSLESS]),
        proposal(5, CT, ["1.2.3.4.5.6"]),
        proposal(7, CT, [JPEG_LOSSLESS, IMPLICIT]),
        proposal(9, "1.2.840.10008.5.1.4.31", [IMPLICIT]),
        proposal(11, CT, []),
        proposal(13, CT, ["not a uid"]),
        proposal(15, "1.3.12.2.1107.5.9.1", [EXPLICIT]),
        proposal(17, VERIFICATION, [IMPLICIT]),
    )
    outcomes = accepted(body)
    assert outcomes[1] == (0, EXPLICIT)
    assert outcomes[3] == (0, JPEG_LOSSLESS)
    assert outcomes[5] == (0, "1.2.3.4.5.6")
    assert outcomes[7] == (0, IMPLICIT)
    assert outcomes[15] == (0, EXPLICIT)
    assert outcomes[17] == (0, IMPLICIT)
    assert {n: outcomes[n][0] for n in (9, 11, 13)} == {9: 3, 11: 4, 13: 4}


def test_private_classes_can_be_turned_off(tmp_path: Path) -> None:
    with Receiver(tmp_path, accept_private_classes=False) as receiver, Raw(receiver.port) as raw:
        body = raw.associate(proposal(1, "1.3.12.2.1107.5.9.1", [EXPLICIT]), proposal(3, CT, [EXPLICIT]))
        assert {n: outcome for n, (outcome, _) in accepted(body).items()} == {1: 3, 3: 0}
        raw.send(pdata((3, 3, store_rq(sop_class="1.3.12.2.1107.5.9.1"))), pdata((3, 2, DATA)))
        assert raw.status() == 0x0122
        assert receiver.contents() == []


def test_the_accept_answers_what_was_asked(raw: Raw) -> None:
    sop = struct.pack(">H", len(CT)) + CT.encode()
    user = (
        item(0x51, bytes(4)) + item(0x52, b"1.2.3") + item(0x53, b"\0\x05\0\x05") + item(0x55, b"X")
        + item(0x54, sop + b"\x01\x01") + item(0x56, sop + b"\x02\x00\x03\x00\x01\x00") + item(0x57, b"\0\0")
        + item(0x58, b"\x01\x01\x00\x03bob\x00\x00") + item(0x7F, b"?")
    )  # fmt: skip
    body = raw.associate(*(proposal(1, CT, [IMPLICIT]), proposal(3, VERIFICATION, [IMPLICIT])), user=user)
    said = user_items(body)
    assert said[0x51] == [struct.pack(">I", 131072)]
    assert said[0x53] == [struct.pack(">HH", 1, 1)]
    assert said[0x54] == [sop + b"\x01\x00"]
    assert said[0x56] == [sop + b"\x02\x00\x00\x00\x00\x00"]
    assert said[0x59] == [b"\x00\x00"]
    assert {0x52, 0x55} <= said.keys()
    assert body[4:36] == b"QCBOX".ljust(16) + b"TESTSCU".ljust(16)
    raw.send(pdata((3, 3, echo_rq())))
    assert raw.status() == 0


def test_the_accept_says_nothing_that_was_not_asked(raw: Raw) -> None:
    assert user_items(raw.associate()).keys() == {0x51, 0x52, 0x55}


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (associate_rq([], version=2), (1, 2, 2)),
        (associate_rq([], application_context="1.2.3"), (1, 1, 2)),
        (associate_rq([], called=b"OTHER"), (1, 1, 7)),
        (associate_rq([], calling=b"STRANGER"), (1, 1, 3)),
        (associate_rq([], calling=b""), (1, 1, 3)),
        (associate_rq([], calling=b"FAR"), (1, 1, 3)),
    ],
)
def test_who_is_turned_away_and_how(request_: bytes, answer: tuple[int, int, int], tmp_path: Path) -> None:
    peers = [{"ae_title": "CT1", "address": "127.0.0.0/8"}, {"ae_title": "FAR", "address": "10.0.0.1"}]
    with Receiver(tmp_path, open=False, peers=peers) as receiver:
        with Raw(receiver.port) as raw:
            raw.send(request_)
            assert raw.pdu() == (3, bytes((0, *answer)))
            assert raw.closed()
        with Raw(receiver.port) as raw:
            raw.associate(calling=b"CT1\0\0\0")


@pytest.mark.parametrize("calling", [b"  CT1", b"CT1\0\0\0\0\0\0\0\0\0\0\0\0\0", b"CT1 \0 junk"])
def test_ae_titles_with_odd_padding(calling: bytes, tmp_path: Path) -> None:
    peers = [{"ae_title": "CT1", "address": "127.0.0.1"}]
    with Receiver(tmp_path, open=False, peers=peers) as receiver, Raw(receiver.port) as raw:
        raw.associate(calling=calling, called=b"QCBOX\0\0")


def test_a_blank_calling_title_may_be_configured(tmp_path: Path) -> None:
    peers = [{"ae_title": "", "address": "127.0.0.1"}]
    with Receiver(tmp_path, open=False, peers=peers) as receiver, Raw(receiver.port) as raw:
        raw.associate(calling=b"")


FIRST = [
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", 1, id="http"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 1, id="TLS to a plain port"),
    pytest.param(pdata((1, 3, echo_rq())), 2, id="data before association"),
    pytest.param(RELEASE, 2, id="release before association"),
    pytest.param(b"\x01\x00" + struct.pack(">I", 0xFFFFFFFF), 6, id="request of 4 GB"),
    pytest.param(b"\x01\x00" + struct.pack(">I", 0), 6, id="empty request"),
    pytest.param(b"\x01\x00" + struct.pack(">I", 70) + bytes(70), 6, id="half an item"),
    pytest.param(b"\x01\x00" + struct.pack(">I", 72) + bytes(68) + b"\x10\x00\xff\xff", 6, id="item over the end"),
    pytest.param(associate_rq([item(0x20, b"\x01")]), 6, id="context without an end"),
    pytest.param(associate_rq([], user=item(0x54, b"\xff\xff1.2")), 6, id="role over the end"),
]


@pytest.mark.parametrize(("sent", "reason"), FIRST)
def test_a_broken_start_is_aborted_with_its_reason(sent: bytes, reason: int, receiver: Receiver, raw: Raw) -> None:
    raw.send(sent)
    assert raw.pdu() == (7, bytes((0, 0, 2, reason)))
    assert raw.closed()
    receiver.assert_serves()
