"""The DICOM port as an input source."""

from __future__ import annotations

import threading
from collections.abc import Callable

from capture.dicom.listener import Listener
from capture.dicom.settings import DicomSettings
from capture.dicom.telling import Relayed
from capture.spool import Spool


class DicomSource:
    """Receives by C-STORE.

    ``ready`` hears the port once the listener is bound; ``alive`` is called at least every half second;
    ``at`` hears ``listener.answered`` after each response. ``relayed``: what is answered Success because it is
    passed on.
    """

    def __init__(
        self,
        settings: DicomSettings,
        *,
        ready: Callable[[int], None] = lambda port: None,
        alive: Callable[[], None] = lambda: None,
        at: Callable[[str], None] = lambda step: None,
        relayed: Relayed = frozenset(),
    ) -> None:
        self.settings = settings
        self._ready, self._alive, self._at, self._relayed = ready, alive, at, relayed

    def run(self, spool: Spool, stop: threading.Event) -> None:
        """Listen until ``stop``. Raises Misuse ``listener.port`` or ``listener.tls``."""
        listener = Listener(self.settings, spool, alive=self._alive, at=self._at, relayed=self._relayed)
        self._ready(listener.port)
        listener.serve(stop)
