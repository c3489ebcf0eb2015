"""Files by content hash."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from capture.errors import Bug
from edge.store.blobs import Blobs, lay

CONTENT = b"bytes of an image"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "received.bin"
    path.write_bytes(CONTENT)
    return path


def test_a_link_shares_the_bytes_and_outlives_the_source(blobs: Blobs, source: Path) -> None:
    path = blobs.link_file(source, SHA256)
    assert path == blobs.root / SHA256[:2] / SHA256[2:4] / SHA256
    assert path.samefile(source)
    assert blobs.link_file(source, SHA256) == path
    source.unlink()
    assert path.read_bytes() == CONTENT


def test_another_file_system_gets_a_copy(blobs: Blobs, source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise OSError(18, "cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    path = blobs.link_file(source, SHA256)
    assert path.read_bytes() == CONTENT and not path.samefile(source)
    assert [entry.name for entry in path.parent.iterdir()] == [SHA256]


def test_a_source_that_is_gone(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        blobs.link_file(tmp_path / "none", SHA256)


def test_small_content_by_its_own_hash(blobs: Blobs) -> None:
    assert blobs.put_bytes(CONTENT) == SHA256 == blobs.put_bytes(CONTENT)
    assert blobs.has(SHA256)
    assert [path.name for path in blobs.each()] == [SHA256]
    assert (blobs.remove(SHA256), blobs.remove(SHA256)) == (len(CONTENT), 0)
    assert not blobs.has(SHA256)


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_a_path_is_made_of_a_hash_and_nothing_else(blobs: Blobs, key: str) -> None:
    with pytest.raises(Bug):
        blobs.path(key)


def test_what_a_worker_laid_gets_its_name_once_and_twice_is_harmless(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    laid, again = lay(blobs.room, b"record"), lay(blobs.room, b"record")
    assert blobs.put_many([laid, laid, b"preview"])[:2] == [laid.sha256] * 2
    assert blobs.path(laid.sha256).read_bytes() == b"record" and not laid.path.exists()
    assert blobs.put_many([again]) == [laid.sha256] == blobs.put_many([laid]), "the same; after a full disk"
    assert list(blobs.room.iterdir()) == []
    lay(blobs.room, b"of a worker that was killed")
    blobs.clear_room()
    assert list(blobs.room.iterdir()) == [] and blobs.has(laid.sha256)


def test_what_is_put_again_is_not_unused(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    (name,) = blobs.put_many([b"record"])
    put_at = blobs.path(name).stat().st_ctime
    blobs.remove_unused(name, put_at)
    assert blobs.has(name)
    assert blobs.put_many([b"record"]) == [name]
    blobs.remove_unused(name, put_at + 1e-9)
    assert blobs.has(name), "put again after that time"
    blobs.remove_unused(name, put_at + 60)
    assert not blobs.has(name)
    blobs.remove_unused(name, put_at + 60)
    assert blobs.put_many([b"record"]) == [name] and blobs.has(name)
