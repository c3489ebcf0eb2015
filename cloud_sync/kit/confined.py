"""A process that allows itself little memory and time, and how whoever began it reads what ended it.

The kernel holds these limits, also inside a library that never comes back to Python.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import Literal

Limit = Literal["time", "memory", "crash"]

NO_MEMORY = 86
"""Exit status, for its parent, of a process that asked for more memory than it may have."""
_CRASHES = {-one for one in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)}


def die_with(parent: int) -> None:
    """End when the process does that began this one (PR_SET_PDEATHSIG, prctl(2))."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def confine(memory_mb: int) -> None:
    """No core on the disk, and from here on so much memory: what the libraries map is not the work's doing."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = mapped + (memory_mb << 20)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def allow(seconds: float) -> None:
    """So much processor time from here on; 0: any. Nobody handles SIGPROF: it ends the process, and says why."""
    signal.setitimer(signal.ITIMER_PROF, seconds)


def left() -> float:
    """What is left of the processor time that was allowed; 0: none was set."""
    return signal.getitimer(signal.ITIMER_PROF)[0]


def limit_of(code: int | None) -> Limit | None:
    """Which limit ended a process, by its exit status as :mod:`subprocess` gives it; None: none of them."""
    if code == -signal.SIGPROF:
        return "time"
    if code == NO_MEMORY:
        return "memory"
    return "crash" if code in _CRASHES else None
