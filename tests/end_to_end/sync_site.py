"""Boxes, a broker that forgets, and a centre, as processes; and the books that must balance in the end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.centre_process import Centre
from tests.peers import Child, Mosquitto, Warm, wait_until
from tests.simulated_box import STREAM, SimulatedOutbox, produced

Key = tuple[str, int]
"""Box and number."""


@dataclass(frozen=True, slots=True)
class Balance:
    """The oracles of fleet-sync.md 11. All empty: nothing lost, doubled or invented."""

    lost: frozenset[Key]
    doubled: frozenset[Key]
    invented: frozenset[Key]


INTACT = Balance(frozenset(), frozenset(), frozenset())


class SyncSite:
    """Use as a context. The broker keeps nothing on disk and ten messages a client; boxes are ``box-0``, ..."""

    def __init__(
        self, folder: Path, *, boxes: int = 1, every: float = 0.0, centre_mutant: str = "", box_mutant: str = ""
    ) -> None:
        """``every``: seconds between two results of a box; 0 for boxes that only send what they have."""
        self.folder = folder
        self.broker = Mosquitto(folder, queue=10)
        self.centre = Centre(folder, self.broker, mutant=centre_mutant)
        self.names = [f"box-{index}" for index in range(boxes)]
        self._every, self._mutant = every, box_mutant
        self.boxes = {name: self._box(name) for name in self.names}

    def _box(self, name: str, *die: str) -> Child:
        return Warm(
            "tests.simulated_box", "--folder", str(self.folder), "--box", name,
            "--port", str(self.broker.port),
            "--every", str(self._every), "--mutant", self._mutant, *die, log=self.folder / f"{name}.log",
        )  # fmt: skip

    def restart_box(self, name: str, die_at: str = "", die_after: int = 1) -> None:
        """Kill a box and start it again, perhaps to die at a crash point."""
        self.boxes[name].kill()
        self.boxes[name] = self._box(name, "--die-at", die_at, "--die-after", str(die_after))
        self.boxes[name].start()

    def stop_producing(self) -> None:
        """Start all boxes again, now only to send what they have; the centre and the broker, too."""
        self._every = 0.0
        if not self.broker.alive:
            self.broker.start()
        self.centre.stop()
        self.centre.start()
        for name in self.names:
            self.restart_box(name)

    def produced(self, name: str) -> set[int]:
        """Numbers that a box has ever made."""
        return produced(self.folder / f"{name}.db")

    def fill(self, name: str, count: int) -> None:
        """Results into the outbox of a box that does not run."""
        outbox = SimulatedOutbox(self.folder / f"{name}.db", name, synced=False)
        outbox.add(count)
        outbox.close()

    def waiting(self, name: str) -> int:
        """Rows that a box believes are not at the centre."""
        return self._count(name, "state = 'pending'")

    def tried(self, name: str) -> int:
        """Rows that a box has handed to the broker at least once."""
        return self._count(name, "attempts > 0")

    def _count(self, name: str, condition: str) -> int:
        path = self.folder / f"{name}.db"
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as base:
            return int(base.execute(f"select count(*) from outbox where {condition}").fetchone()[0])

    def at_the_centre(self) -> list[Key]:
        """What the centre has, each row, in the order it came."""
        if not self.centre.database.exists():
            return []
        with closing(sqlite3.connect(self.centre.database)) as base:
            return list(base.execute("select box, seq from event where stream = ? order by id", (STREAM,)))

    def settle(self, patience_s: float = 60.0) -> None:
        """Wait until every outbox believes that the centre has all."""
        wait_until(lambda: not any(map(self.waiting, self.names)), "all outboxes are empty", patience_s)

    def balance(self) -> Balance:
        """What the books say."""
        made = {(name, seq) for name in self.names for seq in self.produced(name)}
        there = self.at_the_centre()
        return Balance(
            frozenset(made - set(there)),
            frozenset(key for key in set(there) if there.count(key) > 1),
            frozenset(set(there) - made),
        )

    def __enter__(self) -> Self:
        self.broker.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in [*self.boxes.values(), self.broker]:
            child.resume()
            child.kill()
        self.centre.stop()
