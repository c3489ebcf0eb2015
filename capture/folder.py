"""A watched folder: USB sticks, network shares, devices that can only export files.

It is polled, because network shares do not announce changes. File names may hold patients' names: none is logged.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import structlog
from pydantic import BaseModel, ConfigDict, Field

from capture.disk import low
from capture.errors import Misuse, Retry
from capture.spool import Spool
from capture.text import Bilingual

log = structlog.get_logger()
SOURCE = "folder"
TAKEN, REFUSED = "taken", "refused"
_CHUNK = 1 << 20
_HEAD = 1024

NOT_DICOM = Bilingual("不是 DICOM 文件", "Not a DICOM file")
DICOMDIR = Bilingual(
    "DICOMDIR 只是目录，影像文件会单独接收", "A DICOMDIR is only an index; the objects are taken one by one"
)


class FolderSettings(BaseModel):
    """The watched folder."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path | None = Field(None, title="Folder", description="What to watch, subfolders too; unset: nothing.")
    label: str = Field(
        "folder", title="Label", description="Name of the source of its objects, shown on the console."
    )
    poll_s: float = Field(2.0, gt=0, title="Poll", description="Seconds between two looks.")
    still_s: float = Field(
        5.0, ge=0, title="Stillness", description="Seconds for which size and time of a file must not change."
    )
    after: Literal["move", "delete"] = Field(
        "move", title="Afterwards", description="Taken files are moved to taken/ in the folder, or deleted."
    )


@dataclass(slots=True)
class _Look:
    """What a file looked like, and since when. ``done``: dealt with, though it could not be moved away."""

    size: int
    mtime_ns: int
    since: float
    done: bool = False


class _Changed(Exception):
    """The file is still being written."""


class FolderSource:
    """Takes what has come to rest.

    ``ready`` is called before the first look, ``alive`` before each file; ``clock`` counts seconds, never back.
    """

    def __init__(
        self,
        settings: FolderSettings,
        *,
        ready: Callable[[], None] = lambda: None,
        alive: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self._ready, self._alive, self._clock = ready, alive, clock
        self._looks: dict[Path, _Look] = {}
        self._reachable = True

    def run(self, spool: Spool, stop: threading.Event) -> None:
        """Poll until ``stop``. Raises Misuse ``folder.unset``. A share that is away is waited for."""
        if self.settings.path is None:
            raise Misuse(
                "folder.unset",
                Bilingual("没有配置监视文件夹", "No folder to watch is configured"),
                Bilingual("在配置中设置 folder.path", "Set folder.path in the configuration"),
            )
        self._ready()
        log.info("process.started")
        while not stop.is_set():
            self.look(spool, self.settings.path, stop)
            stop.wait(self.settings.poll_s)
        log.info("process.stopping")

    def look(self, spool: Spool, root: Path, stop: threading.Event) -> None:
        """One look through the folder; what has been still long enough is taken or refused."""
        self._alive()
        try:
            found = dict(_files(root))
        except OSError:
            self._say_reachable(False)
            return
        self._say_reachable(True)
        now = self._clock()
        before, self._looks = self._looks, {}
        for path, state in found.items():
            last = before.get(path)
            same = last is not None and (last.size, last.mtime_ns) == (state.st_size, state.st_mtime_ns)
            self._looks[path] = last if last and same else _Look(state.st_size, state.st_mtime_ns, now)
        for path, look in self._looks.items():
            self._alive()
            if stop.is_set():
                return
            if (
                not look.done
                and now - look.since >= self.settings.still_s
                and not self._deal_with(spool, root, path, look)
            ):
                return

    def _deal_with(self, spool: Spool, root: Path, path: Path, look: _Look) -> bool:
        """False when the spool has no room: the rest waits for the next look."""
        try:
            reason = self._take(spool, root, path, look)
        except Retry as retry:
            log.error("spool.low", code=retry.code)
            return False
        except (OSError, _Changed):  # gone, unreadable just now, or still growing: seen again at the next look
            look.since = self._clock()
            return True
        look.done = True
        if reason is not None:
            log.warning("file.refused", reason=reason.en)
        try:
            self._put_away(root, path, reason)
        except OSError:  # a read-only stick: what was taken is remembered while this process lives
            self._say_unmovable()
        return True

    def _take(self, spool: Spool, root: Path, path: Path, look: _Look) -> Bilingual | None:
        """Copy into the spool; or the reason why not. Raises Retry, OSError, _Changed."""
        with _open_regular(path) as file:
            reason = refusal(path.name, file.read(_HEAD))
            if reason is not None:
                return reason
            if not spool.has_room(look.size):
                raise low()
            file.seek(0)
            with spool.receive(kind="dicom", source=SOURCE, peer=self.settings.label) as incoming:
                while chunk := file.read(_CHUNK):
                    self._alive()  # a large file on a slow stick takes longer than a watchdog waits
                    incoming.write(chunk)
                state = os.fstat(file.fileno())
                if (incoming.size, state.st_mtime_ns) != (look.size, look.mtime_ns):
                    raise _Changed
                arrival = incoming.commit(time.time_ns() // 1_000_000)
        log.info("file.taken", case=arrival.id, bytes=arrival.size)
        return None

    def _put_away(self, root: Path, path: Path, reason: Bilingual | None) -> None:
        if reason is None and self.settings.after == "delete":
            path.unlink()
            return
        target = _free_name(root / (TAKEN if reason is None else REFUSED) / path.relative_to(root))
        if not target.parent.resolve().is_relative_to(root.resolve()):
            raise OSError("a link leads out of the watched folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        if reason is not None:
            # Exclusively: whoever may write here must not make us write through a link.
            with _free_name(target.with_name(target.name + ".reason.txt")).open("x", encoding="utf-8") as said:
                said.write(f"{reason.zh}\n{reason.en}\n")
        path.rename(target)

    def _say_reachable(self, reachable: bool) -> None:
        if reachable != self._reachable:
            self._reachable = reachable
            if reachable:
                log.info("folder.reached")
            else:
                log.error("folder.unreachable")

    def _say_unmovable(self) -> None:
        log.warning("file.refused", reason="folder.read_only")


def refusal(name: str, head: bytes) -> Bilingual | None:
    """Why a file with this beginning is not taken; None for a DICOM object, with or without a preamble."""
    is_part10 = head[128:132] == b"DICM"
    if name.upper() == "DICOMDIR" or (is_part10 and b"\x02\x00\x02\x00UI\x14\x001.2.840.10008.1.3.10" in head):
        return DICOMDIR
    return None if is_part10 or _bare_data_set(head) else NOT_DICOM


def _bare_data_set(head: bytes) -> bool:
    """Whether it begins with an element of group 0002 or 0008, as files of old devices do."""
    if len(head) < 12 or head[:2] not in (b"\x02\x00", b"\x08\x00", b"\x00\x08"):
        return False
    has_vr = head[4:6].isalpha() and head[4:6].isupper()
    return has_vr or (head[0] != 0 and int.from_bytes(head[4:8], "little") < 256)


def _files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files below ``root`` with something in them; links and special files are not followed or opened."""
    folders = [root]
    while folders:
        folder = folders.pop()
        try:
            entries = list(os.scandir(folder))
        except OSError:
            if folder == root:
                raise
            continue  # gone meanwhile, or not for us, as lost+found on a stick: no reason to leave the others
        for entry in entries:
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if path.parent != root or entry.name not in (TAKEN, REFUSED):
                    folders.append(path)
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):
                    state = entry.stat(follow_symlinks=False)
                    if state.st_size:
                        yield path, state


def _open_regular(path: Path) -> BinaryIO:
    """Raises OSError when it became a link or a special file since it was seen."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError("not a regular file")
    return os.fdopen(descriptor, "rb")


def _free_name(path: Path) -> Path:
    """``path``, or the first of path.1, path.2, ... that does not exist. A link that leads nowhere exists."""
    tried, number = path, 0
    while os.path.lexists(tried):
        number += 1
        tried = path.with_name(f"{path.name}.{number}")
    return tried
