"""The number on this machine's type plate, as its firmware tells it."""

from __future__ import annotations

from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual

PLACES = (
    Path("/sys/class/dmi/id/product_serial"),
    Path("/sys/class/dmi/id/board_serial"),
    Path("/proc/device-tree/serial-number"),
)
"""PCs (readable by root only), and boards with a device tree."""
_EMPTY = {"", "0", "none", "default string", "to be filled by o.e.m.", "system serial number", "not specified"}
"""What makers of boards leave in when they fill in nothing."""


def serial(places: tuple[Path, ...] = PLACES) -> str:
    """The first that says something.

    Raises:
        Misuse: none does.
    """
    for place in places:
        try:
            said = place.read_bytes().decode("ascii", "ignore").strip(" \0\r\n\t")
        except OSError:
            continue
        if said.lower() not in _EMPTY:
            return said
    raise Misuse(
        "enrol.plate",
        Bilingual("读不到本机序列号", "This machine does not tell its serial number"),
        Bilingual(
            "用 root 运行，或用 --serial 给出铭牌上的号码",
            "Run it as root, or give the number on the plate: --serial",
        ),
    )
