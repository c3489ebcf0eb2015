"""A receiver for tests, in a thread, and the means to speak DICOM to it byte by byte."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from capture.arrival import Arrival
from capture.dicom.listener import Listener
from capture.dicom.settings import DicomSettings
from capture.dicom.telling import Relayed
from capture.spares import is_blank
from capture.spool import Spool, SpoolSettings

CT = "1.2.840.10008.5.1.4.1.1.2"
VERIFICATION = "1.2.840.10008.1.1"
IMPLICIT, EXPLICIT, JPEG_LOSSLESS = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70"
PATIENCE_S = 60.0


class Receiver:
    """A listener with its spool."""

    def __init__(
        self, folder: Path, spool: Spool | None = None, relayed: Relayed = frozenset(), **settings: Any
    ) -> None:
        settings = {"open": True, "host": "127.0.0.1", "port": 0, "stop_grace_s": 0.5, "processes": 1} | settings
        self.spool = spool or Spool(folder / "spool", SpoolSettings(min_free_mb=1, written_ahead=2))
        self.listener = Listener(DicomSettings(**settings), self.spool, relayed=relayed)
        self.port = self.listener.port
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self.listener.serve, args=(self.stop,))

    def contents(self) -> list[tuple[Arrival, bytes]]:
        """What waits in the spool."""
        return [(arrival, self.spool.path(arrival).read_bytes()) for arrival in images(self.spool)]

    def left_overs(self) -> list[Path]:
        """Files of receptions that are not finished."""
        return unfinished(self.spool)

    def assert_serves(self) -> None:
        """It still answers a C-ECHO."""
        with Raw(self.port) as raw:
            raw.associate()
            raw.send(pdata((3, 3, echo_rq())))
            assert raw.status() == 0

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        with socket.socket() as wakes_it_from_accepting:
            wakes_it_from_accepting.connect_ex(("127.0.0.1", self.port))
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def unfinished(spool: Spool) -> list[Path]:
    """Bytes that belong to nothing that waits."""
    named = {spool.path(arrival) for arrival in spool.pending()}
    return [path for path in spool.objects.iterdir() if path not in named and not is_blank(path)]


def images(spool: Spool) -> list[Arrival]:
    """What waits, without the notes on associations that were released."""
    return [arrival for arrival in spool.pending() if arrival.kind == "dicom"]


def item(kind: int, value: bytes) -> bytes:
    return struct.pack(">BxH", kind, len(value)) + value


def proposal(context_id: int, abstract: str, syntaxes: Sequence[str]) -> bytes:
    inner = item(0x30, abstract.encode()) + b"".join(item(0x40, uid.encode()) for uid in syntaxes)
    return item(0x20, bytes((context_id, 0, 0, 0)) + inner)


def associate_rq(
    proposals: Sequence[bytes],
    user: bytes = item(0x51, struct.pack(">I", 16384)),
    called: bytes = b"QCBOX",
    calling: bytes = b"TESTSCU",
    version: int = 1,
    application_context: str = "1.2.840.10008.3.1.1.1",
) -> bytes:
    """An A-ASSOCIATE-RQ built from the standard's tables, not by our own code."""
    body = struct.pack(">H2x16s16s32x", version, called.ljust(16), calling.ljust(16))
    body += item(0x10, application_context.encode()) + b"".join(proposals) + item(0x50, user)
    return b"\x01\x00" + struct.pack(">I", len(body)) + body


def pdata(*values: tuple[int, int, bytes]) -> bytes:
    """One P-DATA-TF of (context, control, fragment)."""
    body = b"".join(
        struct.pack(">IBB", len(part) + 2, context, control) + part for context, control, part in values
    )
    return b"\x04\x00" + struct.pack(">I", len(body)) + body


def command(field: int, message_id: int = 1, data_set: bool = False, **uids: str) -> bytes:
    """A command set; ``sop_class`` and ``instance`` as keywords."""
    parts = [(0x0100, struct.pack("<H", field)), (0x0110, struct.pack("<H", message_id))]
    parts.append((0x0800, struct.pack("<H", 0 if data_set else 0x0101)))
    if "sop_class" in uids:
        parts.insert(0, (0x0002, uids["sop_class"].encode()))
    if "instance" in uids:
        parts.append((0x1000, uids["instance"].encode()))
    padded = [(element, value + b"\0" * (len(value) % 2)) for element, value in parts]
    body = b"".join(struct.pack("<HHI", 0, element, len(value)) + value for element, value in padded)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def store_rq(message_id: int = 1, instance: str = "1.2.3.4", sop_class: str = CT) -> bytes:
    return command(0x0001, message_id, data_set=True, sop_class=sop_class, instance=instance)


def echo_rq(message_id: int = 1) -> bytes:
    return command(0x0030, message_id, sop_class=VERIFICATION)


class Raw:
    """One connection, written and read by hand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)

    def send(self, *parts: bytes) -> None:
        self.socket.sendall(b"".join(parts))

    def read(self, count: int) -> bytes:
        out = b""
        while len(out) < count:
            more = self.socket.recv(count - len(out))
            if not more:
                raise EOFError
            out += more
        return out

    def pdu(self) -> tuple[int, bytes]:
        kind, length = struct.unpack(">BxI", self.read(6))
        return kind, self.read(length)

    def status(self) -> int:
        """Status of the next response."""
        kind, body = self.pdu()
        assert kind == 4
        return int(elements(body[6:])[0x0900])

    def closed(self) -> bool:
        """Whether the other side ends the connection."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def associate(self, *proposals: bytes, **request: Any) -> bytes:
        """Associate for CT (context 1) and verification (3) unless others are given; the accept's body."""
        self.send(associate_rq(proposals or DEFAULT, **request))
        kind, body = self.pdu()
        assert kind == 2, f"PDU type {kind}"
        return body

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


DEFAULT = (proposal(1, CT, [IMPLICIT, EXPLICIT]), proposal(3, VERIFICATION, [IMPLICIT]))


def elements(raw: bytes) -> dict[int, Any]:
    """A command set by element number: numbers where two bytes long, else bytes."""
    out: dict[int, Any] = {}
    while raw:
        _, element, length = struct.unpack("<HHI", raw[:8])
        value, raw = raw[8 : 8 + length], raw[8 + length :]
        out[element] = int.from_bytes(value, "little") if length == 2 else value
    return out


def accepted(body: bytes) -> dict[int, tuple[int, str]]:
    """Result and transfer syntax by context of an A-ASSOCIATE-AC's body."""
    return {
        value[0]: (value[2], next(v for k, v in items(value[4:]) if k == 0x40).decode())
        for kind, value in items(body[68:])
        if kind == 0x21
    }


def user_items(body: bytes) -> dict[int, list[bytes]]:
    """Sub-items of the user information of an A-ASSOCIATE-AC's body."""
    out: dict[int, list[bytes]] = {}
    for kind, value in items(next(value for kind, value in items(body[68:]) if kind == 0x50)):
        out.setdefault(kind, []).append(value)
    return out


def items(body: bytes) -> Iterator[tuple[int, bytes]]:
    while body:
        kind, length = struct.unpack(">BxH", body[:4])
        yield kind, body[4 : 4 + length]
        body = body[4 + length :]


@contextmanager
def many(port: int, count: int) -> Iterator[list[Raw]]:
    """``count`` connections that say nothing."""
    silent = [Raw(port) for _ in range(count)]
    try:
        yield silent
    finally:
        for raw in silent:
            raw.socket.close()


def data_set_of(part10: bytes) -> bytes:
    """What follows the file meta information."""
    length = int.from_bytes(part10[140:144], "little")
    return part10[144 + length :]
