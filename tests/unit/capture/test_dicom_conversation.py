"""Associations byte by byte, built from PS3.8 and PS3.7 tables."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pydicom
import pytest

from capture.spool import Spool, SpoolSettings
from tests.disks import FailingDisk
from tests.peers import wait_until
from tests.receiver import (
    CT,
    EXPLICIT,
    IMPLICIT,
    Raw,
    Receiver,
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
)

DATA = b"\x08\x00\x60\x00CS\x02\x00CT" + b"\x10\x00\x10\x00PN\x04\x00A^B "
RELEASE = b"\x05\x00" + struct.pack(">I", 4) + bytes(4)


def test_echo_and_release(raw: Raw) -> None:
    raw.associate()
    raw.send(pdata((3, 3, echo_rq(7))))
    kind, body = raw.pdu()
    said = elements(body[6:])
    assert (kind, body[4], body[5]) == (4, 3, 3)
    assert said[0x0100] == 0x8030
    assert (said[0x0120], said[0x0800], said[0x0900]) == (7, 0x0101, 0)
    assert said[0x0000] == struct.pack("<I", len(body) - 6 - 12)
    raw.send(RELEASE)
    assert raw.pdu() == (6, bytes(4))
    assert raw.closed()


def test_an_object_is_stored_as_sent_behind_a_part_10_header(receiver: Receiver, raw: Raw) -> None:
    raw.associate(proposal(1, CT, [EXPLICIT]))
    raw.send(pdata((1, 3, store_rq(instance="1.2.3.45"))), pdata((1, 2, DATA)))
    assert raw.status() == 0
    [(arrival, content)] = receiver.contents()
    assert (arrival.calling_ae, arrival.peer, arrival.source) == ("TESTSCU", "127.0.0.1", "dicom")
    assert data_set_of(content) == DATA
    read = pydicom.dcmread(io.BytesIO(content))
    assert read.file_meta.MediaStorageSOPClassUID == CT
    assert read.file_meta.MediaStorageSOPInstanceUID == "1.2.3.45"
    assert read.file_meta.TransferSyntaxUID == EXPLICIT
    assert read.file_meta.SourceApplicationEntityTitle == "TESTSCU"
    assert read.Modality == "CT"


def test_the_same_object_twice_has_the_same_hash(receiver: Receiver, raw: Raw) -> None:
    raw.associate()
    for _ in range(2):
        raw.send(pdata((1, 3, store_rq())), pdata((1, 2, DATA)))
        assert raw.status() == 0
    first, second = images(receiver.spool)
    assert first.digest == second.digest


def cut(message: bytes, size: int, control: int) -> list[tuple[int, int, bytes]]:
    parts = [message[i : i + size] for i in range(0, len(message), size)]
    return [(1, control | (2 if i == len(parts) - 1 else 0), part) for i, part in enumerate(parts)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("together", [True, False], ids=["one PDU", "a PDU for each"])
def test_any_fragments(size: int, together: bool, receiver: Receiver, raw: Raw) -> None:
    raw.associate()
    values = [*cut(store_rq(), size, 1), *cut(DATA, size, 0)]
    raw.send(pdata(*values)) if together else raw.send(*[pdata(value) for value in values])
    assert raw.status() == 0
    assert data_set_of(receiver.contents()[0][1]) == DATA


def test_empty_fragments_and_an_empty_last_one(receiver: Receiver, raw: Raw) -> None:
    raw.associate()
    raw.send(pdata((1, 1, b""), (1, 3, store_rq())), pdata(), pdata((1, 0, b""), (1, 0, DATA), (1, 2, b"")))
    assert raw.status() == 0
    assert data_set_of(receiver.contents()[0][1]) == DATA


def test_one_byte_at_a_time(receiver: Receiver, raw: Raw) -> None:
    for byte in associate_rq([proposal(1, CT, [IMPLICIT])]):
        raw.send(bytes((byte,)))
    assert raw.pdu()[0] == 2
    for byte in pdata((1, 3, store_rq())) + pdata((1, 2, DATA)):
        raw.send(bytes((byte,)))
    assert raw.status() == 0


def test_pipelined_requests_are_answered_in_order(receiver: Receiver, raw: Raw) -> None:
    raw.associate()
    raw.send(*[pdata((1, 3, store_rq(n, f"1.2.{n}")), (1, 2, DATA)) for n in range(1, 21)])
    for number in range(1, 21):
        _, body = raw.pdu()
        assert elements(body[6:])[0x0120] == number
    assert len(receiver.contents()) == 20


def test_an_object_in_one_pdu_larger_than_allowed(receiver: Receiver, raw: Raw) -> None:
    raw.associate()
    big = bytes(range(256)) * 4096 * 2
    raw.send(pdata((1, 3, store_rq())), pdata((1, 2, big)))
    assert raw.status() == 0
    assert data_set_of(receiver.contents()[0][1]) == big


def test_a_peer_with_a_tiny_pdu_limit_gets_tiny_pdus(raw: Raw) -> None:
    raw.associate(user=item(0x51, struct.pack(">I", 20)))
    raw.send(pdata((3, 3, echo_rq())))
    said = b""
    last = False
    while not last:
        _, body = raw.pdu()
        assert len(body) <= 20
        said += body[6:]
        last = bool(body[5] & 2)
    assert elements(said)[0x0900] == 0


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (command(0x0001, sop_class=CT, instance="1.2"), 0xC000),
        (command(0x0001, data_set=True, sop_class=CT), 0x0117),
        (command(0x0001, data_set=True, sop_class="1.2.840.10008.5.1.4.31", instance="1.2"), 0x0122),
        (command(0x0020, data_set=True, sop_class=CT), 0x0211),
        (command(0x0140, sop_class=CT), 0x0211),
    ],
)
def test_requests_that_cannot_be_done_are_answered_and_the_association_goes_on(
    request_: bytes, status: int, receiver: Receiver, raw: Raw
) -> None:
    raw.associate()
    raw.send(pdata((1, 3, request_)))
    if elements(request_)[0x0800] != 0x0101:
        raw.send(pdata((1, 2, DATA)))
    _, body = raw.pdu()
    said = elements(body[6:])
    assert said[0x0900] == status
    assert 0 < len(said[0x0902]) <= 64
    raw.send(pdata((1, 3, store_rq())), pdata((1, 2, DATA)))
    assert raw.status() == 0
    assert len(receiver.contents()) == 1


def test_cancel_is_not_answered(raw: Raw) -> None:
    raw.associate()
    cancel = struct.pack("<HHIH", 0, 0x0100, 2, 0x0FFF) + struct.pack("<HHIH", 0, 0x0800, 2, 0x0101)
    raw.send(pdata((1, 3, cancel)), pdata((3, 3, echo_rq(9))))
    _, body = raw.pdu()
    assert elements(body[6:])[0x0120] == 9


ESTABLISHED = [
    pytest.param(pdata((99, 3, echo_rq())), 6, id="unknown context"),
    pytest.param(pdata((1, 2, DATA)), 6, id="data set without command"),
    pytest.param(pdata((1, 3, store_rq())) + pdata((3, 2, DATA)), 2, id="data set on another context"),
    pytest.param(pdata((1, 3, store_rq())) + pdata((1, 3, echo_rq())), 2, id="command in a data set"),
    pytest.param(pdata((1, 3, store_rq())) + RELEASE, 2, id="release in a data set"),
    pytest.param(pdata((1, 1, b"xx"), (3, 3, b"yy")), 6, id="command over two contexts"),
    pytest.param(pdata((1, 3, b"garbage!!")), 6, id="garbage for a command"),
    pytest.param(pdata((1, 3, b"")), 6, id="empty command"),
    pytest.param(pdata((1, 3, command(0x8001))), 2, id="a response"),
    pytest.param(pdata(*[(1, 1, bytes(4096))] * 5), 6, id="endless command"),
    pytest.param(b"\x04\x00" + struct.pack(">I", 3) + b"abc", 6, id="PDU shorter than a PDV header"),
    pytest.param(b"\x04\x00" + struct.pack(">IIBB", 6, 1, 1, 3), 6, id="PDV length 1"),
    pytest.param(b"\x04\x00" + struct.pack(">IIBB", 6, 1 << 31, 1, 3), 6, id="PDV longer than its PDU"),
    pytest.param(b"\x04\x00" + struct.pack(">IIBB", 0xFFFFFFFF, 0xFFFFFFF0, 1, 3), 6, id="4 GB command"),
    pytest.param(associate_rq([]), 2, id="second request"),
    pytest.param(b"\x02\x00" + bytes(4), 2, id="accept"),
    pytest.param(b"\xfe\x00" + bytes(4), 1, id="unknown PDU"),
    pytest.param(b"GET / HTTP/1.1\r\n\r\n", 1, id="http"),
]


@pytest.mark.parametrize(("sent", "reason"), ESTABLISHED)
def test_a_broken_protocol_is_aborted_with_its_reason(
    sent: bytes, reason: int, receiver: Receiver, raw: Raw
) -> None:
    raw.associate()
    raw.send(sent)
    assert raw.pdu() == (7, bytes((0, 0, 2, reason)))
    assert raw.closed()
    assert receiver.contents() == []
    wait_until(lambda: not receiver.left_overs(), "nothing is left behind")
    receiver.assert_serves()


@pytest.mark.parametrize("cut_at", [1, 20, 300, 3000])
def test_a_connection_cut_in_mid_image_leaves_nothing(cut_at: int, receiver: Receiver) -> None:
    whole = pdata((1, 3, store_rq())) + pdata((1, 0, bytes(2000))) + pdata((1, 2, bytes(2000)))
    with Raw(receiver.port) as raw:
        raw.associate()
        raw.send(whole[:cut_at])
    receiver.assert_serves()
    wait_until(lambda: not receiver.left_overs(), "nothing is left behind")
    assert receiver.contents() == []


def test_an_abort_of_the_peer_in_mid_image_leaves_nothing(receiver: Receiver, raw: Raw) -> None:
    raw.associate()
    raw.send(pdata((1, 3, store_rq())), pdata((1, 0, DATA)), b"\x07\x00" + struct.pack(">I", 4) + bytes(4))
    assert raw.closed()
    wait_until(lambda: not receiver.left_overs(), "nothing is left behind")
    assert receiver.contents() == []


@pytest.mark.parametrize(
    "trouble",
    [{"room": 2000}, {"call": "allocate"}, {"call": "fsync"}, {"call": "create"}],
    ids=["filling", "full", "broken", "no inode"],
)
def test_a_disk_that_fails_is_a700_and_the_retry_works(
    trouble: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.spares._AHEAD", 0)  # what was made ahead needs no inode
    disk = FailingDisk()
    spool = Spool(tmp_path, SpoolSettings(min_free_mb=1, written_ahead=0), disk=disk)
    with Receiver(tmp_path, spool) as receiver, Raw(receiver.port) as raw:
        raw.associate()
        monkeypatch.setattr("capture.spares._AHEAD", 1)
        vars(disk).update(trouble)
        image = pdata((1, 3, store_rq())) + pdata((1, 0, bytes(4000))) + pdata((1, 2, bytes(5000)))
        raw.send(image)
        assert raw.status() == 0xA700
        assert receiver.contents() == [] and receiver.left_overs() == []
        disk.room = None
        raw.send(image)
        assert raw.status() == 0
        assert len(data_set_of(receiver.contents()[0][1])) == 9000


def test_low_space_is_a700_before_anything_is_written(tmp_path: Path) -> None:
    class Shrinking(FailingDisk):
        free = 0

        def free_bytes(self, folder: Path) -> int:
            return self.free

    disk = Shrinking()
    with (
        Receiver(tmp_path, Spool(tmp_path, SpoolSettings(min_free_mb=1, written_ahead=0), disk=disk)) as receiver,
        Raw(receiver.port) as raw,
    ):
        raw.associate()
        disk.call = "write"
        raw.send(pdata((1, 3, store_rq())), pdata((1, 2, DATA)), pdata((3, 3, echo_rq())))
        assert raw.status() == 0xA700
        assert raw.status() == 0
        assert disk.fail_at == 1
        disk.call, disk.free = "", 1 << 30
        raw.send(pdata((1, 3, store_rq())), pdata((1, 2, DATA)))
        assert raw.status() == 0


def test_a_disk_that_is_away_is_a700(tmp_path: Path) -> None:
    class Away(FailingDisk):
        def free_bytes(self, folder: Path) -> int:
            raise OSError(5, "gone")

    with Receiver(tmp_path, Spool(tmp_path, disk=Away())) as receiver, Raw(receiver.port) as raw:
        raw.associate()
        raw.send(pdata((1, 3, store_rq())), pdata((1, 2, DATA)))
        assert raw.status() == 0xA700


def test_an_object_that_eats_up_the_space_is_stopped_at_the_watermark(tmp_path: Path) -> None:
    class Shrinking(FailingDisk):
        free = 8 << 20

        def write(self, descriptor: int, chunk: memoryview) -> int:
            taken = super().write(descriptor, chunk)
            self.free -= taken
            return taken

        def free_bytes(self, folder: Path) -> int:
            return self.free

    spool = Spool(tmp_path, SpoolSettings(min_free_mb=1, written_ahead=0), disk=Shrinking())
    with Receiver(tmp_path, spool) as receiver, Raw(receiver.port) as raw:
        raw.associate()
        raw.send(pdata((1, 3, store_rq())))
        for _ in range(40):
            raw.send(pdata((1, 0, bytes(1 << 19))))
        raw.send(pdata((1, 2, b"")))
        assert raw.status() == 0xA700
        assert receiver.left_overs() == []
