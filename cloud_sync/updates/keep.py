"""The metadata that a box believes, as one file: a power cut leaves the old set or the new one, never a mixture.

Two sets: ``whole``, the last one that could be followed from the root to the releases, which is what content is
judged by; and ``seen``, everything that was verified on the way to the next one. An update that is cut short, or
cut off by an attacker, must not be forgotten: a newer root has perhaps taken a stolen key away.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cloud_sync.updates.disk import write_whole
from cloud_sync.updates.terms import Untrusted


@dataclass(frozen=True, slots=True)
class Kept:
    """File name to content, names as TUF's clients use them; roots as ``<version>.root.json``."""

    whole: Mapping[str, bytes] = field(default_factory=dict)
    seen: Mapping[str, bytes] = field(default_factory=dict)


class Keep:
    """The sets on disk. Any process reads; one at a time writes."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / "metadata.json"

    def read(self) -> Kept:
        """What is kept; nothing before the first update. Raises Untrusted ``metadata`` when it cannot be read."""
        try:
            stored = json.loads(self._path.read_bytes())
            return Kept(_files(stored["whole"]), _files(stored["seen"]))
        except FileNotFoundError:
            return Kept()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Untrusted("metadata", f"{self._path.name}: {type(error).__name__}") from None

    def write(self, kept: Kept) -> None:
        """Replace both sets; on disk on return."""
        sets = {"whole": kept.whole, "seen": kept.seen}
        text = {name: {file: content.decode() for file, content in files.items()} for name, files in sets.items()}
        write_whole(self._path, json.dumps(text).encode())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else updates meanwhile: waits for another process that does."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def bench(self, seen: Mapping[str, bytes]) -> Iterator[Path]:
        """A folder as TUF's Updater wants it, with the files that were seen; gone afterwards."""
        folder = self._folder / "bench"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / _ROOTS).mkdir(parents=True)
        for name, content in seen.items():
            (folder / _ROOTS / name if _is_root(name) else folder / name).write_bytes(content)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


_ROOTS = "root_history"


def on(bench: Path) -> dict[str, bytes]:
    """What lies in such a folder now."""
    files = [*bench.glob("*.json"), *(bench / _ROOTS).glob("*.json")]
    return {path.name: path.read_bytes() for path in sorted(files) if not path.is_symlink()}


def _is_root(name: str) -> bool:
    return name.endswith(".root.json")


def _files(stored: Mapping[str, str]) -> dict[str, bytes]:
    return {name: content.encode() for name, content in stored.items() if "/" not in name}
