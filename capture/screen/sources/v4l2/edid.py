"""The EDID we give to a capture card that has none of its own: one mode, so that the console has no choice.

128 bytes after VESA E-EDID A2, without a CTA extension: to the console we are a DVI monitor, which is sent full
range RGB, and no sound.
"""

from __future__ import annotations

_HEADER = bytes.fromhex("00ffffffffffff00")
_MAKER = bytes.fromhex("44 63 01 00 01 00 00 00 01 23 01 03")
"""Maker "QCC" (not registered), product 1, serial 1, week 1 of 2025, EDID 1.3."""
_SCREEN = bytes.fromhex("80 35 1e 78 02")
"""Digital; 53 x 30 cm; gamma 2.2; the first detailed timing is the preferred one, no standby."""
_SRGB = bytes.fromhex("ee 91 a3 54 4c 99 26 0f 50 54")
_NO_OTHER_TIMINGS = bytes.fromhex("00 00 00" + "01 01" * 8)
_1080P60 = bytes.fromhex("02 3a 80 18 71 38 2d 40 58 2c 45 00 13 2b 21 00 00 1e")
"""CTA-861 VIC 16: 148.5 MHz, 1920 + 280, 1080 + 45, both syncs positive."""
_NAME = b"\x00\x00\x00\xfc\x00qcbox\n       "
_RANGE = bytes.fromhex("00 00 00 fd 00 3b 3d 42 44 0f 00 0a 20 20 20 20 20 20")
"""59 to 61 Hz, 66 to 68 kHz, 150 MHz."""
_UNUSED = bytes.fromhex("00 00 00 10 00" + "00" * 13)


def one_mode() -> bytes:
    """1920 x 1080 at 60 Hz, progressive, and nothing else."""
    block = _HEADER + _MAKER + _SCREEN + _SRGB + _NO_OTHER_TIMINGS + _1080P60 + _NAME + _RANGE + _UNUSED + b"\0"
    return block + bytes([-sum(block) % 256])
