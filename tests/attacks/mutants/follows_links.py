"""A folder whose links are followed, wherever they lead."""

from __future__ import annotations

import os
from pathlib import Path

from cloud_sync.central.serving import shelf
from cloud_sync.updates import from_folder


def mutate() -> None:
    """Open by name."""

    def open_inside(folder: Path, path: str) -> int:
        return os.open(folder / path, os.O_RDONLY)

    from_folder.open_inside = shelf.open_inside = open_inside  # type: ignore[attr-defined]  # that is the mutation
