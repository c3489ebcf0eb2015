"""Where one frame lies in the pixel data, and its samples: taken alone, after its size has been checked."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEGExtended12Bit,
    JPEGLSTransferSyntaxes,
    RLELossless,
)

from capture.dicom.bounded import Element, Source
from capture.dicom.codestream import size_of
from capture.dicom.decoders import PLUGINS, isolated, run_decoder, twelve_bit_jpeg
from capture.dicom.layout import CannotDecode, Layout
from capture.dicom.part10 import GE_PRIVATE_BIG_ENDIAN, known_syntax

DEFLATED_FRAME = "1.2.840.10008.1.2.8.1"
_END_OF_IMAGE = b"\xff\xd9"


def decode_frame(
    source: Source, pixel_data: Element, layout: Layout, syntax: str, frame: int, seconds: int
) -> NDArray[np.generic]:
    """Samples of one frame as stored: (rows, columns) or (rows, columns, samples), colour as RGB.

    Raises:
        CannotDecode: with the reason.
    """
    known = known_syntax(syntax)
    if pixel_data.undefined or (known is not None and known.is_encapsulated):
        return _decode_compressed(source, pixel_data, layout, syntax, frame, seconds)
    return _decode_native(source, pixel_data, layout, syntax, frame)


def _decode_native(
    source: Source, pixel_data: Element, layout: Layout, syntax: str, frame: int
) -> NDArray[np.generic]:
    first_bit = frame * layout.bits_per_frame
    start = pixel_data.start + first_bit // 8
    stop = pixel_data.start + (first_bit + layout.bits_per_frame + 7) // 8
    if stop > pixel_data.end:
        raise CannotDecode("truncated", f"{stop - pixel_data.end} bytes are missing")
    big = not source.little or syntax == GE_PRIVATE_BIG_ENDIAN
    view = memoryview(source.buffer)[start:stop]
    if big and layout.bits_allocated == 8 and pixel_data.vr == "OW":
        view = _swapped(source, pixel_data, start, stop)
    if layout.samples == 1 and layout.bits_allocated in (8, 16, 32, 64):
        return np.frombuffer(view, _dtype(layout, big)).reshape(layout.rows, layout.columns)
    if layout.bits_allocated == 1:
        if layout.samples != 1:
            raise CannotDecode("inconsistent", "one bit, several samples")
        skip = first_bit % 8
        bits = np.unpackbits(np.frombuffer(view, np.uint8), bitorder="little")
        return bits[skip : skip + layout.rows * layout.columns].reshape(layout.rows, layout.columns)
    try:
        return run_decoder(ExplicitVRBigEndian if big else ExplicitVRLittleEndian, bytes(view), layout)
    except (ValueError, TypeError, NotImplementedError) as error:
        raise CannotDecode("inconsistent", type(error).__name__) from None


def _swapped(source: Source, pixel_data: Element, start: int, stop: int) -> memoryview:
    """8-bit samples out of big endian words (PS3.5 A.3): a frame may begin and end in the middle of a word."""
    skip = (start - pixel_data.start) % 2
    words = memoryview(source.buffer)[start - skip : stop + (stop - pixel_data.start) % 2]
    if len(words) % 2:
        raise CannotDecode("truncated", "1 byte is missing")
    return np.frombuffer(words, "u2").byteswap().view(np.uint8).data[skip : skip + stop - start]


def _dtype(layout: Layout, big: bool) -> np.dtype[np.generic]:
    integer = "i" if layout.signed else "u"
    kind = integer if layout.keyword == "PixelData" else "f"
    return np.dtype(f"{'>' if big else '<'}{kind}{layout.bits_allocated // 8}")


def _decode_compressed(
    source: Source, pixel_data: Element, layout: Layout, syntax: str, frame: int, seconds: int
) -> NDArray[np.generic]:
    if syntax not in PLUGINS and syntax != DEFLATED_FRAME:
        known = known_syntax(syntax)
        native = known is not None and not known.is_encapsulated
        raise CannotDecode("inconsistent" if native else "no_decoder", known.name if known else "unknown syntax")
    encoded = _compressed_frame(source, pixel_data, layout.frames, frame)
    if not encoded:
        raise CannotDecode("truncated" if pixel_data.truncated else "inconsistent", "the frame is empty")
    if syntax == DEFLATED_FRAME:
        return _inflated(encoded, layout)
    if syntax != RLELossless and _bits_of(encoded, layout) > 8 and syntax == JPEGExtended12Bit:
        if layout.samples != 1 or layout.bits_allocated != 16:
            raise CannotDecode("no_decoder", "12-bit JPEG in colour")
        return isolated(lambda: twelve_bit_jpeg(encoded, layout), layout, seconds)
    if syntax in JPEGLSTransferSyntaxes and _END_OF_IMAGE not in encoded[-16:]:
        encoded += _END_OF_IMAGE  # without it CharLS reads on behind the buffer, for seconds
    return isolated(lambda: run_decoder(syntax, encapsulate([encoded], has_bot=False), layout), layout, seconds)


def _bits_of(encoded: bytes, layout: Layout) -> int:
    """Bits a sample in the code stream, whose size must be that of the header.

    Decoders allocate by what the code stream says: a few bytes could ask for gigabytes.
    """
    size = size_of(encoded)
    if size is None:
        raise CannotDecode("decode_failed", "no code stream header")
    if (size.rows, size.columns, size.components) != (layout.rows, layout.columns, layout.samples):
        raise CannotDecode("inconsistent", "the code stream has another size than the header says")
    return size.bits


def _inflated(encoded: bytes, layout: Layout) -> NDArray[np.generic]:
    """Deflated Image Frame Compression (PS3.5 A.4.12): one deflate stream a frame."""
    expected = (layout.bits_per_frame + 7) // 8
    try:
        whole = zlib.decompressobj(-zlib.MAX_WBITS).decompress(encoded, expected)
    except zlib.error:
        raise CannotDecode("decode_failed", "deflate") from None
    one = replace(layout, frames=1)
    source = Source(whole, len(whole))
    return _decode_native(source, Element(0x7FE00010, "OB", 0, len(whole), False, False), one, "", 0)


def _compressed_frame(source: Source, pixel_data: Element, frames: int, frame: int) -> bytes:
    """The bytes of one frame, its fragments joined (PS3.5 A.4)."""
    table, *fragments = source.fragments(pixel_data) or [(0, 0)]
    if not fragments:
        return b""
    if frames == 1:
        chosen = fragments
    elif len(fragments) == frames:
        chosen = fragments[frame : frame + 1]
    else:
        chosen = _by_offset(source, table, fragments, frames, frame) or _by_start(source, fragments, frame)
    return b"".join(bytes(source.buffer[start:end]) for start, end in chosen)


def _by_offset(
    source: Source, table: tuple[int, int], fragments: list[tuple[int, int]], frames: int, frame: int
) -> list[tuple[int, int]]:
    """Fragments of a frame by the basic offset table; [] when there is none that fits."""
    if table[1] - table[0] != 4 * frames:
        return []
    offsets = [*struct.unpack_from(f"<{frames}I", source.buffer, table[0]), 1 << 33]
    origin = fragments[0][0] - 8
    return [f for f in fragments if offsets[frame] <= f[0] - 8 - origin < offsets[frame + 1]]


def _by_start(source: Source, fragments: list[tuple[int, int]], frame: int) -> list[tuple[int, int]]:
    """Fragments of a frame, told by the start-of-image marker that opens each frame."""
    begins = [
        i for i, (start, _) in enumerate(fragments) if source.buffer[start : start + 2] in (b"\xff\xd8", b"\xffO")
    ]
    if frame >= len(begins):
        return []
    end = begins[frame + 1] if frame + 1 < len(begins) else len(fragments)
    return fragments[begins[frame] : end]
