"""The one way the appliance reads the time of day."""

from __future__ import annotations

import time


def now_ms() -> int:
    """UTC milliseconds, as every table and message has them."""
    return time.time_ns() // 1_000_000
