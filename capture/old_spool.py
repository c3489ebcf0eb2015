"""The spool as it was before it had a journal, two files in ``new/`` for each entry: taken over at a start."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from capture.arrival import Arrival
from capture.disk import Disk
from capture.journal import Entry, Writer, encode, genuine

_ARRIVAL = TypeAdapter(Arrival)


def read_sidecar(path: Path) -> Arrival | None:
    """What an entry's file says; None when it cannot be read or contradicts itself. Raises FileNotFoundError."""
    try:
        arrival = _ARRIVAL.validate_json(path.read_bytes())
    except ValidationError:
        return None
    return arrival if arrival.id == path.stem and genuine(arrival) else None


@dataclass(frozen=True, slots=True)
class OldSpool:
    """Nothing is removed before the journal has it, so a crash at any step is mended by the next start."""

    folder: Path
    disk: Disk

    def take_over(self, objects: Path, aside: Path, journal: Writer) -> None:
        """Raises OSError. Entries that cannot be read go to ``aside``."""
        new, tmp = self.folder / "new", self.folder / "tmp"
        if not new.is_dir():
            return
        entries = list(self._entries(new, aside))
        for arrival in entries:
            with suppress(FileNotFoundError, FileExistsError):
                self.disk.link(new / f"{arrival.id}.bin", objects / arrival.id)
        self.disk.fsync_folder(objects)
        self.disk.fsync_folder(aside)
        for arrival in entries:
            journal.append(encode(Entry(arrival, arrival.id)))
        journal.sync()
        for arrival in entries:
            self.disk.unlink(new / f"{arrival.id}.json")
        for folder in (tmp, new):
            for path in folder.glob("*"):
                self.disk.unlink(path)
            with suppress(FileNotFoundError):
                folder.rmdir()

    def _entries(self, new: Path, aside: Path) -> Iterator[Arrival]:
        for sidecar in sorted(new.glob("*.json")):
            arrival = read_sidecar(sidecar)
            if arrival is not None:
                yield arrival
                continue
            for path in (sidecar, sidecar.with_suffix(".bin")):
                with suppress(FileNotFoundError, FileExistsError):
                    self.disk.link(path, aside / path.name)
