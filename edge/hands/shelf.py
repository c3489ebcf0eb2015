"""Shelf: the sequences of a box, ``<data_dir>/hands/sequences/<id>.json``. Their patches may show a patient."""

from __future__ import annotations

from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual
from edge.hands.sequence import Sequence, load


class Shelf:
    """Sequences on disk, for their owner only."""

    def __init__(self, folder: Path) -> None:
        """``folder``: ``<data_dir>/hands``, where the journals of runs are, too."""
        self._folder = folder / "sequences"

    def all(self) -> tuple[Sequence, ...]:
        """Sorted by id; what a person put there and is none is passed over."""
        found = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                found.append(load(path.read_bytes()))
            except (OSError, Misuse):
                continue
        return tuple(found)

    def get(self, id: str) -> Sequence:
        """Raises Misuse ``hands.unknown``."""
        found = next((one for one in self.all() if one.id == id), None)
        if found is None:
            raise Misuse(
                "hands.unknown",
                Bilingual(f"没有操作序列 {id}", f"There is no sequence {id}"),
                Bilingual("先导入录制的文件", "Import the file that was recorded"),
            )
        return found

    def put(self, content: bytes) -> Sequence:
        """Keep a recorded file; one of the same id is replaced. Raises Misuse ``hands.sequence``, OSError."""
        sequence = load(content)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = self._folder / f".{sequence.id}.tmp"
        written.touch(mode=0o600)
        written.write_bytes(content)
        written.replace(self._folder / f"{sequence.id}.json")
        return sequence

    def remove(self, id: str) -> None:
        """Twice is harmless."""
        for path in self._folder.glob("*.json"):
            if path.stem == id:
                path.unlink(missing_ok=True)
