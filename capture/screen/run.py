"""The loop of one screen: source, watchdog, anchors, events, reader, shot, spool. No database, no network."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from capture.screen.frame import FrameSource
from capture.screen.ocr.engine import Engines
from capture.spool import Spool


class ScreenSource:
    """An :class:`~capture.source.InputSource` that watches one screen and spools its shots as kind "frame"."""

    def __init__(
        self,
        name: str,
        folder: Path,
        make: Callable[[], FrameSource],
        engines: Engines,
        *,
        ready: Callable[[], None] = lambda: None,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        """``folder``: ``<data_dir>/screens``. ``name``: of the screen in the configuration."""
        raise NotImplementedError

    def run(self, spool: Spool, stop: threading.Event) -> None:
        """See :class:`~capture.source.InputSource`."""
        raise NotImplementedError
