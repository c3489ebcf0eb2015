"""The hash that names what arrives."""

from __future__ import annotations

import hashlib
import struct
import zlib
from pathlib import Path

from capture.digest import bears_its_name, digest, digest_of
from capture.journal import decode
from capture.spool import Spool
from tests.unit.capture.spools import receive

ABC = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
"""BLAKE3 of "abc", as its authors' own program prints it (b3sum)."""
EARLIER = (
    b'{"arrival":{"id":"0000000003e8-ba7816bf8f01cfea","sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff'
    b'61f20015ad","size":3,"kind":"dicom","source":"dicom","received_at":1000},"file":"f"}'
)
"""What the version that hashed by SHA-256 wrote of "abc"."""


def test_it_is_blake3_of_memory_a_file_and_what_came_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    spool = Spool(tmp_path / "spool")
    with spool.receive(kind="dicom", source="test") as incoming:
        incoming.write(b"a")
        incoming.write(b"bc")
        arrived = incoming.commit(1).digest
    assert digest(b"abc") == digest_of(tmp_path / "abc") == arrived == ABC


def test_a_name_may_be_the_sha256_of_earlier_versions(tmp_path: Path) -> None:
    for content in (b"abc", b""):
        path = tmp_path / "file"
        path.write_bytes(content)
        names = digest(content), hashlib.sha256(content).hexdigest()
        assert all(bears_its_name(path, name) for name in names)
        assert not bears_its_name(path, digest(b"other"))


def test_records_of_earlier_versions_are_read_and_written_the_same_way(tmp_path: Path) -> None:
    record = decode(struct.pack("<4sB3xII", b"QCR1", 0x0F, len(EARLIER), zlib.crc32(EARLIER)) + EARLIER, 0)
    assert record is not None
    assert record.entry.arrival.digest == hashlib.sha256(b"abc").hexdigest()
    spool = Spool(tmp_path / "spool")
    receive(spool, b"abc")
    [journal] = spool.journal.iterdir()
    assert b'"sha256":"' + ABC.encode() in journal.read_bytes(), "an earlier version reads it, too"
