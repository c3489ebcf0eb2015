"""The repository in a folder: a USB stick, or a mirror in the hospital's network."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path

from tuf.api.exceptions import DownloadError, DownloadHTTPError

from cloud_sync.updates.disk import open_inside
from cloud_sync.updates.fetcher import Fetcher

_PIECE = 1 << 18


class FromFolder(Fetcher):
    """``folder`` holds ``metadata/`` and ``targets/``. No link in it is followed, out of it or within."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def pieces(self, path: str, offset: int) -> Iterator[bytes]:
        """See Fetcher."""
        try:
            descriptor = open_inside(self._folder, path)
        except FileNotFoundError:
            raise DownloadHTTPError("no such file", 404) from None
        except OSError as error:
            raise _failed(error) from None
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            file.seek(offset)
            while piece := _read(file):
                yield piece


def _read(file: RawIOBase) -> bytes:
    try:
        return file.read(_PIECE) or b""
    except OSError as error:
        raise _failed(error) from None


def _failed(error: OSError) -> DownloadError:
    """A link where none may be, a stick that was pulled out."""
    return DownloadError(errno.errorcode.get(error.errno or 0, type(error).__name__))
