"""The one way the appliance reads the time of day."""

from __future__ import annotations

import ctypes
import time

_TIME_ERROR = 5


def now_ms() -> int:
    """UTC milliseconds, as every table and message has them."""
    return time.time_ns() // 1_000_000


def synced() -> bool | None:
    """Whether the kernel's clock is disciplined (adjtimex(2) with no mode set); None where it cannot be asked."""
    state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))
    return None if state < 0 else state != _TIME_ERROR
