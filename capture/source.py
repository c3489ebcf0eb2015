"""An input source: anything that puts objects into the spool and can read them again later."""

from __future__ import annotations

import threading
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from capture.arrival import Arrival
from capture.spool import Spool

if TYPE_CHECKING:  # a receiver must stay small: it never loads what reading needs
    from capture.acquisition import Acquisition

GROUP = "qcbox.sources"


class InputSource(Protocol):
    """What a source offers. ``name`` is the ``source`` of its arrivals and its key among the entry points."""

    name: str

    @property
    def settings(self) -> BaseModel:
        """Its section of the configuration."""
        ...

    def run(self, spool: Spool, stop: threading.Event) -> None:
        """Receive until ``stop`` is set. Raises Misuse when it cannot begin."""
        ...

    def read(self, arrival: Arrival, path: Path) -> Acquisition:
        """Bytes to values, in a worker process. Raises SetAside when there is nothing to read."""
        ...


def installed() -> dict[str, EntryPoint]:
    """Every source by name; ``load()`` gives its class."""
    return {entry.name: entry for entry in entry_points(group=GROUP)}
