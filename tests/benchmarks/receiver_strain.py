"""The DICOM port under strain: ``python -m tests.benchmarks.receiver_strain [--pdus 50000] [--folder DIR]``.

Prints, as JSON: seconds that a C-ECHO takes while 100 connections say nothing; memory of an association, idle and
in the middle of an object; growth of memory, threads and descriptors over 1,000 associations; and how a stream of
damaged PDUs ended.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from capture.incoming import STRIDE
from capture.spool import Spool, SpoolSettings
from tests.peers import Child, accepts, free_port, python, wait_until
from tests.receiver import DEFAULT, Raw, associate_rq, echo_rq, images, many, pdata, store_rq, unfinished

RELEASE = b"\x05\x00" + struct.pack(">I", 4) + bytes(4)
DATA = bytes(range(250)) * 8
SOUND = [
    associate_rq(DEFAULT),
    pdata((3, 3, echo_rq())),
    pdata((1, 3, store_rq()), (1, 2, DATA)),
    pdata((1, 1, store_rq()[:50]), (1, 3, store_rq()[50:])),
    pdata((1, 0, DATA[:9])),
    pdata((1, 2, DATA[9:])),
    RELEASE,
]


@contextmanager
def receiver(folder: Path) -> Iterator[tuple[Child, int]]:
    """The receiving process and its port."""
    port = free_port()
    with python("-m", "tests.listener_process", str(folder / "spool"), str(port), log=folder / "log") as child:
        wait_until(lambda: accepts(port) or not child.alive, "the receiver listens")
        yield child, port


def echo(port: int) -> float:
    """Seconds for an association, a C-ECHO and a release."""
    began = time.perf_counter()
    with Raw(port) as raw:
        raw.associate()
        raw.send(pdata((3, 3, echo_rq())))
        assert raw.status() == 0
        raw.send(RELEASE)
        assert raw.pdu()[0] == 6
    return time.perf_counter() - began


def while_others_are_silent(port: int, silent: int, rounds: int) -> list[float]:
    """Seconds of each C-ECHO."""
    with many(port, silent):
        return [echo(port) for _ in range(rounds)]


def of(child: Child) -> tuple[int, int, int]:
    """Resident KiB, threads and descriptors of the receiver."""
    said = Path(f"/proc/{child.pid}/status").read_text()
    resident, threads = (int(re.findall(rf"{name}:\s+(\d+)", said)[0]) for name in ("VmRSS", "Threads"))
    return resident, threads, len(list(Path(f"/proc/{child.pid}/fd").iterdir()))


def kib_of_an_association(child: Child, port: int, count: int) -> float:
    """Memory of each of ``count`` that have sent an object and are idle."""
    before = of(child)[0]
    with ExitStack() as open_:
        for number in range(count):
            raw = open_.enter_context(Raw(port))
            raw.associate()
            raw.send(pdata((1, 3, store_rq(instance=f"1.2.{number}"))), pdata((1, 2, DATA * 200)))
            assert raw.status() == 0
        held = of(child)[0]
    wait_until(lambda: of(child)[1] < count // 2 + 2, "they are gone")
    return (held - before) / count


def kib_in_flight(child: Child, port: int, count: int, objects: Path) -> float:
    """Memory of each of ``count`` that are in the middle of an object."""
    before = of(child)[0]
    with ExitStack() as open_:
        for number in range(count):
            raw = open_.enter_context(Raw(port))
            raw.associate()
            raw.send(pdata((1, 3, store_rq(instance=f"1.3.{number}"))), pdata((1, 0, bytes(STRIDE))))
        wait_until(
            lambda: sum(path.stat().st_size >= STRIDE for path in objects.iterdir()) == count,
            "the memory of each was filled once",
        )
        held = of(child)[0]
    wait_until(lambda: of(child)[1] < count // 2 + 2, "they are gone")
    return (held - before) / count


def damaged(chance: random.Random) -> bytes:
    """A conversation of seven PDUs with some bytes changed, removed, repeated or added, or PDUs in disorder."""
    parts = list(SOUND)
    if chance.random() < 0.3:
        chance.shuffle(parts)
    stream = bytearray(b"".join(parts))
    for _ in range(chance.randrange(1, 6)):
        at = chance.randrange(len(stream))
        match chance.randrange(4):
            case 0:
                stream[at] = chance.randrange(256)
            case 1:
                del stream[at : at + chance.randrange(1, 40)]
            case 2:
                stream[at:at] = chance.randbytes(chance.randrange(1, 20))
            case _:
                stream[at:at] = stream[at : at + chance.randrange(1, 100)]
    return bytes(stream)


def fuzz(port: int, pdus: int, seed: int) -> Counter[str]:
    """How the conversations ended. AssertionError when the receiver said something that is no DICOM, or hung."""
    chance, ends = random.Random(seed), Counter[str]()
    for _ in range(pdus // len(SOUND)):
        said = bytearray()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as peer, suppress(ConnectionError):
            peer.sendall(damaged(chance))
            peer.shutdown(socket.SHUT_WR)
            while chunk := peer.recv(65536):
                said += chunk
        last = "nothing"
        while said:
            kind, length = struct.unpack_from(">BxI", said)
            assert kind in (2, 3, 4, 6, 7), f"PDU type {kind}"
            last = {2: "accepted", 3: "rejected", 4: "answered", 6: "released", 7: "aborted"}[kind]
            del said[: 6 + length]
        ends[last] += 1
    return ends


def strain(folder: Path, pdus: int, associations: int) -> dict[str, object]:
    """All of it; see the module."""
    with receiver(folder) as (child, port):
        for _ in range(20):
            echo(port)
        busy = kib_in_flight(child, port, 50, folder / "spool" / "objects")
        each = kib_of_an_association(child, port, 50)
        silent = while_others_are_silent(port, 100, 20)
        wait_until(lambda: of(child)[1] < 4, "the silent ones are gone")
        began = of(child)
        for _ in range(associations):
            echo(port)
        after = of(child)
        ends = fuzz(port, pdus, 20261122)
        wait_until(lambda: of(child)[1] <= began[1] + 1, "no association hangs")
        spent = of(child)
        assert child.alive
        echo(port)
    spool = Spool(folder / "spool", SpoolSettings(min_free_mb=1))
    assert unfinished(spool) == []
    return {
        "echo_s_with_100_silent": {
            "median": round(statistics.median(silent), 4),
            "all": [round(one, 4) for one in silent],
        },
        "kib_of_an_association": round(each),
        "kib_of_an_object_in_flight": round(busy),
        "kib_before_and_after_associations": [began[0], after[0]],
        "threads_and_descriptors": {"before": began[1:], "after": after[1:], "after_fuzz": spent[1:]},
        "kib_after_fuzz": spent[0],
        "fuzzed_pdus": pdus,
        "ends": dict(ends),
        "stored": len(images(spool)),
    }


def main() -> None:
    """Run and print."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--pdus", type=int, default=50_000)
    said.add_argument("--associations", type=int, default=1000)
    said.add_argument("--folder", type=Path, default=None)
    asked = said.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        sys.stdout.write(json.dumps(strain(Path(folder), asked.pdus, asked.associations), indent=2) + "\n")


if __name__ == "__main__":
    main()
