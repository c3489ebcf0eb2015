"""Every pixel format gives the same picture, whole or reduced; what is torn is said to be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from capture.screen import pixels
from capture.screen.frame import Frame, PixelFormat

WIDTH, HEIGHT = 64, 48


def gradient() -> NDArray[np.uint8]:
    """Smooth, so that no scaling and no chroma sampling hurts."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 3, y * 4, 200 - x - y], axis=2).astype(np.uint8)


def frame(pixel_format: PixelFormat, limited: bool = False) -> Frame:
    bgr = gradient()
    if pixel_format in ("bgr24", "bgr0", "mjpeg"):
        shown = (bgr * (219 / 255) + 16).round().astype(np.uint8) if limited else bgr
        if pixel_format == "mjpeg":
            content = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
        elif pixel_format == "bgr0":
            content = np.dstack([shown, np.zeros((HEIGHT, WIDTH), np.uint8)]).tobytes()
        else:
            content = shown.tobytes()
        return Frame(content, pixel_format, WIDTH, HEIGHT, 1.0)
    blue, green, red = np.moveaxis(bgr.astype(float), 2, 0)  # BT.601
    y = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = [(blue - y) * 0.564 + 128, (red - y) * 0.713 + 128]
    if limited:
        y, chroma = y * 219 / 255 + 16, [(one - 128) * 224 / 255 + 128 for one in chroma]
    luma, cb, cr = (np.clip(plane.round(), 0, 255).astype(np.uint8) for plane in (y, *chroma))
    if pixel_format == "nv12":
        pairs = np.stack([cb[::2, ::2], cr[::2, ::2]], axis=2)
        return Frame(luma.tobytes() + pairs.tobytes(), "nv12", WIDTH, HEIGHT, 1.0)
    packed = np.stack([luma[:, ::2], cb[:, ::2], luma[:, 1::2], cr[:, ::2]], axis=2)
    return Frame(packed.tobytes(), "yuyv", WIDTH, HEIGHT, 1.0)


FORMATS: tuple[PixelFormat, ...] = ("yuyv", "nv12", "bgr24", "bgr0", "mjpeg")


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("pixel_format", FORMATS)
def test_the_same_picture_from_every_format(pixel_format: PixelFormat, limited: bool) -> None:
    seen = pixels.picture(frame(pixel_format, limited), limited)
    assert seen.bgr.shape == (HEIGHT, WIDTH, 3) and seen.time == 1.0
    assert np.abs(seen.bgr.astype(int) - gradient()).mean() < 4


@pytest.mark.parametrize("step", [1, 2, 4, 8])
@pytest.mark.parametrize("pixel_format", FORMATS)
def test_luma_at_every_size(pixel_format: PixelFormat, step: int) -> None:
    grey = cv2.cvtColor(gradient(), cv2.COLOR_BGR2GRAY)[::step, ::step]
    for limited in (False, True):
        seen = pixels.luma(frame(pixel_format, limited), step, limited_range=limited)
        assert seen.shape == (HEIGHT // step, WIDTH // step)
        assert np.abs(seen.astype(int) - grey).mean() < 2.5 * step, "a step of the gradient at most"


def test_a_size_that_does_not_divide_is_rounded_up() -> None:
    jpeg = cv2.imencode(".jpg", np.zeros((50, 66), np.uint8))[1].tobytes()
    raw = Frame(bytes(66 * 50 * 2), "yuyv", 66, 50, 0.0)
    for one in (Frame(jpeg, "mjpeg", 66, 50, 0.0), raw):
        assert pixels.luma(one, 4).shape == (13, 17)


@pytest.mark.parametrize("pixel_format", FORMATS)
def test_a_torn_buffer_is_said_to_be_torn(pixel_format: PixelFormat) -> None:
    whole = frame(pixel_format)
    torn = Frame(whole.data[: len(whole.data) // 2], pixel_format, WIDTH, HEIGHT, 1.0)
    for read in (pixels.picture, pixels.luma):
        with pytest.raises(pixels.Torn):
            read(torn)
    assert pixels.whole(whole.data, pixel_format, WIDTH, HEIGHT)
    assert not pixels.whole(torn.data, pixel_format, WIDTH, HEIGHT)


def test_no_jpeg_is_torn() -> None:
    with pytest.raises(pixels.Torn):
        pixels.picture(Frame(b"\xff\xd8" + bytes(500) + b"\xff\xd9", "mjpeg", WIDTH, HEIGHT, 0.0))
