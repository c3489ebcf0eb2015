"""Stored samples to values with a meaning: unused bits, padding, Modality LUT, palette, luminance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capture.acquisition import Display, LookupTable
from capture.dicom.bounded import Element
from capture.dicom.fields import Header, numbers_of, tag_of
from capture.dicom.items import Item
from capture.dicom.layout import CannotDecode, Layout

_LUMINANCE = np.array((0.299, 0.587, 0.114), np.float32)
"""ITU-R BT.601, as in PS3.3 C.7.6.3.1.2."""
LARGEST = 1e25
"""What a slope, intercept or window may be at most, so that float32 values stay finite."""


def color_values(
    header: Header, layout: Layout, stored: NDArray[np.generic]
) -> tuple[NDArray[np.uint8], NDArray[np.float32], tuple[float, float]]:
    bits = layout.bits_stored
    if layout.photometric == "PALETTE COLOR":
        stored = _through_palette(header, stored)
        bits = 8 * stored.dtype.itemsize
    color = np.right_shift(stored, bits - 8) if bits > 8 else stored
    values = np.asarray(stored, np.float32) @ _LUMINANCE
    return np.ascontiguousarray(color.astype(np.uint8)), values, (0.0, float(2**bits - 1))


def _through_palette(header: Header, stored: NDArray[np.generic]) -> NDArray[np.generic]:
    """RGB of a palette image, 8 or 16 bits a sample (PS3.3 C.7.6.3.1.5)."""
    place = header.places[0]
    planes = []
    for color in ("Red", "Green", "Blue"):
        table = _table_of(
            place, f"{color}PaletteColorLookupTableDescriptor", f"{color}PaletteColorLookupTableData"
        )
        if table is None:
            table = _segmented(place, color)
        if table is None:
            raise CannotDecode("inconsistent", "palette")
        index = np.clip(stored.astype(np.int64) - int(table.first), 0, len(table.entries) - 1)
        planes.append(table.entries[index])
    rgb = np.stack(planes, axis=-1)
    # tables of 16 bits whose entries have 8 are common
    return rgb if rgb.max() > 255 else rgb.astype(np.uint8)


def _segmented(place: Item, color: str) -> LookupTable | None:
    """A palette stored as segments: copied, linear, or copied from earlier segments (PS3.3 C.7.9.2)."""
    descriptor = _descriptor(place, f"{color}PaletteColorLookupTableDescriptor")
    element = place.elements.get(tag_of(f"Segmented{color}PaletteColorLookupTableData"))
    if descriptor is None or element is None:
        return None
    words = [int(word) for word in _entries(place, element, (element.end - element.start) // 2)]
    found: list[int] = []
    if not _expand(words, 0, len(words), descriptor[0], found) or len(found) < descriptor[0]:
        return None
    return LookupTable(float(descriptor[1]), np.array(found[: descriptor[0]], np.uint16))


def _expand(words: list[int], at: int, segments: int, count: int, found: list[int], nested: bool = False) -> bool:
    """Append what the segments say until there are ``count`` entries. False when they make no sense."""
    while at + 2 < len(words) and segments > 0 and len(found) < count:
        kind, length = words[at], words[at + 1]
        if kind == 0:
            found.extend(words[at + 2 : at + 2 + length])
            at += 2 + length
        elif kind == 1 and found:
            found.extend(int(v) for v in np.linspace(found[-1], words[at + 2], length + 1)[1:] + 0.5)
            at += 3
        elif kind == 2 and not nested and at + 3 < len(words):
            offset = (words[at + 2] | words[at + 3] << 16) // 2
            if not _expand(words, offset, length, count, found, nested=True):
                return False
            at += 4
        else:
            return False
        segments -= 1
    return True


def significant(
    header: Header, layout: Layout, stored: NDArray[np.generic], padding: NDArray[np.bool_] | None
) -> NDArray[np.generic]:
    """Samples without the bits outside BitsStored, which may hold overlays (PS3.5 8.1.1)."""
    high = header.integer("HighBit")
    if layout.keyword != "PixelData" or layout.bits_allocated == layout.bits_stored:
        return stored
    if high is None or not layout.bits_stored <= high + 1 <= layout.bits_allocated:
        high = layout.bits_stored - 1
    if high + 1 == layout.bits_stored:
        if _within(stored, layout) or (padding is not None and _within(stored[~padding], layout)):
            return stored
        header.note("pixels.unused_bits", "BitsStored")
    whole = stored.astype(stored.dtype.newbyteorder("="))
    lifted = np.left_shift(whole, whole.dtype.type(layout.bits_allocated - 1 - high))
    cut: NDArray[np.generic] = np.right_shift(lifted, whole.dtype.type(layout.bits_allocated - layout.bits_stored))
    return cut


def _within(stored: NDArray[np.generic], layout: Layout) -> bool:
    low, high = _stored_range(layout)
    return stored.size == 0 or bool(stored.min() >= low and stored.max() <= high)


def _stored_range(layout: Layout) -> tuple[int, int]:
    if layout.signed:
        return -(1 << (layout.bits_stored - 1)), (1 << (layout.bits_stored - 1)) - 1
    return 0, (1 << layout.bits_stored) - 1


def padding_of(header: Header, layout: Layout, stored: NDArray[np.generic]) -> NDArray[np.bool_] | None:
    """Where the pixel is padding or no number, None when no pixel is (PS3.3 C.7.5.1.1.2)."""
    if layout.keyword != "PixelData":
        unreal = ~np.isfinite(stored.astype(np.float32))
        return unreal if unreal.any() else None
    value = header.integer("PixelPaddingValue")
    if value is None:
        return None
    limit = header.integer("PixelPaddingRangeLimit")
    edges = sorted((_as_stored(value, layout), _as_stored(value if limit is None else limit, layout)))
    low, high = (stored.dtype.type(edge) for edge in edges)
    mask = stored == low if low == high else np.greater_equal(stored, low) & np.less_equal(stored, high)
    return mask if mask.any() else None


def _as_stored(value: int, layout: Layout) -> int:
    """The padding value in the representation of the pixels: its VR, US or SS, is often the other one."""
    value %= 1 << layout.bits_allocated
    half = 1 << (layout.bits_allocated - 1)
    return value - 2 * half if layout.signed and value >= half else value


def modality_values(
    header: Header, display: Display, layout: Layout, stored: NDArray[np.generic]
) -> tuple[NDArray[np.float32], tuple[float, float]]:
    """Modality values and the range that BitsStored can hold (PS3.3 C.11.1)."""
    table = lookup_table(header, "ModalityLUTSequence", layout.signed) if layout.keyword == "PixelData" else None
    if table is not None:
        index = np.clip(stored.astype(np.int64) - int(table.first), 0, len(table.entries) - 1)
        entries = table.entries.astype(np.float32)
        return entries[index], (float(entries.min()), float(entries.max()))
    values = stored.astype(np.float32)
    low, high = map(float, _stored_range(layout))
    if layout.keyword != "PixelData":
        np.nan_to_num(values, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
    slope, intercept = _rescale(header, display)
    if slope != 1.0:
        values *= np.float32(slope)
    if intercept != 0.0:
        values += np.float32(intercept)
    low, high = sorted((low * slope + intercept, high * slope + intercept))
    return values, (low, high)


def _rescale(header: Header, display: Display) -> tuple[float, float]:
    slope = 1.0 if display.RescaleSlope is None else display.RescaleSlope
    intercept = display.RescaleIntercept or 0.0
    if slope == 0 or abs(slope) > LARGEST:
        header.note("value.invalid", "RescaleSlope")
        slope = 1.0
    if abs(intercept) > LARGEST:
        header.note("value.invalid", "RescaleIntercept")
        intercept = 0.0
    return slope, intercept


def lookup_table(header: Header, keyword: str, signed: bool) -> LookupTable | None:
    """First LUT of a sequence (LUTDescriptor, LUTData), None when there is none or it is not consistent."""
    items = header.sequence(keyword)
    if not items:
        return None
    table = _table_of(items[0], "LUTDescriptor", "LUTData", signed)
    if table is None:
        header.note("value.invalid", keyword)
    return table


def _descriptor(item: Item, keyword: str) -> tuple[int, int] | None:
    """Number of entries (0 means 65536) and first value mapped."""
    element = item.elements.get(tag_of(keyword))
    numbers = numbers_of(item, element) if element else None
    if numbers is None or len(numbers) != 3:
        return None
    return int(numbers[0]) % 65536 or 65536, int(numbers[1])


def _table_of(item: Item, descriptor: str, data: str, signed: bool = False) -> LookupTable | None:
    shape, element = _descriptor(item, descriptor), item.elements.get(tag_of(data))
    if shape is None or element is None:
        return None
    count, first = shape
    entries = _entries(item, element, count)
    if len(entries) != count:
        return None
    return LookupTable(float(first - 65536 if signed and first > 32767 else first), entries)


def _entries(item: Item, lut: Element, count: int) -> NDArray[np.uint16]:
    raw = item.source.value(lut, 1 << 17)
    if len(raw) < 2 * count:
        return np.frombuffer(raw[:count], np.uint8).astype(np.uint16)
    return np.frombuffer(raw[: 2 * count], "<u2" if item.source.little else ">u2").astype(np.uint16)
