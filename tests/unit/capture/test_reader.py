"""Known header in, known Acquisition out; broken objects keep what can be kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedCTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from capture.acquisition import Pixels
from tests import factories
from tests.unit.capture.reading import codes, read_file

NATIVE = (ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian)


@pytest.mark.parametrize("syntax", NATIVE)
def test_header_of_every_native_syntax(tmp_path: Path, syntax: str) -> None:
    acquisition = read_file(factories.write(factories.dx(), tmp_path / "dx", syntax))
    assert acquisition.faults == ()
    assert acquisition.exam.TransferSyntaxUID == syntax
    assert acquisition.identity.PatientName == factories.SENTINEL
    assert acquisition.identity.PatientBirthDate == "19800105"
    assert acquisition.exam.Modality == "DX"
    assert acquisition.exam.PatientOrientation == ("L", "F")
    assert acquisition.exam.ViewCode == "272479007"
    assert acquisition.exam.AnatomicRegion == "51185008"
    assert acquisition.exam.SeriesNumber == 1
    assert acquisition.device.InstitutionName == "示范医院"
    assert acquisition.technique.KVP == 125
    assert acquisition.technique.ExposureIndex == 250
    assert acquisition.technique.Grid == ("FOCUSED",)
    assert acquisition.display.BitsStored == 12
    assert acquisition.display.ImagerPixelSpacing == (0.15, 0.15)
    assert acquisition.dose_report is None


def test_ct_values_that_are_lists_and_binary(tmp_path: Path) -> None:
    acquisition = read_file(factories.write(factories.ct(number=3), tmp_path / "ct", ImplicitVRLittleEndian))
    assert acquisition.technique.ImagePositionPatient == (-175.0, -175.0, -15.0)
    assert acquisition.technique.SpiralPitchFactor == 1.2
    assert acquisition.technique.CTDIvol == 8.5
    assert acquisition.display.WindowCenter == (40.0, -600.0)
    assert acquisition.exam.has_FrameOfReferenceUID
    assert acquisition.display.RescaleIntercept == -1024


def test_absent_is_none_and_no_fault(tmp_path: Path) -> None:
    ds = factories.dx(KVP=None, ExposureIndex=None, ViewPosition=None, Grid=None)
    acquisition = read_file(factories.write(ds, tmp_path / "dx"))
    assert (acquisition.technique.KVP, acquisition.exam.ViewPosition) == (None, None)
    assert acquisition.technique.Grid == ()
    assert acquisition.faults == ()


def test_exposure_in_microampere_seconds(tmp_path: Path) -> None:
    ds = factories.dx(Exposure=None, ExposureInuAs=2400, ExposureTime=None, ExposureTimeInuS=8500)
    technique = read_file(factories.write(ds, tmp_path / "a")).technique
    assert technique.Exposure == pytest.approx(2.4)
    assert technique.ExposureTime == pytest.approx(8.5)
    rounded = read_file(factories.write(factories.dx(Exposure=0, ExposureInuAs=400), tmp_path / "b")).technique
    assert rounded.Exposure == pytest.approx(0.4)
    true_zero = read_file(factories.write(factories.dx(Exposure=0), tmp_path / "c")).technique
    assert true_zero.Exposure == 0


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_functional_groups_of_the_chosen_frame(tmp_path: Path, implicit: bool, undefined: bool) -> None:
    ds = factories.ct()
    for keyword in ("ImagePositionPatient", "WindowCenter", "WindowWidth", "RescaleSlope", "RescaleIntercept"):
        delattr(ds, keyword)
    del ds.KVP, ds.XRayTubeCurrent, ds.PixelSpacing, ds.Exposure
    pixels = factories.phantom(16, 16)
    factories.with_pixels(ds, pixels[None].repeat(4, axis=0), 12)
    ds.SOPClassUID = EnhancedCTImageStorage
    ds.SharedFunctionalGroupsSequence = Sequence([_group(PixelMeasuresSequence={"PixelSpacing": ["0.5", "0.4"]})])
    ds.PerFrameFunctionalGroupsSequence = Sequence(
        _group(
            CTXRayDetailsSequence={"KVP": str(100 + frame)},
            CTExposureSequence={"XRayTubeCurrentInmA": 200.0 + frame, "ExposureInmAs": 50.0},
            PlanePositionSequence={"ImagePositionPatient": ["0", "0", str(frame)]},
            FrameVOILUTSequence={"WindowCenter": "40", "WindowWidth": str(300 + frame)},
            PixelValueTransformationSequence={"RescaleSlope": "2", "RescaleIntercept": "-1000"},
        )
        for frame in range(4)
    )
    if undefined:
        for sequence in (ds.PerFrameFunctionalGroupsSequence, ds.SharedFunctionalGroupsSequence):
            for item in sequence:
                item.is_undefined_length_sequence_item = True
        ds["PerFrameFunctionalGroupsSequence"].is_undefined_length = True
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    acquisition = read_file(factories.write(ds, tmp_path / "ect", syntax))
    assert acquisition.technique.KVP == 102
    assert acquisition.technique.XRayTubeCurrent == 202
    assert acquisition.technique.Exposure == 50
    assert acquisition.technique.ImagePositionPatient == (0.0, 0.0, 2.0)
    assert isinstance(acquisition.pixels, Pixels)
    assert acquisition.pixels.window == (40, 302)
    assert acquisition.pixels.spacing_mm == (0.5, 0.4)
    assert acquisition.pixels.frame == 2
    assert acquisition.pixels.values[3, 5] == pixels[3, 5] * 2.0 - 1000


def _group(**macros: dict[str, object]) -> Dataset:
    group = Dataset()
    for keyword, values in macros.items():
        setattr(group, keyword, Sequence([factories.changed(Dataset(), values)]))
    return group


def test_marks_at_a_keyword_and_at_a_private_tag(tmp_path: Path) -> None:
    ds = factories.dx(ImageComments="HR-MARK-33")
    ds.private_block(0x0099, "REGION", create=True).add_new(0x01, "LO", "互认")
    path = factories.write(ds, tmp_path / "dx")
    marks = read_file(path, mark_tags=("ImageComments", "00991001", "NoSuchKeyword", "00991002")).private_marks
    assert marks == ("HR-MARK-33", "互认")


# --- values that are not valid for their VR -------------------------------------------------------


def test_invalid_values_become_none_and_name_the_keyword_only(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx")
    factories.with_raw(path, b"19800105", b"1980XX05")
    factories.with_raw(path, b"IS\x02\x002 ", b"IS\x02\x00x ")
    acquisition = read_file(path)
    assert acquisition.identity.PatientBirthDate is None
    assert acquisition.technique.Exposure is None
    assert codes(acquisition) == {("value.invalid", "PatientBirthDate"), ("value.invalid", "Exposure")}
    assert not any("XX" in repr(fault) for fault in acquisition.faults)


@pytest.mark.parametrize(
    ("keyword", "old", "new", "kept", "code"),
    [
        ("StudyDate", b"DA\x08\x0020260701", b"DA\x08\x0020260231", None, "value.invalid"),
        ("StudyTime", b"TM\x06\x00101500", b"TM\x06\x00256199", None, "value.invalid"),
        ("StudyTime", b"TM\x06\x00101500", b"TM\x06\x0010:15 ", "1015", "value.nonconforming"),
        ("BodyPartExamined", b"CHEST ", b"Chest ", "Chest", "value.nonconforming"),
        ("PatientAge", b"046Y", b"46Y ", None, "value.invalid"),
        ("SeriesNumber", b"IS\x02\x001 ", b"IS\x02\x00e9", None, "value.invalid"),
        ("SeriesNumber", b"IS\x02\x001 ", b"IS\x02\x00.5", None, "value.invalid"),
    ],
)
def test_value_checks(tmp_path: Path, keyword: str, old: bytes, new: bytes, kept: str | None, code: str) -> None:
    acquisition = read_file(factories.with_raw(factories.write(factories.dx(), tmp_path / "dx"), old, new))
    assert getattr(acquisition.exam, keyword) == kept
    assert (code, keyword) in codes(acquisition)


def test_wrong_vr_is_read_by_the_vr_that_is_there(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx")
    factories.with_raw(path, b"\x28\x00\x10\x00US\x02\x00\x60\x00", b"\x28\x00\x10\x00IS\x02\x0096")
    assert read_file(path).display.Rows == 96


def test_blank_vr(tmp_path: Path) -> None:
    path = factories.write(factories.dx(), tmp_path / "dx")
    factories.with_raw(path, b"\x28\x00\x10\x00US", b"\x28\x00\x10\x00  ")
    acquisition = read_file(path)
    assert acquisition.display.Rows == 96
    assert isinstance(acquisition.pixels, Pixels)


# --- files that are broken outside ----------------------------------------------------------------
