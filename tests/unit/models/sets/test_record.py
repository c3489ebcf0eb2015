"""Records: whole again after writing, without identity, pixels as area means; frames and tiles in place."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from capture.acquisition import Acquisition, Device, Exam, NoPixels, Pixels, Technique
from capture.dicom.csa import csa_numbers
from capture.dicom.every_frame import each_frame
from capture.dicom.options import ReadOptions
from capture.dicom.reader import read
from models.sets.image_set import Series, Slice, SlicePixels
from models.sets.record import dump, load, record_of, reduced
from models.sets.volume import NoVolume, Volume, volume_of
from tests import factories


class _Mean:
    name = "mean"

    def applies(self, exam: Exam, display: object) -> bool:
        return exam.Modality == "CT"

    def measure(self, pixels: Pixels, exam: Exam, technique: Technique, device: Device) -> dict[str, np.ndarray]:
        return {"value": np.array([pixels.values.mean()], np.float32)}


class _Broken(_Mean):
    name = "broken"

    def measure(self, pixels: Pixels, exam: Exam, technique: Technique, device: Device) -> dict[str, np.ndarray]:
        raise ZeroDivisionError


def read_file(path: Path) -> Acquisition:
    return read(path, factories.arrival_of(path))


def frames_of(dataset: Dataset, path: Path, **options: object) -> list[Acquisition]:
    factories.write(dataset, path)
    return list(each_frame(path, read_file(path), ReadOptions(**options)))  # type: ignore[arg-type]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    frames = frames_of(factories.ct(), tmp_path / "a.dcm")
    made = record_of(frames, 5, (_Mean(), _Broken()))
    (again,) = load(dump(made))
    (one,) = made
    assert (again.exam, again.technique, again.device, again.display) == (
        one.exam,
        one.technique,
        one.device,
        one.display,
    )
    assert again.faults == one.faults and again.faults[-1].code == "measure.failed"
    assert isinstance(again.pixels, SlicePixels) and isinstance(one.pixels, SlicePixels)
    assert np.array_equal(again.pixels.values, one.pixels.values) and again.pixels.step == one.pixels.step
    assert list(again.numbers) == ["mean.value"] and again.numbers["mean.value"] == one.numbers["mean.value"]


def test_a_record_holds_no_identity(tmp_path: Path) -> None:
    ds = factories.ct(StudyDescription=f"CT of {factories.SENTINEL_ID}", SeriesDescription="chest")
    record = dump(record_of(frames_of(ds, tmp_path / "a.dcm"), 5, ()))
    for secret in (
        factories.SENTINEL_ID,
        ds.SOPInstanceUID,
        ds.FrameOfReferenceUID,
        ds.PatientBirthDate,
        ds.AccessionNumber,
    ):
        assert str(secret).encode() not in record
    assert str(factories.SENTINEL).encode() not in record and b"chest" in record


@pytest.mark.parametrize("cut", [0, 5, 40, -1])
def test_half_a_record_is_refused(tmp_path: Path, cut: int) -> None:
    record = dump(record_of(frames_of(factories.ct(), tmp_path / "a.dcm"), 5, ()))
    with pytest.raises(ValueError):
        load(record[:cut])


def test_an_image_without_pixels_keeps_its_reason(tmp_path: Path) -> None:
    (frame,) = frames_of(factories.ct(), tmp_path / "a.dcm")
    (one,) = load(dump(record_of([replace(frame, pixels=NoPixels("truncated", "half"))], 5, ())))
    assert one.pixels == NoPixels("truncated", "half")


def full(values: np.ndarray, padding: np.ndarray | None = None) -> Pixels:
    return Pixels(
        values.astype(np.float32), None, padding, (0.0, 4095.0), (0.5, 0.6), "PixelSpacing", False, None, 0, 1
    )


@pytest.mark.parametrize(("modality", "longest"), [("CT", 256), ("MR", 512)])
@pytest.mark.parametrize("shape", [(512, 512), (700, 300), (1023, 1024)])
def test_pixels_are_reduced_by_area_means(modality: str, longest: int, shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).normal(100, 50, shape)
    small = reduced(full(values), modality)
    assert max(small.values.shape) <= longest
    assert small.spacing_mm == (0.5 * small.factor, 0.6 * small.factor)
    rows, columns = (side // small.factor for side in shape)
    blocks = values[: rows * small.factor, : columns * small.factor]
    means = blocks.reshape(rows, small.factor, columns, small.factor).mean((1, 3))
    assert np.abs(small.modality()[:rows, :columns] - means).max() <= small.step


def test_padding_stays_air() -> None:
    values = np.full((8, 8), 40.0)
    values[:4] = -2000.0
    padding = values == -2000.0
    values[7, 7] = -1000.0
    assert reduced(full(values, padding), "CT").modality().min() == pytest.approx(-1000.0, abs=0.1)


def enhanced(frames: int = 6) -> Dataset:
    """An enhanced MR: two b-values of three slices, thickness and orientation shared."""
    pixels = np.stack([np.full((16, 16), 100 * (n + 1), np.uint16) for n in range(frames)])
    ds = factories.mr(pixels)
    ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.4.1"
    for keyword in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "SliceThickness",
        "EchoTime",
    ):
        delattr(ds, keyword)
    shared = Dataset()
    shared.PixelMeasuresSequence = [item(PixelSpacing=["2", "2"], SliceThickness="4")]
    shared.PlaneOrientationSequence = [item(ImageOrientationPatient=["1", "0", "0", "0", "1", "0"])]
    shared.MREchoSequence = [item(EffectiveEchoTime=80.0)]
    ds.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for number in range(frames):
        own = Dataset()
        own.PlanePositionSequence = [item(ImagePositionPatient=["0", "0", str(5 * (number % 3))])]
        if number >= 3:
            own.MRDiffusionSequence = [item(DiffusionBValue=1000.0)]
        own.MRImageFrameTypeSequence = [item(FrameType=["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"])]
        groups.append(own)
    ds.PerFrameFunctionalGroupsSequence = groups
    return ds


def item(**values: object) -> Dataset:
    one = Dataset()
    for keyword, value in values.items():
        setattr(one, keyword, value)
    return one


def test_every_frame_of_an_enhanced_object_has_its_own_place_and_b_value(tmp_path: Path) -> None:
    frames = frames_of(enhanced(), tmp_path / "a.dcm")
    assert [one.technique.ImagePositionPatient[2] for one in frames] == [0, 5, 10, 0, 5, 10]
    assert [one.technique.DiffusionBValue for one in frames] == [None] * 3 + [1000.0] * 3
    assert {one.technique.EchoTime for one in frames} == {80.0}
    assert frames[0].exam.ImageType[2] == "DIFFUSION"
    assert [one.pixels.values.max() for one in frames if isinstance(one.pixels, Pixels)] == [
        100,
        200,
        300,
        400,
        500,
        600,
    ]
    volume = volume_of(Series("k", record_of(frames, 0, ())))
    assert (
        isinstance(volume, Volume) and volume.values.shape == (3, 16, 16) and volume.spacing_mm == (5.0, 2.0, 2.0)
    )


def test_frames_behind_the_time_limit_are_listed_without_pixels(tmp_path: Path) -> None:
    frames = frames_of(enhanced(), tmp_path / "a.dcm", max_frames_seconds=-1.0)
    assert len(frames) == 6 and all(isinstance(one.pixels, NoPixels) for one in frames)
    assert frames[5].technique.ImagePositionPatient == (0.0, 0.0, 10.0)


def csa(**values: list[str]) -> bytes:
    """A CSA header with these tags."""
    raw = b"SV10" + b"\4\3\2\1" + struct.pack("<II", len(values), 77)
    for name, texts in values.items():
        raw += struct.pack("<64si4siii", name.encode(), len(texts), b"DS\0\0", 3, len(texts), 77)
        for text in texts:
            content = text.encode() + b"\0"
            raw += struct.pack("<4i", len(content), len(content), 77, len(content)) + content
            raw += b"\0" * (-len(content) % 4)
    return raw


def mosaic(count: int = 5, normal: float = 1.0) -> Dataset:
    """Tiles of 8 x 8 in a square of 3 by 3; tile n has the value n + 1."""
    pixels = np.zeros((24, 24), np.uint16)
    for number in range(count):
        row, column = divmod(number, 3)
        pixels[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = number + 1
    ds = factories.mr(pixels, ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"], PixelSpacing=["3", "3"])
    ds.ImagePositionPatient, ds.SpacingBetweenSlices = ["-36", "-36", "10"], "4"
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    header = csa(NumberOfImagesInMosaic=[str(count)], SliceNormalVector=["0", "0", str(normal)])
    block.add_new(0x10, "OB", header + b"\0" * (len(header) % 2))
    return ds


@pytest.mark.parametrize("normal", [1.0, -1.0])
def test_tiles_of_a_mosaic_lie_along_its_normal(tmp_path: Path, normal: float) -> None:
    frames = frames_of(mosaic(normal=normal), tmp_path / "a.dcm")
    assert [one.technique.ImagePositionPatient for one in frames] == [
        (-12.0, -12.0, 10 + 4 * n * normal) for n in range(5)
    ]
    assert [float(one.pixels.values.mean()) for one in frames if isinstance(one.pixels, Pixels)] == [1, 2, 3, 4, 5]
    assert (frames[0].display.Rows, frames[0].display.Columns) == (8, 8)


def test_a_mosaic_that_cannot_be_told_apart_has_no_place(tmp_path: Path) -> None:
    ds = mosaic()
    del ds[0x0029, 0x1010]
    (frame,) = frames_of(ds, tmp_path / "a.dcm")
    assert frame.technique.ImagePositionPatient == () and frame.faults[-1].code == "mosaic.unknown"


@pytest.mark.parametrize(
    "broken", [b"", b"SV10", b"SV10" + bytes(60), csa(SliceNormalVector=["0", "x", "1"])[:-3]]
)
def test_a_broken_csa_header_says_nothing(broken: bytes) -> None:
    assert csa_numbers(broken, "SliceNormalVector") == ()


@pytest.mark.parametrize(
    ("creator", "group", "element", "vr", "value", "b"),
    [
        ("SIEMENS MR HEADER", 0x0019, 0x0C, "IS", "800", 800.0),
        ("Philips Imaging DD 001", 0x2001, 0x03, "FL", 600.0, 600.0),
        ("Image Private Header", 0x0065, 0x0A, "FD", 1000.0, 1000.0),
        ("GEMS_PARM_01", 0x0043, 0x39, "IS", ["1000000700", "8", "0", "0"], 700.0),
        ("SOMEBODY ELSE", 0x0019, 0x0C, "IS", "800", None),
    ],
)
@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"])
def test_b_values_of_four_makers(
    tmp_path: Path, creator: str, group: int, element: int, vr: str, value: object, b: float | None, syntax: str
) -> None:
    ds = factories.mr()
    ds.private_block(group, creator, create=True).add_new(element, vr, value)
    assert read_file(factories.write(ds, tmp_path / "a.dcm", syntax)).technique.DiffusionBValue == b


def test_a_volume_rises_from_the_feet_whatever_came_first(tmp_path: Path) -> None:
    slices: list[Slice] = []
    for number in (3, 1, 4, 2):
        pixels = np.full((8, 8), 100 * number, np.uint16)
        slices += record_of(frames_of(factories.ct(pixels, number), tmp_path / f"{number}.dcm"), 0, ())
    volume = volume_of(Series("k", tuple(slices)))
    assert isinstance(volume, Volume)
    assert list(volume.positions_mm) == [-20.0, -15.0, -10.0, -5.0] and volume.plane == "axial"
    assert list(volume.values.mean((1, 2)).round() + 1024) == [400, 300, 200, 100]
    assert isinstance(volume_of(Series("one", tuple(slices[:1]))), NoVolume)
