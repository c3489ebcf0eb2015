"""Programs of the tests that begin in milliseconds: forks of a process that has their modules already.

A centre imports for two seconds of processor time, and the tests that kill it start it a hundred times. All that
one life has of another is modules, and what MODULE's ``READ_ONCE`` reads, once in any process: nothing is
configured, opened or started before the fork. What they are, how they are killed and how they end is as of any
process.

``python -m tests.nursery FD MODULE`` is that process. It imports MODULE and answers on FD: to (log, arguments) it
begins one more ``MODULE.main(arguments)`` and says its number; to a number it says how that one ended, if it has.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


class Life:
    """One process of a nursery, with as much of ``subprocess.Popen`` as its user needs."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self._nursery = nursery
        self._ended: int | None = None

    def poll(self) -> int | None:
        """How it ended, as ``Popen.returncode``; None while it lives."""
        if self._ended is None:
            self._ended = self._nursery.ask(self.pid)
        return self._ended

    def send_signal(self, number: int) -> None:
        """Send it a signal, if it lives: its number is its own until somebody has asked how it ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9."""
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while (ended := self.poll()) is None:
            if end is not None and time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            time.sleep(0.002)
        return ended


class Nursery:
    """Lives of one module's ``main``."""

    def __init__(self, module: str) -> None:
        self._lock = threading.Lock()
        self._end, theirs = Pipe()
        argv = [sys.executable, "-m", "tests.nursery", str(theirs.fileno()), module]
        self._process = subprocess.Popen(argv, cwd=ROOT, pass_fds=[theirs.fileno()])
        theirs.close()
        atexit.register(self._close)

    def ask(self, request: object) -> Any:
        """See the module."""
        with self._lock:
            self._end.send(request)
            return self._end.recv()

    def begin(self, arguments: Sequence[str], log: Path) -> Life:
        """One more life; what it writes is added to ``log``."""
        return Life(self, self.ask((str(log), list(arguments))))

    def _close(self) -> None:
        self._end.close()
        self._process.wait()


_NURSERIES: dict[str, Nursery] = {}


def begin(module: str, arguments: Sequence[str], log: Path) -> Life:
    """``python -m MODULE ARGUMENTS``, quickly from the second time on."""
    if module not in _NURSERIES:
        _NURSERIES[module] = Nursery(module)
    return _NURSERIES[module].begin(arguments, log)


def main(connection: Connection[Any, Any], module: str) -> None:
    """Answer until nobody asks any more; in a new life, be the program."""
    program = importlib.import_module(module)
    for read in program.READ_ONCE:
        read()
    while True:
        try:
            request = connection.recv()
        except EOFError:
            return
        if isinstance(request, int):
            pid, status = os.waitpid(request, os.WNOHANG)
            connection.send(os.waitstatus_to_exitcode(status) if pid else None)
            continue
        if child := os.fork():
            connection.send(child)
            continue
        connection.close()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody outlives a test run that is killed
        log, arguments = request
        out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.close(out)
        program.main(arguments)
        return


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])), sys.argv[2])
