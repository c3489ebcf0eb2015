"""display.*, spacing.*, lossy.* and the unchanged elements dicom.*."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture.acquisition import Acquisition, FieldOrigin, Identity, Pixels
from models.header.elements import LONGEST
from models.measurement import Measurement, NotMeasured, Reason
from tests.unit.models.acquisitions import (
    CHEST,
    CT,
    MISSING,
    NOT_ASKED,
    WRONG,
    fact,
    facts,
    pixels,
    spoil,
    with_fault,
)

JPEG_BASELINE, J2K = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.91"


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("display.window_present", True, {}),
        ("display.window_present", False, {"WindowCenter": (), "WindowWidth": ()}),
        ("display.window_present", True, {"WindowCenter": (), "WindowWidth": (), "has_VOILUTSequence": True}),
        ("display.window_valid", True, {}),
        ("display.window_valid", False, {"WindowWidth": (0.0,)}),
        ("display.window_valid", False, {"WindowWidth": (0.5,)}),
        ("display.window_valid", True, {"WindowWidth": (0.5,), "VOILUTFunction": "LINEAR_EXACT"}),
        ("display.window_valid", False, {"WindowCenter": (1.0, 2.0)}),
        ("display.window_valid", MISSING, {"WindowCenter": (), "WindowWidth": ()}),
        ("display.voi_lut_valid", True, {"VOILUTFunction": "SIGMOID"}),
        ("display.voi_lut_valid", False, {"VOILUTFunction": "GAMMA"}),
        ("display.lut_shape_agrees", True, {}),
        ("display.lut_shape_agrees", False, {"PresentationLUTShape": "INVERSE"}),
        (
            "display.lut_shape_agrees",
            True,
            {"PresentationLUTShape": "INVERSE", "PhotometricInterpretation": "MONOCHROME1"},
        ),
        ("display.lut_shape_agrees", MISSING, {"PresentationLUTShape": None}),
        ("display.lut_shape_agrees", MISSING, {"PhotometricInterpretation": "RGB"}),
        ("display.window_inside_values", Reason.NO_PIXELS, {}),
        ("spacing.required", True, {}),
        ("spacing.required", False, {"Modality": "OT"}),
        ("spacing.present", True, {}),
        ("spacing.source", "ImagerPixelSpacing", {}),
        ("spacing.source", "PixelSpacing", {"PixelSpacing": (0.2, 0.3)}),
        ("spacing.row_mm", 0.2, {"PixelSpacing": (0.2, 0.3)}),
        ("spacing.column_mm", 0.3, {"PixelSpacing": (0.2, 0.3)}),
        (
            "spacing.source",
            "NominalScannedPixelSpacing",
            {"ImagerPixelSpacing": (), "NominalScannedPixelSpacing": (0.1, 0.1)},
        ),
        ("spacing.present", False, {"ImagerPixelSpacing": (0.0, 0.15)}),
        ("spacing.source", WRONG, {"ImagerPixelSpacing": (float("nan"), 0.15)}),
        ("spacing.present", False, {"ImagerPixelSpacing": (0.15,)}),
        ("spacing.source", MISSING, {"ImagerPixelSpacing": ()}),
        ("spacing.present", True, {"ImagerPixelSpacing": (), "SequenceOfUltrasoundRegions": 1}),
        (
            "spacing.source",
            "SequenceOfUltrasoundRegions",
            {"ImagerPixelSpacing": (), "SequenceOfUltrasoundRegions": 1},
        ),
        ("spacing.row_mm", MISSING, {"ImagerPixelSpacing": (), "SequenceOfUltrasoundRegions": 1}),
        ("spacing.calibration_stated", NOT_ASKED, {}),
        ("spacing.calibration_stated", NOT_ASKED, {"PixelSpacing": (0.15, 0.15)}),
        ("spacing.calibration_stated", False, {"PixelSpacing": (0.14, 0.14)}),
        (
            "spacing.calibration_stated",
            True,
            {"PixelSpacing": (0.14, 0.14), "PixelSpacingCalibrationType": "FIDUCIAL"},
        ),
        ("lossy.flagged", False, {}),
        ("lossy.flagged", True, {"LossyImageCompression": "01"}),
        ("lossy.flagged", MISSING, {"LossyImageCompression": None}),
        ("lossy.flag_consistent", True, {}),
        ("lossy.flag_consistent", True, {"LossyImageCompression": None}),
        ("lossy.flag_consistent", False, {"LossyImageCompression": "1"}),
        ("lossy.flag_consistent", False, {"TransferSyntaxUID": JPEG_BASELINE}),
        ("lossy.flag_consistent", True, {"TransferSyntaxUID": JPEG_BASELINE, "LossyImageCompression": "01"}),
        ("lossy.flag_consistent", True, {"TransferSyntaxUID": J2K}),
        ("lossy.flag_consistent", False, {"LossyImageCompressionRatio": (10.0,)}),
        (
            "lossy.flag_consistent",
            False,
            {"LossyImageCompression": "01", "LossyImageCompressionMethod": ("ISO_10918_1",)},
        ),
        ("lossy.ratio", 12.5, {"LossyImageCompressionRatio": (10.0, 12.5)}),
        ("lossy.ratio", MISSING, {}),
    ],
)
def test_display(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(CHEST, **fields)) == expected


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (pixels([[100.0, 200.0]], window=(150.0, 50.0)), True),
        (pixels([[100.0, 200.0]], window=(210.0, 20.0)), True),
        (pixels([[100.0, 200.0]], window=(1000.0, 50.0)), False),
        (pixels([[100.0, 200.0]], window=(-50.0, 50.0)), False),
        (pixels([[100.0, 4000.0]], window=(3000.0, 50.0), padding=4000.0), False),
        (pixels([[100.0, 200.0]]), MISSING),
        (pixels([[0.0, 0.0]], window=(1.0, 1.0), padding=0.0), Reason.NO_PIXELS),
        (pixels([[float("nan"), 5.0]], window=(5.0, 1.0)), True),
    ],
)
def test_the_window_must_show_something(picture: Pixels, expected: object) -> None:
    assert fact("display.window_inside_values", replace(CHEST, pixels=picture)) == expected


def test_elements_are_handed_on_with_the_unit_of_the_catalogue() -> None:
    measured = facts(CHEST).get("dicom.KVP")
    assert isinstance(measured, Measurement)
    assert (measured.value, measured.unit, measured.producer) == (120.0, "kV", "elements/1")
    assert fact("dicom.WindowCenter", CHEST) == 2048.0
    assert fact("dicom.ImageType", CHEST) == ("ORIGINAL", "PRIMARY", "")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"SeriesDescription": "Wang Xiaoming chest"}, WRONG),
        ({"SeriesDescription": "chest of a7741902"}, WRONG),
        ({"SeriesDescription": "born 19800301"}, WRONG),
        ({"SeriesDescription": "by hongwei", "OperatorsName": "Li^Hongwei"}, WRONG),
        ({"SeriesDescription": "XiaomingWang PA"}, WRONG),
        ({"SeriesDescription": "Wangjing chest"}, "Wangjing chest"),
        ({"SeriesDescription": "Wang chest"}, WRONG),
        ({"SeriesDescription": "T1 12", "PatientID": "1", "PatientName": "Yu^E"}, "T1 12"),
        ({"SeriesDescription": "x" * (LONGEST + 1)}, WRONG),
        ({"SeriesDescription": "  "}, MISSING),
        ({"SeriesDescription": "Chest\tPA "}, "Chest\tPA"),
        ({"SeriesDescription": "王小明 胸片", "PatientName": "Wang^Xiaoming=王小明"}, WRONG),
    ],
)
def test_a_text_that_names_the_patient_is_not_handed_on(fields: dict[str, object], expected: object) -> None:
    assert fact("dicom.SeriesDescription", spoil(CHEST, **fields)) == expected


def test_a_code_survives_a_patient_who_is_called_alike() -> None:
    phantom = replace(CHEST, identity=Identity(PatientName="PHANTOM^CHEST", PatientID="QC"))
    assert fact("dicom.BodyPartExamined", phantom) == "CHEST"
    assert fact("dicom.BodyPartExamined", spoil(phantom, BodyPartExamined="PHANTOM^CHEST")) is WRONG


def test_one_leaking_value_withholds_the_whole_list() -> None:
    assert fact("dicom.SoftwareVersions", spoil(CHEST, SoftwareVersions=("1.0", "A7741902"))) is WRONG
    assert fact("dicom.SoftwareVersions", spoil(CHEST, SoftwareVersions=("v",) * (LONGEST + 1))) is WRONG


def test_invalid_is_told_from_missing() -> None:
    assert fact("dicom.KVP", spoil(CHEST, KVP=None)) is MISSING
    assert fact("dicom.KVP", with_fault(spoil(CHEST, KVP=None), "value.invalid", "KVP")) is WRONG
    assert fact("dicom.KVP", spoil(CHEST, KVP=float("inf"))) is WRONG


def test_a_field_read_by_ocr_is_only_as_sure_as_the_ocr() -> None:
    seen = replace(CT, provenance=(FieldOrigin("KVP", "ocr", 0.8), FieldOrigin("CTDIvol", "ocr", 0.6)))
    measured = facts(seen)
    for name, sureness in (("dicom.KVP", 0.8), ("dicom.Modality", 1.0), ("dose.ctdivol_mGy", 0.6)):
        found = measured.get(name)
        assert isinstance(found, Measurement)
        assert found.confidence == sureness


def test_details_never_quote_a_value() -> None:
    odd = spoil(CHEST, SeriesDescription="A7741902", PatientAge="SECRET", ViewPosition="SECRET", Grid=("SECRET",))
    details = [found.detail for found in facts(odd) if isinstance(found, NotMeasured)]
    assert not any("SECRET" in detail or "A7741902" in detail for detail in details)


@pytest.mark.parametrize(
    ("name", "keyword", "base"),
    [
        ("spacing.source", "PixelSpacing", spoil(CHEST, ImagerPixelSpacing=())),
        ("display.window_valid", "WindowWidth", spoil(CHEST, WindowCenter=(), WindowWidth=())),
        ("geometry.plane", "ImageOrientationPatient", spoil(CT, ImageOrientationPatient=())),
        ("geometry.gap_mm", "SliceThickness", spoil(CT, SliceThickness=None)),
        (
            "device.calibration_age_days",
            "DateOfLastDetectorCalibration",
            spoil(CHEST, DateOfLastDetectorCalibration=None),
        ),
        ("technique.grid_used", "Grid", spoil(CHEST, Grid=())),
        ("burned_in.flagged", "BurnedInAnnotation", spoil(CHEST, BurnedInAnnotation=None)),
    ],
)
def test_what_the_reader_dropped_is_invalid_not_missing(name: str, keyword: str, base: Acquisition) -> None:
    assert fact(name, base) is MISSING
    assert fact(name, with_fault(base, "value.invalid", keyword)) is WRONG
