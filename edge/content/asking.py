"""Wishes of a command line for the agent, which alone may write: small files that it takes up within seconds."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Ask:
    """One wish."""

    do: Literal["roll_back", "fetch"]
    name: str = ""
    """Of the content."""
    folder: str = ""
    """A repository to fetch from; empty: by the ways of the settings."""
    reason: str = ""
    who: str = ""
    """Account of the operating system."""


def ask(folder: Path, wish: Ask) -> None:
    """Leave a wish."""
    asks = folder / "asks"
    asks.mkdir(parents=True, exist_ok=True)
    name = f"{time.time_ns():020d}-{os.getpid()}"
    new = asks / f"{name}.new"
    new.write_text(json.dumps(asdict(wish)), encoding="utf-8")
    new.rename(asks / f"{name}.json")


def asked(folder: Path) -> Iterator[tuple[Path, Ask]]:
    """What is wished for, oldest first; each is to be unlinked once it was seen to."""
    for path in sorted((folder / "asks").glob("*.json")):
        wish = _read(path)
        if wish is None:
            with contextlib.suppress(OSError):
                path.unlink()
        else:
            yield path, wish


def _read(path: Path) -> Ask | None:
    try:
        return Ask(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
