"""The files of a repository that may be handed out: two shapes of path, everything else is not there."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO

from cloud_sync.updates.disk import open_inside

_METADATA = re.compile(r"metadata/(?:[1-9][0-9]{0,8}\.)?[a-z]+(?:-[a-z]+)*\.json")
_TARGET = re.compile(r"targets/kb/[a-z]+/[a-z0-9]+(?:-[a-z0-9]+)*/[0-9a-f]{64}\.[1-9][0-9]{0,8}\.zip")


def take(folder: Path, path: str) -> tuple[BinaryIO, int]:
    """A file of the repository and its length in bytes. Raises FileNotFoundError for everything else."""
    if not (_METADATA.fullmatch(path) or _TARGET.fullmatch(path)):
        raise FileNotFoundError
    try:
        file = os.fdopen(open_inside(folder, path), "rb", buffering=0)
    except OSError:
        raise FileNotFoundError from None
    return file, os.fstat(file.fileno()).st_size
