"""Runs the receiver for crash tests: ``python -m tests.listener_process FOLDER PORT [STEP COUNT [PROCESSES]]``.

It kills itself (SIGKILL) when ``STEP`` of the durability path is reached for the ``COUNT``-th time.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from capture.dicom.settings import DicomSettings
from capture.spool import SpoolSettings
from edge.commands.listen import run_listener
from edge.commands.receiver import stop_on_signals


def main(folder: str, port: str, step: str = "", count: str = "0", processes: str = "1") -> None:
    """Listen on loopback, open to all."""
    left = int(count)

    def at(reached: str) -> None:
        nonlocal left
        if reached == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    settings = DicomSettings(open=True, host="127.0.0.1", port=int(port), processes=int(processes))
    run_listener(
        Path(folder), SpoolSettings(min_free_mb=1, written_ahead=2), settings, stop=stop_on_signals(), at=at
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
