"""A release's file, piece by piece: gone on with after a break, believed only when it is whole and as signed."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from tuf.api.exceptions import DownloadError

from cloud_sync.updates.disk import sync_folder
from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.listing import stored_path
from cloud_sync.updates.refusals import untrusted
from cloud_sync.updates.terms import Target, Untrusted


def fetch_target(target: Target, fetcher: Fetcher, out: Path) -> None:
    """Bring the file to ``out``. Raises Untrusted: see ``Trust.fetch``."""
    part = out.with_name(out.name + ".part")
    part.parent.mkdir(parents=True, exist_ok=True)
    asked = f"targets/{stored_path(target)}"
    with part.open("ab") as file:
        _alone(file)
        have = file.tell()
        try:
            if have < target.length:
                for piece in fetcher.paced(asked, have):
                    have += len(piece)
                    if have > target.length:
                        break
                    file.write(piece)
        except DownloadError as error:
            raise untrusted(error, asked) from error
        finally:
            file.flush()
            os.fsync(file.fileno())
        _judge(target, part, have)
        part.replace(out)
    sync_folder(out.parent)


def _alone(file: BinaryIO) -> None:
    """Agent and timer may want the same release at once."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Untrusted("download", "another process is at it") from None


def _judge(target: Target, part: Path, have: int) -> None:
    if have < target.length:
        raise Untrusted("download", f"{have} of {target.length} bytes")
    code = "length" if have > target.length else "hash" if _sha256(part) != target.sha256 else ""
    if code:
        part.unlink()
        raise Untrusted(code, target.path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
