"""What a compressed frame says of its own size, read before any decoder allocates memory for it."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_SOC_SIZ = b"\xff\x4f\xff\x51"
_START_OF_FRAME = frozenset((*range(0xC0, 0xD0), 0xF7)) - {0xC4, 0xC8, 0xCC}
"""SOF0..SOF15 without DHT, JPG and DAC; SOF55 is JPEG-LS (ITU-T T.81 table B.1, T.87)."""


@dataclass(frozen=True, slots=True)
class Size:
    """Declared size of a code stream."""

    rows: int
    columns: int
    components: int
    bits: int


def size_of(frame: bytes) -> Size | None:
    """Size of a JPEG, JPEG-LS, JPEG 2000 or HTJ2K code stream; None when it has no header that says."""
    if frame[:2] == b"\xff\xd8":
        return _jpeg(frame)
    at = 0 if frame[:4] == _SOC_SIZ else frame.find(_SOC_SIZ, 0, 4096)
    return None if at < 0 else _jpeg2000(frame, at + 4)


def _jpeg(frame: bytes) -> Size | None:
    at = 2
    while at + 10 <= len(frame) and frame[at] == 0xFF:
        marker = frame[at + 1]
        if marker == 0xFF:
            at += 1  # fill byte
            continue
        if marker in _START_OF_FRAME:
            bits, rows, columns, components = struct.unpack_from(">BHHB", frame, at + 4)
            return Size(rows, columns, components, bits)
        (length,) = struct.unpack_from(">H", frame, at + 2)
        at += 2 + length
    return None


def _jpeg2000(frame: bytes, at: int) -> Size | None:
    """SIZ marker segment, ITU-T T.800 A.5.1."""
    if at + 38 > len(frame):
        return None
    _, _, x1, y1, x0, y0, _, _, _, _, components = struct.unpack_from(">HH8IH", frame, at)
    return Size(y1 - y0, x1 - x0, components, (frame[at + 38] & 0x7F) + 1 if at + 38 < len(frame) else 0)
