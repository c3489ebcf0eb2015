"""Files by content hash: ``ab/cd/<sha256>``. A path is never made of a received name."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from capture.errors import Bug
from capture.text import Bilingual


@dataclass(frozen=True, slots=True)
class Laid:
    """A file that a worker has written beside the others and that waits for its name (:meth:`Blobs.put_many`).

    A pipe between processes takes 64 KiB at a time, and each piece waits until the agent listens: megabytes took
    as long as judging the slices that they came from.
    """

    path: Path
    sha256: str


def lay(room: Path, content: bytes) -> Laid:
    """Write a file into :attr:`Blobs.room`; not synced. Callable in any process."""
    laid = Laid(room / secrets.token_hex(16), hashlib.sha256(content).hexdigest())
    with os.fdopen(os.open(laid.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return laid


class Blobs:
    """A content-addressed folder. ``put_*`` is durable when it returns and harmless when repeated."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._choosing = threading.Lock()
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.room = root / "laid"
        """Where workers lay files."""
        self.room.mkdir(mode=0o700, exist_ok=True)

    def clear_room(self) -> None:
        """Remove what workers that are gone had laid. Only where nobody lays anything now."""
        for path in self.room.iterdir():
            path.unlink()

    def path(self, sha256: str) -> Path:
        """Where the file with this hash is, or would be.

        Raises:
            Bug: ``sha256`` is not 64 hex digits, so it cannot have come from a hash.
        """
        if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
            raise Bug(
                "blob.key",
                Bilingual("文件键不是 SHA-256", "A blob key is not a SHA-256"),
                Bilingual("请报告此问题", "Please report this"),
            )
        return self.root / sha256[:2] / sha256[2:4] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the file is here."""
        return self.path(sha256).is_file()

    def link_file(self, source: Path, sha256: str) -> Path:
        """Take a file whose bytes are already on disk and synced; the caller vouches for its hash.

        A hard link where the file system allows one (no byte is copied), else a synced copy.
        """
        target = self._prepare(sha256)
        if not target.exists():
            try:
                os.link(source, target)
            except FileExistsError:
                return target
            except OSError:
                return self.copy_file(source, sha256)
            _sync_folder(target.parent)
        return target

    def link_files(self, sources: Sequence[tuple[Path, str]]) -> None:
        """:meth:`link_file` of many (source, sha256), synced all at once. A source that is gone is left out."""
        for source, sha256 in sources:
            target = self._place(sha256)
            try:
                os.link(source, target)
            except (FileExistsError, FileNotFoundError):
                continue
            except OSError:
                self.copy_file(source, sha256)
        if sources:
            _sync_all(self.root)

    def copy_file(self, source: Path, sha256: str) -> Path:
        """A synced copy of a file, for another disk or a backup that must not share its bytes."""
        target = self._prepare(sha256)
        with _temporary(target) as (handle, name):
            with source.open("rb") as original:
                shutil.copyfileobj(original, handle)
            handle.flush()
            os.fsync(handle.fileno())
            name.replace(target)
        _sync_folder(target.parent)
        return target

    def put_bytes(self, content: bytes) -> str:
        """Store small content (a preview); return its sha256."""
        sha256 = hashlib.sha256(content).hexdigest()
        target = self._prepare(sha256)
        if not target.exists():
            with _temporary(target) as (handle, name):
                handle.write(content)
                handle.flush()
                os.fsync(handle.fileno())
                name.replace(target)
            _sync_folder(target.parent)
        return sha256

    def put_many(self, contents: Sequence[bytes | Laid]) -> list[str]:
        """:meth:`put_bytes` of many, synced all at once: a tenth of the time that each for itself would take."""
        # Slices that were read together share a record: it is hashed once.
        names = {
            content: content.sha256 if isinstance(content, Laid) else hashlib.sha256(content).hexdigest()
            for content in dict.fromkeys(contents)
        }
        with contextlib.ExitStack() as undo:
            written: dict[str, Path] = {}
            for content, sha256 in names.items():
                is_here = self._is_wanted_again(sha256)
                if isinstance(content, Laid):
                    if is_here:
                        content.path.unlink(missing_ok=True)
                    else:
                        self._place(sha256)
                        written[sha256] = content.path
                elif not is_here:
                    handle, name = undo.enter_context(_temporary(self._place(sha256)))
                    handle.write(content)
                    handle.flush()
                    written[sha256] = name
            if written:
                # Nothing gets its name before its content is on the medium.
                _sync_all(self.root)
                for sha256, name in written.items():
                    name.replace(self.path(sha256))
                _sync_all(self.root)
        return [names[content] for content in contents]

    def remove(self, sha256: str) -> int:
        """Delete the file if it is here; return the bytes freed."""
        path = self.path(sha256)
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        return size

    def remove_unused(self, sha256: str, before: float) -> None:
        """Delete the file unless somebody put it, first or again, since ``before`` (seconds since 1970)."""
        with self._choosing, contextlib.suppress(FileNotFoundError):
            if self.path(sha256).stat().st_ctime < before:
                self.path(sha256).unlink()

    def _is_wanted_again(self, sha256: str) -> bool:
        """Whether the file is here; its time says from now on that it was just put."""
        with self._choosing:
            try:
                os.utime(self.path(sha256))
            except FileNotFoundError:
                return False
            return True

    def size(self, sha256: str) -> int:
        """Bytes of the file; 0 where it is not here."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            return 0

    def each(self) -> Iterator[Path]:
        """Every stored file."""
        return self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/" + "[0-9a-f]" * 64)

    def _place(self, sha256: str) -> Path:
        """The path, its folder made but not synced."""
        target = self.path(sha256)
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return target

    def _prepare(self, sha256: str) -> Path:
        target = self.path(sha256)
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(target.parent.parent)
            _sync_folder(self.root)
        return target


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[tempfile._TemporaryFileWrapper[bytes], Path]]:
    with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".tmp-", delete=False) as handle:
        name = Path(handle.name)
        try:
            yield handle, name
        finally:
            name.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_all(folder: Path) -> None:
    """syncfs(2): everything written to this file system so far, in one commit of its journal. Linux only."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
    finally:
        os.close(descriptor)
