"""Where one frame lies in the pixel data, and its samples: decoded alone, after its size has been checked."""

from __future__ import annotations

import logging
import struct
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, RLELossless

from capture.acquisition import NoPixels
from capture.dicom.bounded import Element, Source
from capture.dicom.codestream import size_of
from capture.dicom.part10 import GE_PRIVATE_BIG_ENDIAN

for _name in ("pydicom", "pylibjpeg", "openjpeg", "rle", "jpeg_ls"):
    # Their messages quote values of the object; what went wrong is told by our own codes.
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


class CannotDecode(Exception):
    """Carries the NoPixels to give."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.no_pixels = NoPixels(code, detail)


@dataclass(frozen=True, slots=True)
class Layout:
    """The Image Pixel module, complete and consistent."""

    rows: int
    columns: int
    frames: int
    samples: int
    photometric: str
    bits_allocated: int
    bits_stored: int
    signed: bool
    planar: int
    keyword: str
    """PixelData, FloatPixelData or DoubleFloatPixelData."""

    @property
    def bits_per_frame(self) -> int:
        """Bits of one frame when not compressed. YBR_FULL_422 has two samples a pixel."""
        samples = 2 if self.photometric == "YBR_FULL_422" else self.samples
        return self.rows * self.columns * samples * self.bits_allocated

    def options(self) -> dict[str, object]:
        """As pydicom's decoders want it, for one frame."""
        options: dict[str, object] = {
            "rows": self.rows,
            "columns": self.columns,
            "number_of_frames": 1,
            "samples_per_pixel": self.samples,
            "photometric_interpretation": self.photometric,
            "bits_allocated": self.bits_allocated,
            "bits_stored": self.bits_stored,
            "pixel_representation": int(self.signed),
            "pixel_keyword": self.keyword,
        }
        if self.samples > 1:
            options["planar_configuration"] = self.planar
        return options


def decode_frame(
    source: Source, pixel_data: Element, layout: Layout, syntax: str, frame: int
) -> NDArray[np.generic]:
    """Samples of one frame as stored: (rows, columns) or (rows, columns, samples), colour as RGB.

    Raises:
        CannotDecode: with the reason.
    """
    if pixel_data.undefined or UID(syntax).is_encapsulated:
        return _decode_compressed(source, pixel_data, layout, syntax, frame)
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
    if layout.samples == 1 and layout.bits_allocated in (8, 16, 32, 64):
        return np.frombuffer(view, _dtype(layout, big)).reshape(layout.rows, layout.columns)
    if layout.bits_allocated == 1:
        if layout.samples != 1:
            raise CannotDecode("inconsistent", "one bit, several samples")
        skip = first_bit % 8
        bits = np.unpackbits(np.frombuffer(view, np.uint8), bitorder="little")
        return bits[skip : skip + layout.rows * layout.columns].reshape(layout.rows, layout.columns)
    if big and layout.bits_allocated == 8 and pixel_data.vr == "OW":
        view = memoryview(np.frombuffer(view[: len(view) // 2 * 2], "u2").byteswap().tobytes())
    return _run(ExplicitVRBigEndian if big else ExplicitVRLittleEndian, bytes(view), layout)


def _dtype(layout: Layout, big: bool) -> np.dtype[np.generic]:
    integer = "i" if layout.signed else "u"
    kind = integer if layout.keyword == "PixelData" else "f"
    return np.dtype(f"{'>' if big else '<'}{kind}{layout.bits_allocated // 8}")


def _decode_compressed(
    source: Source, pixel_data: Element, layout: Layout, syntax: str, frame: int
) -> NDArray[np.generic]:
    try:
        decoder = get_decoder(UID(syntax))
    except NotImplementedError:
        raise CannotDecode("no_decoder", syntax) from None
    if decoder.is_native:
        raise CannotDecode("inconsistent", "encapsulated pixel data in a native transfer syntax")
    if not decoder.is_available:
        raise CannotDecode("no_decoder", syntax)
    encoded = _compressed_frame(source, pixel_data, layout.frames, frame)
    if not encoded:
        raise CannotDecode("truncated" if pixel_data.truncated else "inconsistent", "the frame is empty")
    layout = _agreed(layout, encoded, syntax)
    return _run(syntax, encapsulate([encoded], has_bot=False), layout)


def _agreed(layout: Layout, encoded: bytes, syntax: str) -> Layout:
    """The layout, when the code stream is of the same size: decoders allocate by what the code stream says."""
    if syntax == RLELossless:
        return layout
    size = size_of(encoded)
    if size is None:
        raise CannotDecode("decode_failed", "no code stream header")
    if (size.rows, size.columns, size.components) != (layout.rows, layout.columns, layout.samples):
        raise CannotDecode("inconsistent", "the code stream has another size than the header says")
    return layout


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


def _run(syntax: str, encoded: bytes, layout: Layout) -> NDArray[np.generic]:
    """Let pydicom decode one frame with the first of its plug-ins that can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            array, _ = get_decoder(UID(syntax)).as_array(encoded, index=0, **layout.options())  # type: ignore[arg-type]
    except Exception as error:  # noqa: BLE001 - five foreign decoders: each has errors of its own
        raise CannotDecode("decode_failed", type(error).__name__) from None
    return array
