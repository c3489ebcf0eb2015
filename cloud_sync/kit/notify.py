"""sd_notify: tells systemd that this process is ready, alive or stopping.

Written by hand as systemd advises (sd_notify(3), "Notes"): a datagram to a socket, no library needed.
"""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send e.g. ``READY=1`` or ``WATCHDOG=1``, if systemd asked to be told."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
        channel.connect(address)
        channel.send(state.encode())


def watchdog_interval_s() -> float | None:
    """Half of what systemd waits for a sign of life, in seconds; None when it does not watch this process."""
    wanted = os.environ.get("WATCHDOG_USEC", "")
    meant = os.environ.get("WATCHDOG_PID", str(os.getpid()))
    return int(wanted) / 2_000_000 if wanted.isdecimal() and meant == str(os.getpid()) else None
