"""Known samples in, the same values out: every encoding we can write, every transform, every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.sequence import Sequence
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from capture.acquisition import Pixels
from tests import factories
from tests.unit.capture.reading import pixels_of, read_file

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian)
LOSSLESS = (RLELossless, JPEGLSLossless, JPEG2000Lossless)


def samples(dtype: str, low: int, high: int, shape: tuple[int, ...] = (41, 33)) -> NDArray[Any]:
    return np.random.default_rng(7).integers(low, high + 1, shape).astype(dtype)


PLAIN = [
    ("u1", 0, 255, 8),
    ("i1", -128, 127, 8),
    ("u2", 0, 4095, 12),
    ("u2", 0, 65535, 16),
    ("i2", -2048, 2047, 12),
]
PLAIN += [("i2", -32768, 32767, 16), ("u4", 0, 2**24 - 1, 24), ("i4", -(2**20), 2**20 - 1, 21)]


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize(("dtype", "low", "high", "stored"), PLAIN)
def test_native_samples(tmp_path: Path, dtype: str, low: int, high: int, stored: int, syntax: str) -> None:
    truth = samples(dtype, low, high)
    pixels = pixels_of(factories.dx(truth, stored), tmp_path / "dx", syntax)
    assert np.array_equal(pixels.values, truth.astype(np.float32))
    assert pixels.values.dtype == np.float32
    assert pixels.value_range == (low, high)


@pytest.mark.parametrize("syntax", LOSSLESS)
@pytest.mark.parametrize(("dtype", "low", "high", "stored"), PLAIN[:6])
def test_compressed_samples(tmp_path: Path, dtype: str, low: int, high: int, stored: int, syntax: str) -> None:
    truth = samples(dtype, low, high)
    pixels = pixels_of(factories.dx(truth, stored), tmp_path / "dx", syntax)
    assert np.array_equal(pixels.values, truth.astype(np.float32))


def test_lossy_jpeg_ls_keeps_its_promise(tmp_path: Path) -> None:
    truth = factories.phantom()
    path = factories.write(factories.dx(truth), tmp_path / "dx", JPEGLSNearLossless, jls_error=3)
    pixels = read_file(path).pixels
    assert isinstance(pixels, Pixels)
    error = np.abs(pixels.values - truth)
    assert 0 < error.max() <= 3


@pytest.mark.parametrize("syntax", [*NATIVE, *LOSSLESS])
def test_the_middle_frame(tmp_path: Path, syntax: str) -> None:
    truth = samples("u2", 0, 4095, (5, 33, 35))
    pixels = pixels_of(factories.dx(truth), tmp_path / "dx", syntax)
    assert (pixels.frame, pixels.frames) == (2, 5)
    assert np.array_equal(pixels.values, truth[2])


@pytest.mark.parametrize("table", ["basic", "none"])
def test_frames_of_several_fragments(tmp_path: Path, table: str) -> None:
    truth = samples("u2", 0, 4095, (3, 33, 35))
    path = factories.write(factories.dx(truth), tmp_path / "dx", JPEG2000Lossless)
    ds = dcmread(path)
    frames = list(generate_frames(ds.PixelData, number_of_frames=3))
    ds.PixelData = encapsulate(frames, fragments_per_frame=3, has_bot=table == "basic")
    ds.save_as(path, enforce_file_format=True)
    pixels = read_file(path).pixels
    assert isinstance(pixels, Pixels)
    assert np.array_equal(pixels.values, truth[1])


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("syntax", [*NATIVE, *LOSSLESS])
def test_color_and_its_luminance(tmp_path: Path, syntax: str, planar: int) -> None:
    truth = samples("u1", 0, 255, (36, 34, 3))
    ds = factories.us(truth)
    if planar and syntax in NATIVE:
        ds.PlanarConfiguration = 1
        ds.PixelData = np.ascontiguousarray(np.moveaxis(truth, 2, 0)).tobytes()
    pixels = pixels_of(ds, tmp_path / "us", syntax)
    assert pixels.color is not None
    assert np.array_equal(pixels.color, truth)
    assert np.allclose(pixels.values, truth @ np.array([0.299, 0.587, 0.114]), atol=1e-3)
    assert pixels.value_range == (0, 255)


def test_ybr_is_shown_as_rgb(tmp_path: Path) -> None:
    grey = samples("u1", 0, 255, (8, 8))
    ybr = np.stack([grey, np.full_like(grey, 128), np.full_like(grey, 128)], axis=-1)
    pixels = pixels_of(factories.us(ybr, PhotometricInterpretation="YBR_FULL"), tmp_path / "us")
    assert pixels.color is not None
    assert np.abs(pixels.color - grey[..., None].astype(int)).max() <= 1


@pytest.mark.parametrize("segmented", [False, True])
def test_palette(tmp_path: Path, segmented: bool) -> None:
    index = samples("u1", 0, 3, (6, 8))
    ds = factories.sc(index, PhotometricInterpretation="PALETTE COLOR")
    tables = {"Red": [0, 100, 200, 300], "Green": [1000, 2000, 3000, 4000], "Blue": [65535, 0, 65535, 0]}
    for color, table in tables.items():
        setattr(ds, f"{color}PaletteColorLookupTableDescriptor", [4, 0, 16])
        words = np.array([0, 1, table[0], *(0, 3), *table[1:]] if segmented else table, "<u2")
        name = f"Segmented{color}" if segmented else color
        setattr(ds, f"{name}PaletteColorLookupTableData", words.tobytes())
    pixels = pixels_of(ds, tmp_path / "sc")
    truth = np.stack([np.array(tables[color])[index] for color in ("Red", "Green", "Blue")], axis=-1)
    assert pixels.color is not None
    assert np.array_equal(pixels.color, truth >> 8)
    assert np.allclose(pixels.values, truth @ np.array([0.299, 0.587, 0.114]), rtol=1e-5)


def test_linear_and_repeated_segments_of_a_palette(tmp_path: Path) -> None:
    ds = factories.sc(np.arange(8, dtype=np.uint8).reshape(2, 4), PhotometricInterpretation="PALETTE COLOR")
    words = np.array([0, 1, 0, 1, 3, 3000, 2, 2, 0, 0], "<u2")  # 0, then 1000 2000 3000, then both again
    for color in ("Red", "Green", "Blue"):
        setattr(ds, f"{color}PaletteColorLookupTableDescriptor", [8, 0, 16])
        setattr(ds, f"Segmented{color}PaletteColorLookupTableData", words.tobytes())
    pixels = pixels_of(ds, tmp_path / "sc")
    assert np.allclose(pixels.values.ravel(), [0, 1000, 2000, 3000, 0, 1000, 2000, 3000], atol=1)


def test_one_bit(tmp_path: Path) -> None:
    truth = samples("u1", 0, 1, (3, 7, 5))
    ds = factories.sc(truth[0], BitsAllocated=1, BitsStored=1, HighBit=0, NumberOfFrames=3)
    packed = np.packbits(truth.ravel(), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    pixels = pixels_of(ds, tmp_path / "sc")
    assert np.array_equal(pixels.values, truth[1])
    assert pixels.value_range == (0, 1)


@pytest.mark.parametrize(("keyword", "dtype"), [("FloatPixelData", "<f4"), ("DoubleFloatPixelData", "<f8")])
def test_float_pixels(tmp_path: Path, keyword: str, dtype: str) -> None:
    truth = np.linspace(-3, 5, 6 * 4).reshape(6, 4).astype(dtype)
    stored = truth.copy()
    stored[0] = [np.nan, np.inf, -np.inf, 1e300 if truth.itemsize == 8 else np.nan]
    ds = factories.sc(np.zeros((6, 4), "u2"), PixelData=None, BitsAllocated=truth.itemsize * 8)
    setattr(ds, keyword, stored.tobytes())
    del ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    pixels = pixels_of(ds, tmp_path / "sc")
    assert np.allclose(pixels.values[1:], truth[1:])
    assert pixels.padding is not None
    assert pixels.padding[0].all()
    assert not pixels.padding[1:].any()
    assert np.isfinite(pixels.values).all()
    assert pixels.value_range == (pixels.values.min(), pixels.values.max())


# --- what the stored values mean ------------------------------------------------------------------


def test_rescale_and_its_range(tmp_path: Path) -> None:
    truth = samples("u2", 0, 4095)
    pixels = pixels_of(factories.ct(truth, RescaleSlope="-2", RescaleIntercept="100.5"), tmp_path / "ct")
    assert np.allclose(pixels.values, truth * -2.0 + 100.5)
    assert pixels.value_range == (4095 * -2 + 100.5, 100.5)


@pytest.mark.parametrize("slope", ["0", "1e300"])
def test_slope_that_makes_no_sense_is_not_used(tmp_path: Path, slope: str) -> None:
    path = factories.write(factories.ct(RescaleSlope=slope, RescaleIntercept="0"), tmp_path / "ct")
    acquisition = read_file(path)
    assert isinstance(acquisition.pixels, Pixels)
    assert acquisition.pixels.values.max() > acquisition.pixels.values.min()
    assert [(fault.code, fault.keyword) for fault in acquisition.faults] == [("value.invalid", "RescaleSlope")]


def lut(first: int, entries: list[int], bits: int = 16) -> Sequence:
    item = Dataset()
    item.LUTDescriptor = [len(entries), first, bits]
    item["LUTDescriptor"].VR = "US"
    item.LUTData = np.array(entries, "<u2").tobytes()
    item["LUTData"].VR = "OW"
    return Sequence([item])


@pytest.mark.parametrize("changes", [{"WindowWidth": "1e300"}, {"WindowWidth": "0"}, {"WindowCenter": "-1e300"}])
def test_window_that_makes_no_sense_is_not_used(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert pixels_of(factories.dx(**changes), tmp_path / "dx").window is None


def test_modality_lut(tmp_path: Path) -> None:
    stored = np.array([[0, 5, 6], [7, 8, 4095]], np.uint16)
    ds = factories.dx(stored, RescaleSlope=None, RescaleIntercept=None)
    ds.ModalityLUTSequence = lut(5, [50, 60, 75])
    pixels = pixels_of(ds, tmp_path / "dx")
    assert pixels.values.tolist() == [[50, 50, 60], [75, 75, 75]]
    assert pixels.value_range == (50, 75)


def test_voi_lut_is_handed_on(tmp_path: Path) -> None:
    ds = factories.dx()
    ds.VOILUTSequence = lut(100, [0, 10, 255], 8)
    pixels = pixels_of(ds, tmp_path / "dx")
    assert pixels.voi_table is not None
    assert (pixels.voi_table.first, pixels.voi_table.entries.tolist()) == (100, [0, 10, 255])
    ds.VOILUTSequence[0].LUTData = b"\0\0"
    acquisition = read_file(factories.write(ds, tmp_path / "broken"))
    assert isinstance(acquisition.pixels, Pixels)
    assert acquisition.pixels.voi_table is None
    assert ("value.invalid", "VOILUTSequence") in {(fault.code, fault.keyword) for fault in acquisition.faults}


@pytest.mark.parametrize(
    ("dtype", "value", "vr", "limit"),
    [
        ("u2", 0, "US", None),
        ("i2", -2000, "SS", None),
        ("i2", 63536, "US", None),
        ("u2", 4000, "US", 4095),
    ],
)
def test_padding(tmp_path: Path, dtype: str, value: int, vr: str, limit: int | None) -> None:
    truth = samples(dtype, 100, 3000)
    stored_value = value - 65536 if dtype == "i2" and value > 32767 else value
    truth[:5] = stored_value
    if limit is not None:
        truth[5] = limit
    ds = factories.ct(truth, PixelPaddingValue=value, PixelPaddingRangeLimit=limit)
    ds["PixelPaddingValue"].VR = vr
    if limit is not None:
        ds["PixelPaddingRangeLimit"].VR = vr
    pixels = pixels_of(ds, tmp_path / "ct")
    assert pixels.padding is not None
    expected = np.zeros(truth.shape, bool)
    expected[: 5 if limit is None else 6] = True
    assert np.array_equal(pixels.padding, expected)


def test_padding_that_is_not_used_is_none(tmp_path: Path) -> None:
    assert pixels_of(factories.ct(PixelPaddingValue=60000), tmp_path / "ct").padding is None


def test_overlay_bits_are_cut_off(tmp_path: Path) -> None:
    truth = samples("u2", 0, 4095)
    acquisition = read_file(factories.write(factories.dx(truth | 0x8000), tmp_path / "dx"))
    assert isinstance(acquisition.pixels, Pixels)
    assert np.array_equal(acquisition.pixels.values, truth)
    assert [fault.code for fault in acquisition.faults] == ["pixels.unused_bits"]


def test_bits_that_are_stored_high(tmp_path: Path) -> None:
    truth = samples("u2", 0, 4095)
    assert np.array_equal(pixels_of(factories.dx(truth << 4, HighBit=15), tmp_path / "dx").values, truth)


def test_signed_values_without_sign_extension(tmp_path: Path) -> None:
    truth = samples("i2", -2048, 2047)
    ds = factories.ct(truth & 0x0FFF, PixelRepresentation=1, RescaleIntercept="0")
    assert np.array_equal(pixels_of(ds, tmp_path / "ct").values, truth)


def test_monochrome1_stays_as_stored(tmp_path: Path) -> None:
    pixels = pixels_of(factories.cr(), tmp_path / "cr")
    assert pixels.inverted
    assert np.array_equal(pixels.values, factories.phantom(seed=2))


@pytest.mark.parametrize(
    ("changes", "spacing", "source"),
    [
        ({}, (0.15, 0.15), "ImagerPixelSpacing"),
        ({"PixelSpacing": ["0.14", "0.13"]}, (0.14, 0.13), "PixelSpacing"),
        ({"ImagerPixelSpacing": None}, None, None),
        ({"ImagerPixelSpacing": ["0", "0"]}, None, None),
        (
            {"ImagerPixelSpacing": None, "NominalScannedPixelSpacing": ["1", "1"]},
            (1, 1),
            "NominalScannedPixelSpacing",
        ),
    ],
)
def test_spacing(
    tmp_path: Path, changes: dict[str, Any], spacing: tuple[float, float] | None, source: str | None
) -> None:
    pixels = pixels_of(factories.dx(**changes), tmp_path / "dx")
    assert (pixels.spacing_mm, pixels.spacing_source) == (spacing, source)
