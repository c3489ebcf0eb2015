"""The repository's files, as TUF clients ask for them, and which of them are in force.

``metadata/<version>.<role>.json``, ``metadata/timestamp.json`` and, by their hashes,
``targets/kb/<area>/<name>/<sha256>.<version>.zip``; ``proposals/`` is the centre's own. The timestamp says which
snapshot is in force, and that which versions of the rest: files of a publication that was cut off have higher
numbers, are named by nothing, and are written over by the next. Of the root, the highest is in force.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by its documents, not for mypy
    Metadata,
    Root,
    Snapshot,
    Targets,
    Timestamp,
)
from tuf.api.serialization import DeserializationError

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.updates.disk import write_whole
from cloud_sync.updates.listing import stored_path
from cloud_sync.updates.terms import Target


class Store:
    """Reads what is in force and writes what comes next; knows nothing of who may sign it."""

    def __init__(self, folder: Path, at: Callable[[str], None] = lambda step: None) -> None:
        """``at`` is called after each file that a publication writes: ``repository.<what>``."""
        self.folder, self._at = folder, at

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One writer at a time, over all threads and processes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @property
    def founded(self) -> bool:
        return self._file("root", 1).is_file()

    def root(self) -> Metadata[Root]:
        """Raises Misuse ``repository.none``: there is none yet."""
        return self.metadata("root", self.root_version())

    def root_version(self) -> int:
        """Of the root in force. Raises Misuse ``repository.none``."""
        self._demand()
        version = 1
        while self._file("root", version + 1).is_file():
            version += 1
        return version

    def timestamp(self) -> Metadata[Timestamp]:
        """Raises Misuse ``repository.none``, ``repository.damaged``."""
        return _parsed(self.state())

    def state(self) -> bytes:
        """The timestamp as it lies there: the same bytes, the same state. Raises Misuse as ``timestamp``."""
        self._demand()
        return _read(self.folder / "metadata" / "timestamp.json")

    def snapshot(self) -> Metadata[Snapshot]:
        return self.metadata("snapshot", self.timestamp().signed.snapshot_meta.version)

    def version(self, role: str) -> int:
        """In force; 0 of an area that has published nothing."""
        named = self.snapshot().signed.meta.get(f"{role}.json")
        return named.version if named else 0

    def targets(self) -> Metadata[Targets]:
        return self.metadata("targets", self.version("targets"))

    def area(self, role: str) -> Metadata[Targets] | None:
        """What an area has in force; None when it has published nothing."""
        version = self.version(role)
        return self.metadata(role, version) if version else None

    def metadata(self, role: str, version: int) -> Metadata[Any]:
        """One version of a role. Raises Misuse ``repository.damaged``."""
        return _parsed(self.raw(role, version))

    def raw(self, role: str, version: int) -> bytes:
        """The file of that version. Raises Misuse ``repository.damaged``."""
        return _read(self._file(role, version))

    def put(self, role: str, version: int, content: bytes) -> None:
        """Write a version of a role; nothing names it yet (but a root, which is in force by being there)."""
        write_whole(self._file(role, version), content)
        self._at(f"repository.{role.partition('-')[0]}_written")

    def put_timestamp(self, content: bytes) -> None:
        """Put a new state in force."""
        write_whole(self.folder / "metadata" / "timestamp.json", content)
        self._at("repository.timestamp_written")

    def content_file(self, target: Target) -> Path:
        """Where the package of a published release lies."""
        return self.folder / "targets" / stored_path(target)

    def put_content(self, target: Target, content: bytes) -> None:
        """Write a package; nothing names it yet."""
        if not self.content_file(target).is_file():
            write_whole(self.content_file(target), content)
        self._at("repository.content_written")

    def _demand(self) -> None:
        if not self.founded:
            raise Misuse(
                "repository.none",
                Bilingual(f"{self.folder} 中没有签名仓库", f"There is no repository in {self.folder}"),
                Bilingual(
                    "先运行 qcbox-central repository init，或检查 publishing.repository",
                    "Run qcbox-central repository init first, or look at publishing.repository",
                ),
            )

    def _file(self, role: str, version: int) -> Path:
        return self.folder / "metadata" / f"{version}.{role}.json"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise _damaged() from None


def _parsed(content: bytes) -> Metadata[Any]:
    try:
        return Metadata.from_bytes(content)
    except DeserializationError:
        raise _damaged() from None


def _damaged() -> Misuse:
    return Misuse(
        "repository.damaged",
        Bilingual("签名仓库的文件缺失或损坏", "A file of the repository is missing or damaged"),
        Bilingual("从备份恢复整个仓库文件夹", "Restore the repository's whole folder from a backup"),
    )
