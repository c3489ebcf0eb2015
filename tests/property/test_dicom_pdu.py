"""Any bytes on the DICOM port: the association ends or goes on, never fails, and leaves nothing in the spool."""

from __future__ import annotations

import random
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from capture.dicom import associate, dimse
from capture.dicom.association import Association
from capture.dicom.diary import Diary
from capture.dicom.negotiation import Negotiator
from capture.dicom.pdu import Ended
from capture.dicom.settings import DicomSettings
from capture.dicom.store import part10_header
from capture.dicom.wire import Wire
from capture.spool import Spool, SpoolSettings
from tests.receiver import (
    CT,
    DEFAULT,
    EXPLICIT,
    IMPLICIT,
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
    unfinished,
)

SETTINGS = DicomSettings(open=True, first_pdu_timeout_s=2.0, idle_timeout_s=2.0, stall_timeout_s=2.0, max_pdu=4096)
LOG = structlog.get_logger().bind()
FUZZ = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
RELEASE = b"\x05\x00" + struct.pack(">I", 4) + bytes(4)
DATA = bytes(range(200))
SOUND = [
    associate_rq(DEFAULT),
    pdata((3, 3, echo_rq())),
    pdata((1, 3, store_rq()), (1, 2, DATA)),
    pdata((1, 1, store_rq()[:50]), (1, 3, store_rq()[50:])) + pdata((1, 0, DATA[:9])) + pdata((1, 2, DATA[9:])),
    RELEASE,
]


@contextmanager
def temporary_spool() -> Iterator[Spool]:
    folder = Path(tempfile.mkdtemp(prefix="qcbox-fuzz-"))
    try:
        yield Spool(folder, SpoolSettings(min_free_mb=1))
    finally:
        shutil.rmtree(folder)


def serve(stream: bytes) -> tuple[bytes, list[bytes]]:
    """What the association answers to this stream, and what it stored. Anything it raises comes out here."""
    with temporary_spool() as spool:
        pair, theirs = socket.socketpair()
        ours = TcpLike(pair)
        answers = bytearray()

        def talk() -> None:
            with suppress(OSError):
                theirs.sendall(stream)
                theirs.shutdown(socket.SHUT_WR)
                while chunk := theirs.recv(65536):
                    answers.extend(chunk)

        peer = threading.Thread(target=talk)
        peer.start()
        wire = Wire(ours, threading.Event())
        negotiator = Negotiator(SETTINGS)
        Association(wire, "127.0.0.1", SETTINGS, negotiator, spool, lambda step: None, Diary(LOG)).serve()
        ours.close()
        peer.join()
        theirs.close()
        assert unfinished(spool) == []
        stored = [data_set_of(spool.path(arrival).read_bytes()) for arrival in images(spool)]
        return bytes(answers), stored


class TcpLike(socket.socket):
    """A socket pair's end that takes TCP's options."""

    def __init__(self, pair: socket.socket) -> None:
        super().__init__(fileno=pair.detach())

    def setsockopt(self, *_: object) -> None:
        """Unix sockets have no Nagle to turn off."""


def pdus(stream: bytes) -> list[int]:
    """Types of the PDUs in a stream; it must consist of whole ones."""
    kinds = []
    while stream:
        kind, length = struct.unpack(">BxI", stream[:6])
        assert len(stream) >= 6 + length
        kinds.append(kind)
        stream = stream[6 + length :]
    return kinds


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A sound conversation with some bytes changed, removed, repeated or added."""
    stream = bytearray(b"".join(SOUND))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(stream) - 1))
        match draw(st.integers(0, 3)):
            case 0:
                stream[at] = draw(st.integers(0, 255))
            case 1:
                del stream[at : at + draw(st.integers(1, 40))]
            case 2:
                stream[at:at] = draw(st.binary(max_size=20))
            case _:
                stream[at:at] = stream[at : at + draw(st.integers(1, 100))]
        if not stream:
            return b""
    return bytes(stream)


@FUZZ
@given(mutated())
def test_a_damaged_conversation_ends_well(stream: bytes) -> None:
    answers, _ = serve(stream)
    assert set(pdus(answers)) <= {2, 3, 4, 6, 7}


@FUZZ
@given(st.binary(max_size=600), st.booleans())
@example(b"", False)
def test_any_bytes_end_well(garbage: bytes, associated: bool) -> None:
    answers, stored = serve((SOUND[0] if associated else b"") + garbage)
    assert set(pdus(answers)) <= {2, 3, 4, 6, 7}
    assert stored == [] or associated


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=4000), st.randoms(use_true_random=False))
def test_any_cutting_of_a_data_set_is_put_together_again(data: bytes, chance: random.Random) -> None:
    values: list[tuple[int, int, bytes]] = []
    for control, message in ((1, store_rq()), (0, data)):
        cuts = sorted({0, *(chance.randrange(len(message) + 1) for _ in range(chance.randrange(6)))})
        parts = [message[a:b] for a, b in zip(cuts, [*cuts[1:], len(message)], strict=True)]
        values += [(1, control | (2 if n == len(parts) - 1 else 0), part) for n, part in enumerate(parts)]
    stream, group = b"", []
    for value in values:
        group.append(value)
        if chance.random() < 0.5:
            stream, group = stream + pdata(*group), []
    answers, stored = serve(SOUND[0] + stream + pdata(*group) + RELEASE)
    assert stored == [data]
    assert pdus(answers) == [2, 4, 6]


SYNTAX = st.sampled_from([IMPLICIT, EXPLICIT])
UID = st.from_regex(r"[0-9]{1,5}(\.[0-9]{1,5}){1,8}", fullmatch=True)


@given(
    st.lists(st.tuples(st.integers(0, 255), UID, st.lists(UID | SYNTAX, max_size=5))),
    st.integers(0, 2**32 - 1),
)
def test_a_request_says_what_was_put_into_it(contexts: list[tuple[int, str, list[str]]], max_pdu: int) -> None:
    built = associate_rq([proposal(*c) for c in contexts], user=item(0x51, max_pdu.to_bytes(4, "big")))
    request = associate.parse(built[6:])
    assert [(p.id, p.abstract_syntax, list(p.transfer_syntaxes)) for p in request.proposals] == contexts
    assert (request.called_ae, request.calling_ae, request.max_pdu) == ("QCBOX", "TESTSCU", max_pdu)
    for one in request.proposals:
        answer = associate.negotiate(one, takes_class=True)
        assert (answer.outcome == 0) == bool(one.transfer_syntaxes)
        if answer.outcome == 0:
            assert answer.transfer_syntax in one.transfer_syntaxes


@given(st.binary(max_size=300))
def test_command_sets(raw: bytes) -> None:
    with suppress(Ended):
        dimse.decode(raw)


@given(st.integers(0, 0xFFFF), st.sampled_from([0, *dimse.COMMENT]), UID)
def test_a_response_answers_its_request(message_id: int, status: int, instance: str) -> None:
    request = dimse.decode(command(0x0001, message_id, data_set=True, sop_class=CT, instance=instance))
    said = elements(dimse.encode_response(request, status))
    assert (said[0x0100], said[0x0120], said[0x0900]) == (0x8001, message_id, status)
    if len(instance) > 2:
        assert said[0x1000].rstrip(b"\0").decode() == instance


@given(UID, UID, UID, st.text("ABC 12", max_size=16))
def test_the_part_10_header_is_even_and_says_its_length(a: str, b: str, c: str, ae: str) -> None:
    header = part10_header(a.encode(), b.encode(), c, ae)
    assert header[128:132] == b"DICM"
    assert data_set_of(header + b"the data set") == b"the data set"
    assert len(header) % 2 == 0
