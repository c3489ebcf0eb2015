"""The DICOM port as an input source."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from capture.arrival import Arrival
from capture.dicom.listener import Listener
from capture.dicom.options import ReadOptions
from capture.dicom.settings import DicomSettings
from capture.dicom.store import SOURCE
from capture.spool import Spool

if TYPE_CHECKING:
    from capture.acquisition import Acquisition


class DicomSource:
    """Receives by C-STORE.

    ``ready`` hears the port once the listener is bound; ``alive`` is called at least every half second;
    ``at`` hears ``listener.answered`` after each response.
    """

    name = SOURCE

    def __init__(
        self,
        settings: DicomSettings,
        options: ReadOptions | None = None,
        *,
        ready: Callable[[int], None] = lambda port: None,
        alive: Callable[[], None] = lambda: None,
        at: Callable[[str], None] = lambda step: None,
    ) -> None:
        self.settings = settings
        self._options = options or ReadOptions()
        self._ready, self._alive, self._at = ready, alive, at

    def run(self, spool: Spool, stop: threading.Event) -> None:
        """Listen until ``stop``. Raises Misuse ``listener.port`` or ``listener.tls``."""
        listener = Listener(self.settings, spool, alive=self._alive, at=self._at)
        self._ready(listener.port)
        listener.serve(stop)

    def read(self, arrival: Arrival, path: Path) -> Acquisition:
        """See :func:`capture.dicom.reader.read`."""
        from capture.dicom.reader import read  # loads numpy and decoders, which the receiving process never needs

        return read(path, arrival, self._options)
