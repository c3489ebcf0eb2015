"""From a frame to pixels, decoded only as far as somebody asks: reduced luma to look for changes, colour to read.

JPEG is full range by its standard (JFIF). YUYV and NV12 come in either range, and what a card claims is often
wrong (capture-ocr, section 8): the template says which it was when taught.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.frame import Frame, Picture, PixelFormat

_REDUCED = {
    1: cv2.IMREAD_GRAYSCALE,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
}
_BYTES_OF_TWO_PIXELS: dict[PixelFormat, int] = {"yuyv": 4, "nv12": 3, "bgr24": 6, "bgr0": 8}
_EXPAND = np.clip((np.arange(256) - 16) * 255 / 219, 0, 255).round().astype(np.uint8)
"""Luma 16 to 235 onto 0 to 255 (ITU-R BT.601, 2.5.1)."""


class Torn(ValueError):
    """The buffer holds no whole picture of its size: wait for the next frame."""


def luma(frame: Frame, step: int = 4, *, limited_range: bool = False) -> NDArray[np.uint8]:
    """(rows / step, columns / step), rounded up. ``step``: 1, 2, 4 or 8.

    JPEG is scaled while it is decoded; of raw formats every ``step``-th pixel is taken, without smoothing.
    Raises Torn.
    """
    if frame.format == "mjpeg":
        grey = _jpeg(frame, _REDUCED[step])
    elif frame.format in ("yuyv", "nv12"):
        grey = np.ascontiguousarray(_luma_plane(frame)[::step, ::step])
    else:
        grey = _u8(cv2.cvtColor(np.ascontiguousarray(_bgr(frame)[::step, ::step]), cv2.COLOR_BGR2GRAY))
    return _u8(cv2.LUT(grey, _EXPAND)) if limited_range else grey


def picture(frame: Frame, limited_range: bool = False) -> Picture:
    """In colour and full range. ``limited_range``: 16 to 235 is expanded. Raises Torn."""
    if frame.format == "yuyv":
        colour = _from_yuyv(frame, limited_range)
    elif frame.format == "nv12":
        colour = _from_nv12(frame, limited_range)
    else:
        colour = _jpeg(frame, cv2.IMREAD_COLOR) if frame.format == "mjpeg" else np.ascontiguousarray(_bgr(frame))
        colour = _u8(cv2.LUT(colour, _EXPAND)) if limited_range else colour
    return Picture(colour, frame.time)


def whole(data: bytes | memoryview, pixel_format: PixelFormat, width: int, height: int) -> bool:
    """Whether the buffer can be a whole picture: raw ones by length, JPEG by its markers."""
    if pixel_format == "mjpeg":
        end = bytes(data[-1024:]).rstrip(b"\0")  # some dongles pad
        return len(data) > 128 and data[:2] == b"\xff\xd8" and end.endswith(b"\xff\xd9")
    return len(data) >= bytes_of(pixel_format, width, height)


def bytes_of(pixel_format: PixelFormat, width: int, height: int) -> int:
    """Length of a raw picture (not JPEG)."""
    return width * height * _BYTES_OF_TWO_PIXELS[pixel_format] // 2


def _jpeg(frame: Frame, flags: int) -> NDArray[np.uint8]:
    if not whole(frame.data, "mjpeg", frame.width, frame.height):
        raise Torn
    decoded = cv2.imdecode(np.frombuffer(frame.data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    if decoded is None:
        raise Torn
    return _u8(decoded)


def _raw(frame: Frame) -> NDArray[np.uint8]:
    size = bytes_of(frame.format, frame.width, frame.height)
    if len(frame.data) < size:
        raise Torn
    return np.frombuffer(frame.data, np.uint8, size)


def _luma_plane(frame: Frame) -> NDArray[np.uint8]:
    if frame.format == "yuyv":
        return _raw(frame).reshape(frame.height, frame.width, 2)[:, :, 0]
    return _raw(frame)[: frame.height * frame.width].reshape(frame.height, frame.width)


def _bgr(frame: Frame) -> NDArray[np.uint8]:
    channels = 3 if frame.format == "bgr24" else 4
    return _raw(frame).reshape(frame.height, frame.width, channels)[:, :, :3]


def _from_yuyv(frame: Frame, limited_range: bool) -> NDArray[np.uint8]:
    pairs = _raw(frame).reshape(frame.height, frame.width, 2)
    if limited_range:  # what OpenCV takes YUYV for
        return _u8(cv2.cvtColor(pairs, cv2.COLOR_YUV2BGR_YUYV))
    quads = pairs.reshape(frame.height, frame.width // 2, 4)
    return _from_planes(pairs[:, :, 0], quads[:, :, 1], quads[:, :, 3])


def _from_nv12(frame: Frame, limited_range: bool) -> NDArray[np.uint8]:
    planes = _raw(frame).reshape(frame.height * 3 // 2, frame.width)
    if limited_range:
        return _u8(cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_NV12))
    chroma = planes[frame.height :].reshape(frame.height // 2, frame.width // 2, 2)
    return _from_planes(planes[: frame.height], chroma[:, :, 0], chroma[:, :, 1])


def _from_planes(y: NDArray[np.uint8], cb: NDArray[np.uint8], cr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Full range, BT.601: the matrix of JPEG."""
    size = (y.shape[1], y.shape[0])
    wide = [cv2.resize(np.ascontiguousarray(one), size, interpolation=cv2.INTER_LINEAR) for one in (cr, cb)]
    return _u8(cv2.cvtColor(cv2.merge([np.ascontiguousarray(y), *wide]), cv2.COLOR_YCrCb2BGR))


def _u8(values: object) -> NDArray[np.uint8]:
    return np.asarray(values, np.uint8)
