"""The foreign decoders: kept quiet, and each given one frame whose size was checked."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import gdcm
import numpy as np
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

for _name in ("pydicom", "pylibjpeg", "openjpeg", "rle", "jpeg_ls"):
    # Their messages quote values of the object; what went wrong is told by our own codes.
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False
gdcm.Trace.WarningOff()
gdcm.Trace.ErrorOff()


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence: warnings, and what C libraries print on standard error. A worker decodes in one thread."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def run_decoder(syntax: str, encoded: bytes, layout: Layout) -> NDArray[np.generic]:
    """Samples of one encapsulated or native frame.

    Raises:
        CannotDecode: ``decode_failed``.
    """
    try:
        with _quiet():
            array, _ = get_decoder(UID(syntax)).as_array(
                encoded, index=0, decoding_plugin=PLUGINS.get(syntax, ""), **layout.options()
            )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - foreign decoders; a panic of a Rust one is no Exception
        raise CannotDecode("decode_failed", type(error).__name__) from None
    return array


def twelve_bit_jpeg(encoded: bytes, layout: Layout) -> NDArray[np.generic]:
    """One frame of lossy JPEG with 12 bits.

    pydicom refuses these because older GDCM got them wrong; GDCM 3.2 gives the same samples as DCMTK.

    Raises:
        CannotDecode: ``decode_failed``.
    """
    if layout.samples != 1 or layout.bits_allocated != 16:
        raise CannotDecode("no_decoder", UID(JPEGExtended12Bit).name)
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
    with _quiet():
        buffer = image.GetBuffer()
    if buffer is None:
        raise CannotDecode("decode_failed", "12-bit JPEG")
    samples = np.frombuffer(buffer.encode("utf-8", "surrogateescape"), "<i2" if layout.signed else "<u2")
    if samples.size != layout.rows * layout.columns:
        raise CannotDecode("decode_failed", "12-bit JPEG")
    return samples.reshape(layout.rows, layout.columns)
