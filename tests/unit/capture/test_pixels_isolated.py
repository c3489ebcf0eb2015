"""A decoder may crash, hang, panic or print: the reader's process does not notice more than the answer."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from capture.acquisition import NoPixels
from capture.dicom.decoders import isolated
from capture.dicom.layout import CannotDecode, Layout

LAYOUT = Layout(
    rows=3,
    columns=4,
    frames=1,
    samples=1,
    photometric="MONOCHROME2",
    bits_allocated=16,
    bits_stored=12,
    signed=False,
    planar=0,
    keyword="PixelData",
)
TRUTH = np.arange(12, dtype="<u2").reshape(3, 4)


class Panic(BaseException):
    """As pyo3's, which is no Exception."""


def crash() -> NDArray[Any]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return TRUTH


def hang() -> NDArray[Any]:
    time.sleep(60)
    return TRUTH


def panic() -> NDArray[Any]:
    raise Panic


def end() -> NDArray[Any]:
    os.abort()


@pytest.mark.parametrize(
    ("decode", "answer"),
    [
        (crash, NoPixels("decode_failed", "the decoder crashed")),
        (end, NoPixels("decode_failed", "the decoder crashed")),
        (hang, NoPixels("too_slow", "more than 1 s")),
        (panic, NoPixels("decode_failed")),
        (lambda: np.zeros((900, 900)), NoPixels("decode_failed")),
    ],
)
def test_trouble_stays_in_the_child(decode: Callable[[], NDArray[Any]], answer: NoPixels) -> None:
    with pytest.raises(CannotDecode) as raised:
        isolated(decode, LAYOUT, seconds=1)
    assert raised.value.no_pixels == answer


def test_samples_come_back_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    def loud() -> NDArray[Any]:
        os.write(1, b"PATIENT^NAME")
        os.write(2, b"PATIENT^NAME")
        return TRUTH

    samples = isolated(loud, LAYOUT, seconds=5)
    assert np.array_equal(samples, TRUTH)
    assert samples.dtype == TRUTH.dtype
    assert capfd.readouterr() == ("", "")
