"""The foreign decoders. Each compressed frame is decoded in a child process of its own.

GDCM ends the process where libjpeg only warns, and all of them are C, C++ or Rust that reads what strangers
wrote: of 3,000 mutated JPEG frames 15 brought the process down. A fork costs a few milliseconds.
"""

from __future__ import annotations

import faulthandler
import logging
import mmap
import os
import signal
import warnings
from collections.abc import Callable, Mapping

import gdcm
import jpeg_ls  # type: ignore[import-untyped]  # noqa: F401 - loaded before the fork, as are the next two
import numpy as np
import openjpeg  # noqa: F401
import rle  # noqa: F401
from numpy.typing import NDArray
from pydicom.pixels.decoders.base import get_decoder
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from capture.dicom.layout import CannotDecode, Layout

PLUGINS: Mapping[str, str] = {
    **dict.fromkeys((JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1), "gdcm"),
    **dict.fromkeys((JPEGLSLossless, JPEGLSNearLossless), "pyjpegls"),
    **dict.fromkeys((JPEG2000Lossless, JPEG2000, HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K), "pylibjpeg"),
    RLELossless: "pylibjpeg",
}
"""Compressed transfer syntaxes that are decoded, and pydicom's name of the decoder that does it."""

_LABEL = 16
"""Bytes in front of the samples for their dtype."""

for _name in ("pydicom", "pylibjpeg", "openjpeg", "rle", "jpeg_ls"):
    # Their messages quote values of the object; what went wrong is told by our own codes.
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


def isolated(decode: Callable[[], NDArray[np.generic]], layout: Layout, seconds: int) -> NDArray[np.generic]:
    """What ``decode`` returns, run in a child process: (rows, columns) or (rows, columns, samples).

    Raises:
        CannotDecode: ``too_slow`` after ``seconds``; ``decode_failed`` when the child failed or crashed.
    """
    shape = (layout.rows, layout.columns, layout.samples)[: 2 if layout.samples == 1 else 3]
    count = int(np.prod(shape))
    shared = mmap.mmap(-1, _LABEL + count * max(1, layout.bits_allocated // 8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads: the child runs a decoder and nothing else
        child = os.fork()
    if child == 0:
        _run_child(decode, shared, seconds)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        raise CannotDecode("too_slow", f"more than {seconds} s")
    if status != 0:
        raise CannotDecode("decode_failed", "the decoder crashed" if os.WIFSIGNALED(status) else "")
    dtype = np.dtype(shared[:_LABEL].rstrip(b"\0").decode("ascii"))
    return np.frombuffer(shared, dtype, count, _LABEL).reshape(shape)


def _run_child(  # pragma: no cover - it ends by os._exit
    decode: Callable[[], NDArray[np.generic]], shared: mmap.mmap, seconds: int
) -> None:
    """Decode, leave the samples in the shared memory, and end. Nothing is printed: neither values nor warnings."""
    code = 1
    try:
        faulthandler.disable()
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        array = np.ascontiguousarray(decode())
        if _LABEL + array.nbytes <= len(shared):
            shared[:_LABEL] = array.dtype.str.encode("ascii").ljust(_LABEL, b"\0")
            shared[_LABEL : _LABEL + array.nbytes] = array.data.cast("B")
            code = 0
    finally:
        os._exit(code)


def run_decoder(syntax: str, encoded: bytes, layout: Layout) -> NDArray[np.generic]:
    """Samples of one encapsulated or native frame, by pydicom and its plug-ins, which raise what they like."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array, _ = get_decoder(UID(syntax)).as_array(
            encoded, index=0, decoding_plugin=PLUGINS.get(syntax, ""), **layout.options()
        )
    return array


def twelve_bit_jpeg(encoded: bytes, layout: Layout) -> NDArray[np.generic]:
    """One grey frame of lossy JPEG with 12 bits.

    pydicom refuses these because older GDCM got them wrong; GDCM 3.2 gives the same samples as DCMTK.
    """
    image = gdcm.Image()
    fragment, fragments = gdcm.Fragment(), gdcm.SequenceOfFragments.New()
    fragment.SetByteStringValue(encoded)
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    image.SetNumberOfDimensions(2)
    image.SetDimensions((layout.columns, layout.rows, 1))
    image.SetDataElement(element)
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(gdcm.PhotometricInterpretation.MONOCHROME2))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.JPEGExtendedProcess2_4))
    image.SetPixelFormat(gdcm.PixelFormat(1, 16, 12, 11, int(layout.signed)))
    buffer = image.GetBuffer().encode("utf-8", "surrogateescape")
    samples = np.frombuffer(buffer, "<i2" if layout.signed else "<u2")
    return samples.reshape(layout.rows, layout.columns)
