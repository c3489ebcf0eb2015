"""The hash that names what arrives."""

from __future__ import annotations

import hashlib
import struct
import zlib
from io import BytesIO
from pathlib import Path

import pytest

from capture.digest import Checksum, bears_its_name, both_of_first, digest, digest_of
from capture.journal import SECTOR
from capture.spool import Spool

ABC = "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
"""BLAKE3 of "abc", as its authors' own program prints it (b3sum)."""
XXH3_ABC = "06b05ab6733a618578af5f94892f3950"
"""XXH3 (128 bits) of "abc", as its author's own program prints it (xxhsum -H2)."""
EARLIER = (
    '{"arrival":{"id":"0000000003e8-SHORT","sha256":"LONG","size":3,"kind":"dicom","source":"dicom",'
    '"received_at":1000},"file":"f"}'
)
"""What versions wrote that hashed while an object came, by SHA-256 at first and then by BLAKE3."""


def test_it_is_blake3_of_memory_a_file_and_what_came_in_pieces(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    spool = Spool(tmp_path / "spool")
    with spool.receive(kind="dicom", source="test") as incoming:
        incoming.write(b"a")
        incoming.write(b"bc")
        assert incoming.commit(1).digest == "", "who waits for an answer does not wait for a name"
    assert digest(b"abc") == digest_of(tmp_path / "abc") == spool.pending()[0].digest == ABC


def test_the_checksum_is_that_of_xxhash_and_sees_less_than_there_is() -> None:
    assert both_of_first(BytesIO(b"abc, and more"), 3) == (ABC, XXH3_ABC)
    assert both_of_first(BytesIO(b"abc"), 1000) == (ABC, XXH3_ABC)
    long = bytes(3 << 20)
    assert both_of_first(BytesIO(long), len(long)) == (digest(long), Checksum(long).hexdigest())


def test_a_name_may_be_the_sha256_of_earlier_versions(tmp_path: Path) -> None:
    for content in (b"abc", b""):
        path = tmp_path / "file"
        path.write_bytes(content)
        names = digest(content), hashlib.sha256(content).hexdigest()
        assert all(bears_its_name(path, name) for name in names)
        assert not bears_its_name(path, digest(b"other"))


@pytest.mark.parametrize("named", [ABC, hashlib.sha256(b"abc").hexdigest()])
def test_records_of_earlier_versions_say_the_name_itself(named: str, tmp_path: Path) -> None:
    said = EARLIER.replace("SHORT", named[:16]).replace("LONG", named).encode()
    raw = struct.pack("<4sB3xII", b"QCR1", 0x0F, len(said), zlib.crc32(said)) + said
    spool = Spool(tmp_path)
    spool.close()
    (spool.objects / "f").write_bytes(b"abc")
    (spool.journal / "1.journal").write_bytes(raw + bytes(SECTOR - len(raw)))
    assert [arrival.digest for arrival in spool.pending()] == [named]
    assert spool.path(spool.pending()[0]).read_bytes() == b"abc"
