"""The picture a person sees: window, inversion, padding, colour, size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from capture.dicom.pixels import preview
from capture.dicom.reader import read
from tests import factories

RAMP = np.repeat(np.linspace(0, 4095, 128), 8).reshape(128, 8).T.repeat(8, axis=0).astype(np.uint16)


def picture(ds: Dataset, path: Path, longest: int = 1400) -> NDArray[Any]:
    factories.write(ds, path)
    encoded = preview(read(path, factories.arrival_of(path)), longest)
    assert encoded is not None
    return np.asarray(cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_UNCHANGED))


def linear(center: float, width: float) -> NDArray[Any]:
    """PS3.3 C.11.2.1.2.1, written out once more."""
    x = RAMP.astype(float)
    grey = ((x - (center - 0.5)) / (width - 1) + 0.5) * 255
    return np.clip(np.where(x <= center - 0.5 - (width - 1) / 2, 0, grey), 0, 255)


@pytest.mark.parametrize(("center", "width"), [("2048", "4096"), ("1000", "500"), ("3000", "2000")])
def test_linear_window(tmp_path: Path, center: str, width: str) -> None:
    shown = picture(factories.dx(RAMP, WindowCenter=center, WindowWidth=width), tmp_path / "dx")
    assert np.abs(shown - linear(float(center), float(width))).max() <= 6


def test_sigmoid_and_exact(tmp_path: Path) -> None:
    window: dict[str, Any] = {"WindowCenter": "2000", "WindowWidth": "1000"}
    shown = picture(factories.dx(RAMP, VOILUTFunction="SIGMOID", **window), tmp_path / "dx")
    assert np.abs(shown - 255 / (1 + np.exp(-4 * (RAMP - 2000.0) / 1000))).max() <= 6
    shown = picture(factories.dx(RAMP, VOILUTFunction="LINEAR_EXACT", **window), tmp_path / "dx")
    assert np.abs(shown - np.clip((RAMP - 2000.0) / 1000 + 0.5, 0, 1) * 255).max() <= 6


def test_voi_lut_before_the_window(tmp_path: Path) -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4096, 0, 16], np.arange(4096, dtype="<u2")[::-1].tobytes()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    shown = picture(factories.dx(RAMP, VOILUTSequence=Sequence([item])), tmp_path / "dx")
    assert np.abs(shown - (255 - RAMP / 4095.0 * 255)).max() <= 4


def test_monochrome1_is_the_right_way_round(tmp_path: Path) -> None:
    one = picture(factories.dx(RAMP, PhotometricInterpretation="MONOCHROME1"), tmp_path / "one")
    two = picture(factories.dx(RAMP), tmp_path / "two")
    assert np.abs(one.astype(int) + two - 255).max() <= 2


@pytest.mark.parametrize("changes", [{"WindowCenter": None, "WindowWidth": None}, {"WindowCenter": "-9000"}])
def test_without_a_window_that_shows_anything(tmp_path: Path, changes: dict[str, Any]) -> None:
    shown = picture(factories.dx(RAMP, **changes), tmp_path / "dx")
    assert shown.min() == 0
    assert shown.max() == 255
    assert 100 < shown.mean() < 155


def test_padding_is_black_and_does_not_count(tmp_path: Path) -> None:
    stored = RAMP // 8 + 1000
    stored[:16] = 4095
    changes: dict[str, Any] = {"PixelPaddingValue": 4095, "WindowCenter": None, "WindowWidth": None}
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        shown = picture(factories.dx(stored, PhotometricInterpretation=photometric, **changes), tmp_path / "dx")
        assert shown[:14].max() <= 10
        assert shown[18:].max() >= 250


def test_color_is_kept(tmp_path: Path) -> None:
    rgb = np.zeros((64, 64, 3), np.uint8)
    rgb[..., 0] = 200
    blue, green, red = picture(factories.us(rgb), tmp_path / "us")[32, 32]
    assert red > 180
    assert max(blue, green) < 20


@pytest.mark.parametrize(("rows", "columns"), [(300, 200), (200, 300), (3, 900)])
def test_size(tmp_path: Path, rows: int, columns: int) -> None:
    shown = picture(factories.dx(factories.phantom(rows, columns)), tmp_path / "dx", longest=100)
    assert max(shown.shape) == 100
    assert shown.shape == (
        max(1, round(rows * 100 / max(rows, columns))),
        round(columns * 100 / max(rows, columns)),
    )
    small = picture(factories.dx(factories.phantom(30, 20)), tmp_path / "dx", longest=100)
    assert small.shape == (30, 20)


def test_constant_and_wholly_padded_images(tmp_path: Path) -> None:
    flat = np.full((32, 32), 700, np.uint16)
    changes: dict[str, Any] = {"WindowCenter": None, "WindowWidth": None}
    assert picture(factories.dx(flat, **changes), tmp_path / "dx").std() == 0
    assert picture(factories.dx(flat, PixelPaddingValue=700, **changes), tmp_path / "dx").max() == 0


def test_nothing_to_show(tmp_path: Path) -> None:
    path = factories.write(factories.ct_dose_report(), tmp_path / "sr")
    assert preview(read(path, factories.arrival_of(path))) is None
