"""All frames of an object, each as an Acquisition of its own: enhanced multi-frame objects and mosaics."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from capture.acquisition import Acquisition, NoPixels, Pixels
from capture.dicom.fields import Header
from capture.dicom.mosaic import is_mosaic, tiles_of
from capture.dicom.options import ReadOptions
from capture.dicom.part10 import Part10, open_object
from capture.dicom.pixels import read_pixels
from capture.dicom.places import charset_of, macros_of_every_frame, shared_macros
from capture.dicom.technique import technique_of


def each_frame(path: Path, middle: Acquisition, options: ReadOptions = ReadOptions()) -> Iterator[Acquisition]:  # noqa: B008 - frozen
    """Every frame of the object at ``path``, whose middle frame :func:`capture.dicom.reader.read` has read.

    Position, orientation, times, b-value and pixels are the frame's own; the rest is the object's. An ordinary
    image is handed back as it came, so that it is decoded once.

    Raises:
        SetAside, OSError: as ``read``, when the file is no longer what it was.
    """
    if middle.display.NumberOfFrames > 1:
        yield from _frames(path, middle, options)
    elif is_mosaic(middle):
        yield from tiles_of(path, middle, options)
    else:
        yield middle


def _frames(path: Path, middle: Acquisition, options: ReadOptions) -> Iterator[Acquisition]:
    opened = open_object(path, options.max_inflated, options.max_elements)
    top = opened.data_set
    texts = charset_of(top, options.default_charset)
    shared = shared_macros(top)
    macros = list(macros_of_every_frame(top))
    common = Header((top, *shared), texts)
    # Not the middle frame's own: a frame that does not say its b-value has none.
    base = replace(middle, technique=technique_of(common), display=common.refill(middle.display))
    until = time.monotonic() + options.max_frames_seconds
    for frame in range(middle.display.NumberOfFrames):
        own = macros[frame] if frame < len(macros) else ()
        one = _described(base, Header(own, texts))
        yield replace(one, pixels=_pixels(opened, one, Header((*own, top, *shared), texts), frame, options, until))


def _described(base: Acquisition, own: Header) -> Acquisition:
    exam = own.refill(base.exam)
    return replace(
        base,
        exam=replace(exam, ImageType=own.texts("FrameType") or exam.ImageType),
        technique=own.refill(base.technique),
        display=own.refill(base.display),
    )


def _pixels(
    opened: Part10, one: Acquisition, header: Header, frame: int, options: ReadOptions, until: float
) -> Pixels | NoPixels:
    if time.monotonic() > until:
        return NoPixels("too_slow", "the time for all frames of one object is used up")
    return read_pixels(header, one.display, opened, frame, options)
