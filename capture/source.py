"""An input source: anything that puts objects into the spool. Who reads them later goes by the arrival's kind."""

from __future__ import annotations

import threading
from typing import Protocol

from capture.spool import Spool


class InputSource(Protocol):
    """Runs in a process of its own, which must stay up when all else is down."""

    def run(self, spool: Spool, stop: threading.Event) -> None:
        """Receive until ``stop`` is set. Raises Misuse when it cannot begin."""
