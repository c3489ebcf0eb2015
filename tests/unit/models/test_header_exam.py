"""body.*, laterality.*, view.*, naming.*, clock.*, device.*, child.*, burned_in.*, count.*, object.*."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from capture.acquisition import Acquisition, DoseEvent, DoseReport, NoPixels
from capture.dicom.reader import read
from models.header.anatomy_terms import Sides, is_term, sides_of, term_of, term_of_code
from models.measurement import Reason
from tests.factories import arrival_of
from tests.unit.models.acquisitions import (
    CHEST,
    CT,
    HERE,
    MISSING,
    NOT_ASKED,
    RECEIVED_AT,
    WRONG,
    fact,
    pixels,
    spoil,
    with_fault,
)

REPORT = replace(
    CHEST,
    display=replace(CHEST.display, Rows=None, Columns=None),
    dose_report=DoseReport(),
    exam=replace(CHEST.exam, Modality="SR"),
    pixels=NoPixels("not_an_image"),
)
KNEE = spoil(CHEST, BodyPartExamined="KNEE", ImageLaterality="L", SeriesDescription="左膝正位", ViewPosition="AP")


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("body.present", True, {}),
        ("body.present", True, {"BodyPartExamined": None, "AnatomicRegion": "T-D3000"}),
        ("body.present", False, {"BodyPartExamined": None}),
        ("body.is_standard_term", True, {}),
        ("body.is_standard_term", False, {"BodyPartExamined": "Chest"}),
        ("body.is_standard_term", False, {"BodyPartExamined": "胸部"}),
        ("body.is_standard_term", MISSING, {"BodyPartExamined": None}),
        ("body.part", "CHEST", {"BodyPartExamined": "chest"}),
        ("body.part", "CSPINE", {"BodyPartExamined": "C-SPINE"}),
        ("body.part", "KNEE", {"BodyPartExamined": None, "AnatomicRegion": "72696002"}),
        ("body.part", WRONG, {"BodyPartExamined": "胸部"}),
        ("body.part", MISSING, {"BodyPartExamined": None}),
        ("body.sources_agree", True, {"AnatomicRegion": "816094009"}),
        ("body.sources_agree", False, {"AnatomicRegion": "72696002"}),
        ("body.sources_agree", WRONG, {"AnatomicRegion": "0"}),
        ("body.sources_agree", MISSING, {}),
        ("body.agrees_with_order", Reason.NOT_CONNECTED, {}),
        ("laterality.required", False, {}),
        ("laterality.required", True, {"BodyPartExamined": "HAND"}),
        ("laterality.required", False, {"BodyPartExamined": "LUNG"}),
        ("laterality.required", WRONG, {"BodyPartExamined": "手"}),
        ("laterality.required", True, {"BodyPartExamined": None, "Modality": "MG"}),
        ("laterality.on_unpaired", False, {"BodyPartExamined": None, "Modality": "MG", "ImageLaterality": "L"}),
        ("laterality.present", False, {}),
        ("laterality.present", True, {"Laterality": "R"}),
        ("laterality.valid", False, {"Laterality": "links"}),
        ("laterality.valid", MISSING, {}),
        ("laterality.on_unpaired", True, {"ImageLaterality": "L"}),
        ("laterality.on_unpaired", False, {"ImageLaterality": "U"}),
        ("laterality.on_unpaired", False, {"ImageLaterality": "R", "BodyPartExamined": "KIDNEY"}),
        ("laterality.stated", MISSING, {}),
        ("view.required", True, {}),
        ("view.required", False, {"Modality": "CT"}),
        ("view.present", False, {"ViewPosition": None}),
        ("view.present", NOT_ASKED, {"Modality": "MR"}),
        ("view.projection", "PA", {}),
        ("view.projection", "PA", {"ViewPosition": "pa"}),
        ("view.projection", "LL", {"ViewPosition": None, "ViewCode": "399173006"}),
        ("view.projection", "PA", {"ViewPosition": None, "ViewCode": "R-10214"}),
        ("view.projection", "LAT", {"ViewPosition": "LATERAL"}),
        ("view.projection", WRONG, {"ViewPosition": "正位"}),
        ("view.projection", MISSING, {"ViewPosition": None}),
        ("view.is_standard_term", True, {}),
        ("view.is_standard_term", False, {"ViewPosition": "LAT"}),
        ("view.sources_agree", True, {"ViewCode": "272479007"}),
        ("view.sources_agree", False, {"ViewCode": "399348003"}),
        ("view.sources_agree", True, {"ViewPosition": "LL", "ViewCode": "399067008"}),
        ("view.sources_agree", MISSING, {}),
        ("view.sources_agree", WRONG, {"ViewCode": "1"}),
        ("view.orientation_present", True, {}),
        ("view.orientation_present", False, {"PatientOrientation": ("", "")}),
        ("naming.description_present", True, {}),
        ("naming.description_present", False, {"SeriesDescription": None}),
        ("naming.matches_grammar", NOT_ASKED, {}),
        ("naming.phase_named", False, {}),
        ("naming.phase_named", True, {"SeriesDescription": "腹部增强 动脉期"}),
        ("naming.phase_named", MISSING, {"SeriesDescription": None, "ProtocolName": None}),
        ("child.protocol_named", False, {}),
        ("child.protocol_named", True, {"ProtocolName": "Chest Paed 5kg"}),
        ("child.protocol_named", True, {"StudyDescription": "小儿胸部正位"}),
        ("child.protocol_named", True, {"ProtocolName": "02_ThoraxRoutineChild"}),
        ("child.protocol_named", True, {"StudyDescription": "儿科胸片"}),
        ("child.protocol_named", False, {"ProtocolName": "Pedal view foot"}),
        ("child.protocol_named", MISSING, {"SeriesDescription": None, "ProtocolName": None}),
        ("burned_in.stated", True, {}),
        ("burned_in.flagged", False, {}),
        ("burned_in.flagged", True, {"BurnedInAnnotation": "YES"}),
        ("burned_in.stated", False, {"BurnedInAnnotation": "maybe"}),
        ("burned_in.flagged", MISSING, {"BurnedInAnnotation": None}),
        ("burned_in.agrees_with_ocr", Reason.NOT_CONNECTED, {}),
        ("count.expected", MISSING, {}),
        ("count.expected", 120.0, {"ImagesInAcquisition": 120}),
        ("count.agrees_with_mpps", Reason.NOT_CONNECTED, {}),
        ("device.missing", (), {}),
        (
            "device.missing",
            ("ManufacturerModelName", "StationName"),
            {"ManufacturerModelName": "", "StationName": None},
        ),
        ("device.serial_present", False, {"DeviceSerialNumber": " "}),
        ("device.calibration_age_days", 27.0, {}),
        ("device.calibration_age_days", WRONG, {"DateOfLastDetectorCalibration": "soon"}),
        ("device.calibration_age_days", MISSING, {"DateOfLastDetectorCalibration": None}),
        ("object.is_original", True, {}),
        ("object.is_derived", False, {}),
        ("object.is_derived", False, {"ImageType": ("DERIVED", "PRIMARY")}),
        ("object.is_derived", False, {"ImageType": ("DERIVED ", "PRIMARY", "AXIAL")}),
        ("object.is_derived", False, {"ImageType": ("DERIVED", "PRIMARY", "M_FFE", "M", "FFE")}),
        ("object.is_derived", False, {"ImageType": ("ORIGINAL", "PRIMARY", "MPR")}),
        ("object.is_derived", True, {"ImageType": ("DERIVED", "SECONDARY", "AXIAL")}),
        ("object.is_derived", True, {"ImageType": ("DERIVED", "PRIMARY", "DIFFUSION", "ADC", "ND", "NORM")}),
        ("object.is_derived", True, {"ImageType": ("DERIVED", "PRIMARY", "PROJECTION IMAGE", "MIP")}),
        ("object.is_derived", True, {"ImageType": ("DERIVED", "PRIMARY", "AXIAL", "CT_SOM5 MPR")}),
        ("object.is_derived", True, {"ImageType": ("DERIVED", "PRIMARY", "PERFUSION", "RCBF")}),
        ("object.is_derived", MISSING, {"ImageType": ()}),
        ("object.is_localizer", False, {}),
        ("object.is_localizer", True, {"ImageType": ("ORIGINAL", "PRIMARY", "LOCALIZER")}),
        ("object.is_localizer", True, {"SeriesDescription": "3-plane localiser", "Modality": "MR"}),
        ("object.is_localizer", True, {"SeriesDescription": "3-pl T2* loc", "Modality": "MR"}),
        ("object.is_localizer", False, {"SeriesDescription": "local shim", "Modality": "MR"}),
        ("object.is_localizer", False, {"SeriesDescription": "Skeletal survey"}),
        ("object.is_secondary_capture", True, {"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}),
        ("object.is_secondary_capture", False, {}),
        ("object.pixels_readable", False, {}),
        ("object.pixels_fault", "no_decoder", {}),
        ("object.faults", (), {}),
    ],
)
def test_exam(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(CHEST, **fields)) == expected


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("laterality.contradiction", False, {}),
        ("laterality.contradiction", True, {"Laterality": "R"}),
        ("laterality.contradiction", True, {"ImageLaterality": "R"}),
        ("laterality.contradiction", False, {"SeriesDescription": "knee LEFT and RIGHT"}),
        ("laterality.contradiction", True, {"SeriesDescription": "RT KNEE AP"}),
        ("laterality.contradiction", False, {"SeriesDescription": "t2 tse RT", "Modality": "MR"}),
        ("laterality.contradiction", True, {"SeriesDescription": "t2 tse right", "Modality": "MR"}),
        ("laterality.contradiction", False, {"SeriesDescription": "upright knee", "ImageLaterality": "L"}),
        ("laterality.contradiction", MISSING, {"ImageLaterality": None}),
        ("laterality.stated", "L", {}),
        ("laterality.required", True, {}),
    ],
)
def test_side_of_a_knee(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(KNEE, **fields)) == expected


@pytest.mark.parametrize(
    ("text", "fits", "thickness", "agrees"),
    [
        ("CHEST-AX-LUNG-1.25-PLAIN", True, 1.25, True),
        ("胸部-轴位-肺窗-1.25mm", True, 1.25, True),
        ("CHEST-AX-LUNG-5", True, 5.0, False),
        ("CHEST-LUNG-AX-1.25", False, 1.25, True),
        ("CHEST--LUNG-1.25", False, 1.25, True),
        ("Lung 1.25 B70f", False, MISSING, MISSING),
        (None, MISSING, MISSING, MISSING),
    ],
)
def test_series_name(text: str | None, fits: object, thickness: object, agrees: object) -> None:
    named = spoil(CT, SeriesDescription=text)
    assert fact("naming.matches_grammar", named) == fits
    assert fact("naming.thickness_mm", named) == thickness
    assert fact("naming.thickness_agrees", named) == agrees


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("clock.exam_time_present", True, {}),
        ("clock.exam_time_present", False, {"StudyTime": None}),
        ("clock.exam_time_valid", True, {}),
        ("clock.exam_time_valid", False, {"AcquisitionTime": "2515"}),
        ("clock.exam_time_valid", False, {"StudyDate": "20261301"}),
        ("clock.age_s", 59.75, {}),
        ("clock.age_s", 59.75 + 3600, {"TimezoneOffsetFromUTC": "+0900"}),
        ("clock.age_s", 120.0, {"AcquisitionTime": None}),
        ("clock.age_s", -240.0, {"AcquisitionTime": "102000"}),
        ("clock.age_s", MISSING, {"AcquisitionTime": None, "StudyTime": None}),
        ("clock.in_future", False, {}),
        ("clock.in_future", True, {"StudyDate": "20260301"}),
        ("clock.in_future", MISSING, {"StudyDate": None, "AcquisitionDate": None}),
        ("clock.zone_stated", False, {}),
        ("clock.zone_stated", True, {"TimezoneOffsetFromUTC": "+0800"}),
        ("clock.age_s", pytest.approx(63.9e9, rel=0.01), {"AcquisitionDate": "00010101"}),
    ],
)
def test_clock(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(CHEST, **fields)) == expected


def test_a_box_without_the_right_time_does_not_judge_the_devices() -> None:
    lost = replace(HERE, clock_synced=False)
    assert fact("clock.age_s", CHEST, lost) is Reason.NOT_RELIABLE
    assert fact("clock.in_future", CHEST, lost) is Reason.NOT_RELIABLE


@pytest.mark.parametrize("name", ["clock.age_s", "clock.in_future"])
@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd"])
def test_an_unknown_site_zone_is_said(name: str, zone: str) -> None:
    assert fact(name, CHEST, replace(HERE, timezone=zone)) is Reason.NOT_CONFIGURED


def test_the_day_of_receipt_is_that_of_the_site() -> None:
    late = replace(HERE, received_at=RECEIVED_AT - 11 * 3600 * 1000)  # 23:16 on the 27th in Shanghai
    assert fact("clock.in_future", CHEST, late) is True
    assert fact("clock.in_future", CHEST, replace(late, timezone="Pacific/Auckland")) is False


def test_times_the_reader_dropped_are_invalid() -> None:
    assert fact("clock.exam_time_valid", with_fault(CHEST, "value.invalid", "ContentTime")) is False


def test_no_time_at_all_is_not_invalid() -> None:
    fields = dict.fromkeys(("StudyDate", "StudyTime", "AcquisitionDate", "AcquisitionTime"))
    assert fact("clock.exam_time_valid", spoil(CHEST, **fields)) is MISSING


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("object.is_image", False),
        ("object.is_dose_report", True),
        ("object.is_localizer", NOT_ASKED),
        ("object.pixels_readable", NOT_ASKED),
        ("display.window_present", NOT_ASKED),
        ("spacing.present", NOT_ASKED),
        ("lossy.flagged", NOT_ASKED),
        ("view.required", False),
        ("laterality.required", NOT_ASKED),
        ("laterality.on_unpaired", NOT_ASKED),
        ("identity.patient_id_present", True),
    ],
)
def test_a_report_is_not_asked_for_what_pictures_have(name: str, expected: object) -> None:
    assert fact(name, REPORT) == expected


def test_decoded_pixels_are_readable() -> None:
    decoded: Acquisition = replace(CHEST, pixels=pixels([[1.0, 2.0]]))
    assert fact("object.pixels_readable", decoded) is True
    assert fact("object.pixels_fault", decoded) is NOT_ASKED


def test_faults_are_told_once_each_by_code() -> None:
    twice = with_fault(with_fault(CHEST, "value.invalid", "KVP"), "value.invalid", "Exposure")
    assert fact("object.faults", with_fault(twice, "charset.missing", "")) == ("charset.missing", "value.invalid")


def test_terms_of_anatomy() -> None:
    assert is_term("CHESTABDPELVIS") and not is_term("chest")
    assert term_of(" l-spine ") == "LSPINE"
    assert term_of("") is None and term_of_code("") is None
    assert {term_of_code(code) for code in ("T-D3000", "51185008", "43799004", "816094009")} == {"CHEST"}
    assert sides_of("WRIST") is Sides.PAIRED
    assert sides_of("KIDNEY") is Sides.EITHER
    assert sides_of("SKULL") is Sides.UNPAIRED


@pytest.mark.parametrize(
    ("expected", "regions"),
    [
        ("CHEST", ["T-D3000", "51185008", None]),
        ("ABDOMEN", ["818981001 "]),
        (Reason.NOT_RELIABLE, ["T-D3000", "T-D4000"]),
        (Reason.NOT_RELIABLE, ["T-D3000", "T-D0001"]),
        (WRONG, ["T-D0001"]),
        (MISSING, [None, " "]),
        (MISSING, []),
    ],
)
def test_the_part_of_a_dose_report_is_the_target_region_of_all_events(
    expected: object, regions: list[str | None]
) -> None:
    report = replace(
        REPORT,
        exam=replace(REPORT.exam, BodyPartExamined=None),
        dose_report=DoseReport(tuple(DoseEvent("ct", region=region) for region in regions)),
    )
    assert fact("body.part", report) == expected
    assert fact("body.present", report) is (expected is not MISSING)


SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom" / "sr"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data are not here")
@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("CT-ESR-GE_Optima.dcm", "ABDOMEN"),
        ("CT-RDSR-Siemens-Multi-3.dcm", "CHEST"),
        ("CT-RDSR-Siemens_Flash-TAP-SS.dcm", "ABDOMEN"),
        ("CT-RDSR-Siemens_Flash-QA-DS.dcm", Reason.NOT_RELIABLE),
        ("CT-RDSR-ToshibaPixelMed.dcm", "CHESTABDPELVIS"),
        ("CT-RDSR-GEPixelMed.dcm", MISSING),
        ("CT-ESR-GE_VCT.dcm", WRONG),
        ("DX-RDSR-Canon_CXDI.dcm", "CHEST"),
        ("DX-RDSR-Carestream_DRXEvolution.dcm", Reason.NOT_RELIABLE),
        ("MG-RDSR-Hologic_2D.dcm", "BREAST"),
    ],
)
def test_the_part_of_reports_of_real_devices(file: str, expected: object) -> None:
    report = read(SHARED / file, arrival_of(SHARED / file))
    assert fact("body.part", report) == expected
    assert fact("laterality.required", report) == NOT_ASKED


def test_the_region_of_a_topogram_does_not_count_beside_a_scan() -> None:
    topogram = DoseEvent("ct", acquisition_type="Constant Angle Acquisition", region="T-D0010")
    spiral = DoseEvent("ct", acquisition_type="Spiral Acquisition", region="T-D4000")
    report = replace(REPORT, exam=replace(REPORT.exam, BodyPartExamined=None))
    assert fact("body.part", replace(report, dose_report=DoseReport((topogram, spiral)))) == "ABDOMEN"
    assert fact("body.part", replace(report, dose_report=DoseReport((topogram,)))) == "WHOLEBODY"


def test_a_body_part_that_is_written_goes_before_the_target_region() -> None:
    report = replace(REPORT, dose_report=DoseReport((DoseEvent("ct", region="T-D4000"),)))
    assert fact("body.part", report) == "CHEST"


@pytest.mark.parametrize(
    ("expected", "code"),
    [(True, "no_pixel_data"), (True, "truncated"), (False, "not_an_image"), (False, "too_large")],
)
def test_an_image_that_was_promised_is_an_image(expected: bool, code: str) -> None:
    cut = replace(CHEST, display=replace(CHEST.display, Rows=None), pixels=NoPixels(code))
    assert fact("object.is_image", cut) is expected
