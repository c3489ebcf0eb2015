"""Pixel data to values that can be measured, and to the picture that a person would see."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import ExplicitVRLittleEndian

from capture.acquisition import Acquisition, Display, LookupTable, NoPixels, Pixels
from capture.dicom.bounded import Damaged, Element
from capture.dicom.fields import Header, tag_of
from capture.dicom.frames import decode_frame
from capture.dicom.layout import CannotDecode, Layout
from capture.dicom.modality import LARGEST, color_values, lookup_table, modality_values, padding_of, significant
from capture.dicom.options import ReadOptions
from capture.dicom.part10 import Part10, uid_of

_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


def read_pixels(
    header: Header, display: Display, opened: Part10, frame: int, options: ReadOptions
) -> Pixels | NoPixels:
    """One frame as :class:`Pixels`, or the reason why not. Never raises for what is in the object."""
    try:
        keyword, element = _pixel_data(header, display, opened)
        layout = _layout(header, display, keyword)
        if layout.rows * layout.columns * layout.samples > options.max_pixels:
            raise CannotDecode("too_large", f"more than {options.max_pixels} samples")
        syntax = opened.transfer_syntax or ExplicitVRLittleEndian
        stored = decode_frame(opened.data_set.source, element, layout, syntax, frame, options.max_seconds)
        with np.errstate(over="ignore"):  # doubles that are too large for float32 become padding
            return _pixels(header, display, layout, stored, frame)
    except CannotDecode as reason:
        return reason.no_pixels
    except Damaged:
        return NoPixels("too_large", "more elements than are looked at")
    except MemoryError:
        return NoPixels("too_large", "more memory than a worker may use")


def _pixel_data(header: Header, display: Display, opened: Part10) -> tuple[str, Element]:
    elements = opened.data_set.elements
    for keyword in _PIXEL_KEYWORDS:
        element = elements.get(tag_of(keyword))
        if element is not None and element.end > element.start:
            return keyword, element
    damage = opened.data_set.damage
    is_image = (
        display.Rows is not None or "Image" in uid_of(header.text("SOPClassUID") or opened.sop_class or "").name
    )
    if opened.inflate_stopped or (damage is not None and damage.code == "structure.too_many_elements"):
        raise CannotDecode("too_large")
    if damage is not None and is_image:
        raise CannotDecode("truncated")
    raise CannotDecode("no_pixel_data" if is_image else "not_an_image")


def _layout(header: Header, display: Display, keyword: str) -> Layout:
    rows, columns = display.Rows or 0, display.Columns or 0
    samples = display.SamplesPerPixel or 1
    default_bits = {"FloatPixelData": 32, "DoubleFloatPixelData": 64}.get(keyword, 0)
    allocated = display.BitsAllocated or default_bits
    stored = display.BitsStored or allocated
    if min(rows, columns) < 1 or samples not in (1, 3) or allocated not in (1, 8, 16, 32, 64):
        raise CannotDecode("inconsistent", "Rows, Columns, SamplesPerPixel or BitsAllocated")
    if not 1 <= stored <= allocated:
        header.note("value.invalid", "BitsStored")
        stored = allocated
    photometric = display.PhotometricInterpretation or ""
    if (samples == 3) != photometric.startswith(("RGB", "YBR")):
        header.note("value.invalid" if photometric else "value.missing", "PhotometricInterpretation")
        photometric = "RGB" if samples == 3 else "MONOCHROME2"
    planar = header.integer("PlanarConfiguration") or 0
    return Layout(
        rows=rows,
        columns=columns,
        samples=samples,
        frames=display.NumberOfFrames,
        photometric=photometric,
        bits_allocated=allocated,
        bits_stored=stored,
        signed=display.PixelRepresentation == 1 and allocated > 1,
        planar=int(planar == 1),
        keyword=keyword,
    )


def _pixels(header: Header, display: Display, layout: Layout, stored: NDArray[np.generic], frame: int) -> Pixels:
    spacing, source = _spacing(header, display)
    color: NDArray[np.uint8] | None = None
    padding: NDArray[np.bool_] | None = None
    table: LookupTable | None = None
    if layout.samples == 3 or layout.photometric == "PALETTE COLOR":
        color, values, value_range = color_values(header, layout, stored)
    else:
        padding = padding_of(header, layout, stored)
        values, value_range = modality_values(
            header, display, layout, significant(header, layout, stored, padding)
        )
        table = lookup_table(header, "VOILUTSequence", signed=value_range[0] < 0)
    return Pixels(
        values=values,
        color=color,
        padding=padding,
        value_range=value_range,
        spacing_mm=spacing,
        spacing_source=source,
        inverted=layout.photometric == "MONOCHROME1",
        window=_window(display),
        frame=frame,
        frames=layout.frames,
        voi_table=table,
    )


def _spacing(header: Header, display: Display) -> tuple[tuple[float, float] | None, str | None]:
    for keyword in _SPACINGS:
        pair: tuple[float, ...] = getattr(display, keyword)
        if not pair:
            continue
        if len(pair) == 2 and min(pair) > 0:
            return (pair[0], pair[1]), keyword
        header.note("value.invalid", keyword)
    return None, None


def _window(display: Display) -> tuple[float, float] | None:
    if not display.WindowCenter or not display.WindowWidth:
        return None
    center, width = display.WindowCenter[0], display.WindowWidth[0]
    return (center, width) if 1e-6 <= width <= LARGEST and abs(center) <= LARGEST else None


def preview(acquisition: Acquisition, longest: int = 1400) -> bytes | None:
    """:func:`rendered` as JPEG; None without pixels."""
    shown = rendered(acquisition, longest)
    if shown is None:
        return None
    done, encoded = cv2.imencode(".jpg", shown, (cv2.IMWRITE_JPEG_QUALITY, 90))
    return encoded.tobytes() if done else None


def rendered(acquisition: Acquisition, longest: int) -> NDArray[np.uint8] | None:
    """The frame as a person would see it, its longer side at most ``longest`` pixels; None without pixels.

    (rows, columns), or (rows, columns, 3) as BGR. The first VOI LUT or window of the object, or else from the 1st
    to the 99th percentile; MONOCHROME1 the right way round; padding black; colour kept.
    """
    pixels = acquisition.pixels
    if isinstance(pixels, NoPixels):
        return None
    if pixels.color is not None:
        return np.asarray(cv2.cvtColor(_shrunk(pixels.color, longest), cv2.COLOR_RGB2BGR), np.uint8)
    return _shown(pixels, acquisition.display.VOILUTFunction, longest)


def _shrunk(image: NDArray[Any], longest: int, how: int = cv2.INTER_AREA) -> NDArray[Any]:
    rows, columns = image.shape[:2]
    scale = longest / max(rows, columns)
    if scale >= 1:
        return image
    return cv2.resize(image, (max(1, round(columns * scale)), max(1, round(rows * scale))), interpolation=how)


def _shown(pixels: Pixels, function: str | None, longest: int) -> NDArray[np.uint8]:
    values = _shrunk(pixels.values, longest)
    padding = None
    if pixels.padding is not None:
        padding = _shrunk(pixels.padding.view(np.uint8), longest, cv2.INTER_NEAREST).astype(bool)
    image = values[~padding] if padding is not None and not padding.all() else values
    grey = _voi(pixels, function, values, image)
    np.clip(grey, 0.0, 1.0, out=grey)
    if pixels.inverted:
        grey = 1.0 - grey
    grey *= 255.0
    grey += 0.5
    shown = grey.astype(np.uint8)
    if padding is not None:
        shown[padding] = 0
    return shown


def _voi(
    pixels: Pixels, function: str | None, values: NDArray[np.float32], image: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Values as grey from 0 to 1 (PS3.3 C.11.2). A window that shows nothing of the image is not used."""
    if pixels.voi_table is not None:
        return _through_table(pixels.voi_table, values)
    if pixels.window is not None:
        center, width = pixels.window
        if float(image.max()) > center - width / 2 and float(image.min()) < center + width / 2:
            return _through_window(center, width, function, values)
    sample = image[::3, ::3] if image.ndim == 2 else image[::9]
    low, high = (float(edge) for edge in np.percentile(sample, (1, 99)))
    return _between(low, high, values)


def _through_table(table: LookupTable, values: NDArray[np.float32]) -> NDArray[np.float32]:
    entries = table.entries.astype(np.float32)
    entries /= max(float(entries.max()), 1.0)
    index = np.clip(values - np.float32(table.first), 0, len(entries) - 1).astype(np.int64)
    grey: NDArray[np.float32] = entries[index]
    return grey


def _through_window(
    center: float, width: float, function: str | None, values: NDArray[np.float32]
) -> NDArray[np.float32]:
    if function == "SIGMOID":
        grey: NDArray[np.float32] = np.clip((center - values) * np.float32(4.0 / width), -60.0, 60.0)
        np.exp(grey, out=grey)
        grey += 1.0
        np.reciprocal(grey, out=grey)
        return grey
    if function == "LINEAR_EXACT" or width <= 1:
        return _between(center - width / 2, center + width / 2, values)
    return _between(center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2, values)


def _between(low: float, high: float, values: NDArray[np.float32]) -> NDArray[np.float32]:
    grey: NDArray[np.float32] = values - np.float32(low)
    grey *= np.float32(1.0 / max(high - low, 1e-6))
    return grey
