"""exposure.*, technique.*, dose.*, geometry.*: right, wrong, missing and malformed."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.acquisition import DoseEvent, DoseReport, NoPixels
from models.exposure.deviation import deviation_index
from models.exposure.geometry import normal_of
from models.measurement import Reason
from tests.unit.models.acquisitions import CHEST, CT, MISSING, NOT_ASKED, WRONG, fact, spoil, with_fault

_GROUP = ("KVP", "Exposure", "DistanceSourceToDetector", "ExposureIndex", "TargetExposureIndex", "DeviationIndex")


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("exposure.deviation_index", 0.0, {}),
        ("exposure.deviation_index", pytest.approx(3.0103, abs=1e-4), {"ExposureIndex": 800.0}),
        ("exposure.deviation_index", pytest.approx(-3.0103, abs=1e-4), {"ExposureIndex": 200.0}),
        ("exposure.deviation_index", MISSING, {"TargetExposureIndex": None}),
        ("exposure.deviation_index", MISSING, {"ExposureIndex": None, "Sensitivity": 400.0}),
        ("exposure.deviation_index", WRONG, {"TargetExposureIndex": 0.0}),
        ("exposure.deviation_index", WRONG, {"ExposureIndex": -400.0}),
        ("exposure.deviation_index", WRONG, {"ExposureIndex": math.nan}),
        ("exposure.deviation_index", NOT_ASKED, {"Modality": "MG"}),
        ("exposure.deviation_index_error", 0.0, {}),
        ("exposure.deviation_index_error", pytest.approx(3.0), {"DeviationIndex": -3.0}),
        ("exposure.deviation_index_error", MISSING, {"DeviationIndex": None}),
        ("exposure.deviation_index_error", MISSING, {"TargetExposureIndex": None}),
        ("exposure.target_present", True, {}),
        ("exposure.target_present", False, {"TargetExposureIndex": None}),
        ("exposure.target_present", False, {"TargetExposureIndex": 0.0}),
        ("exposure.vendor_scale_only", False, {"Sensitivity": 200.0}),
        ("exposure.vendor_scale_only", True, {"Sensitivity": 200.0, "ExposureIndex": None}),
        ("exposure.vendor_scale_only", True, {"RelativeXRayExposure": 1900.0, "ExposureIndex": None}),
        ("exposure.group_required", True, {}),
        ("exposure.group_required", False, {"Modality": "US"}),
        ("exposure.group_complete", True, {}),
        ("exposure.group_complete", True, {"Exposure": None}),
        ("exposure.group_missing", (), {}),
        ("exposure.group_missing", ("KVP", "DeviationIndex"), {"KVP": None, "DeviationIndex": None}),
        ("exposure.group_missing", ("Exposure",), {"Exposure": None, "ExposureTime": None}),
        ("exposure.group_missing", _GROUP, {**dict.fromkeys(_GROUP), "ExposureTime": None}),
        ("exposure.group_missing", NOT_ASKED, {"Modality": "CT"}),
        ("technique.mas", 2.0, {}),
        ("technique.mas", 2.0, {"Exposure": None}),
        ("technique.mas", MISSING, {"Exposure": None, "XRayTubeCurrent": None}),
        ("technique.mas", WRONG, {"Exposure": 0.0}),
        ("technique.mas", NOT_ASKED, {"Modality": "MR"}),
        ("technique.sid_mm", 1800.0, {}),
        ("technique.sid_mm", WRONG, {"DistanceSourceToDetector": 0.0}),
        ("technique.sid_mm", MISSING, {"DistanceSourceToDetector": None}),
        ("technique.grid_used", True, {}),
        ("technique.grid_used", False, {"Grid": ("NONE",)}),
        ("technique.grid_used", WRONG, {"Grid": ("NONE", "FOCUSED")}),
        ("technique.grid_used", WRONG, {"Grid": ("yes",)}),
        ("technique.grid_used", MISSING, {"Grid": ()}),
        ("dose.dap_Gy_cm2", pytest.approx(0.12), {}),
        ("dose.dap_Gy_cm2", WRONG, {"ImageAndFluoroscopyAreaDoseProduct": -1.0}),
        ("dose.entrance_mGy", 0.12, {}),
        ("dose.organ_mGy", pytest.approx(1.5), {"Modality": "MG", "OrganDose": 0.015}),
        ("dose.required", True, {}),
        ("dose.required", False, {"Modality": "US"}),
        ("dose.present", True, {}),
        ("dose.present", False, {"ImageAndFluoroscopyAreaDoseProduct": None, "EntranceDoseInmGy": None}),
        ("dose.present", NOT_ASKED, {"Modality": "MR"}),
        ("dose.event_count", NOT_ASKED, {}),
        ("dose.report_received", Reason.NOT_CONNECTED, {}),
    ],
)
def test_radiograph(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(CHEST, **fields)) == expected


def test_an_index_the_reader_dropped_is_invalid() -> None:
    dropped = with_fault(spoil(CHEST, TargetExposureIndex=None), "value.invalid", "TargetExposureIndex")
    assert fact("exposure.deviation_index", dropped) is WRONG


@given(st.floats(1e-3, 1e6), st.floats(1e-3, 1e6), st.floats(1.01, 100))
def test_deviation_index_is_logarithmic(index: float, target: float, factor: float) -> None:
    di = deviation_index(index, target)
    assert target * 10 ** (di / 10) == pytest.approx(index, rel=1e-9)
    assert deviation_index(index * factor, target) - di == pytest.approx(10 * math.log10(factor), abs=1e-9)
    assert deviation_index(target, index) == pytest.approx(-di, abs=1e-9)
    assert deviation_index(target, target) == 0.0


@pytest.mark.parametrize(("index", "target"), [(0.0, 400.0), (400.0, 0.0), (-1.0, 1.0), (math.nan, 400.0)])
def test_deviation_index_needs_positive_numbers(index: float, target: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        deviation_index(index, target)


@pytest.mark.parametrize(
    ("name", "expected", "fields"),
    [
        ("geometry.orientation_present", True, {}),
        ("geometry.orientation_present", False, {"ImageOrientationPatient": ()}),
        ("geometry.orientation_valid", True, {}),
        (
            "geometry.orientation_valid",
            True,
            {"ImageOrientationPatient": (0.99995, 0.01, 0.0, -0.01, 0.99995, 0.0)},
        ),
        ("geometry.orientation_valid", False, {"ImageOrientationPatient": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)}),
        ("geometry.orientation_valid", False, {"ImageOrientationPatient": (2.0, 0.0, 0.0, 0.0, 1.0, 0.0)}),
        ("geometry.orientation_valid", False, {"ImageOrientationPatient": (1.0, 0.0, 0.0)}),
        ("geometry.orientation_valid", False, {"ImageOrientationPatient": (math.nan, 0.0, 0.0, 0.0, 1.0, 0.0)}),
        ("geometry.orientation_valid", MISSING, {"ImageOrientationPatient": ()}),
        ("geometry.position_present", True, {}),
        ("geometry.position_present", False, {"ImagePositionPatient": ()}),
        ("geometry.plane", "axial", {}),
        ("geometry.plane", "coronal", {"ImageOrientationPatient": (1.0, 0.0, 0.0, 0.0, 0.0, -1.0)}),
        ("geometry.plane", "sagittal", {"ImageOrientationPatient": (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)}),
        ("geometry.plane", WRONG, {"ImageOrientationPatient": (0.0,) * 6}),
        ("geometry.plane", MISSING, {"ImageOrientationPatient": ()}),
        ("geometry.gap_mm", 0.25, {}),
        ("geometry.gap_mm", 0.25, {"SpacingBetweenSlices": -1.5}),
        ("geometry.gap_mm", -0.25, {"SpacingBetweenSlices": 1.0}),
        ("geometry.gap_mm", MISSING, {"SpacingBetweenSlices": None}),
        ("geometry.gap_ratio", 0.2, {}),
        ("geometry.gap_ratio", WRONG, {"SliceThickness": 0.0}),
        ("geometry.gap_ratio", MISSING, {"SliceThickness": None}),
        ("geometry.plane", NOT_ASKED, {"Modality": "DX"}),
        ("dose.ctdivol_mGy", 8.5, {}),
        ("dose.ctdivol_mGy", MISSING, {"CTDIvol": None}),
        ("dose.dlp_mGy_cm", NOT_ASKED, {}),
    ],
)
def test_slices(name: str, expected: object, fields: dict[str, object]) -> None:
    assert fact(name, spoil(CT, **fields)) == expected


@given(st.floats(-math.pi, math.pi), st.floats(-math.pi / 2, math.pi / 2), st.floats(-math.pi, math.pi))
def test_any_rotation_has_a_unit_normal(yaw: float, pitch: float, roll: float) -> None:
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
    row = (cy * cp, sy * cp, -sp)
    column = (cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, cp * sr)
    normal = normal_of((*row, *column))
    assert normal is not None
    assert math.hypot(*normal) == pytest.approx(1.0, abs=1e-6)


HEAD = DoseEvent("ct", CTDIvol_mGy=55.0, DLP_mGy_cm=800.0, phantom_cm=16)
BODY = DoseEvent("ct", CTDIvol_mGy=8.0, DLP_mGy_cm=300.0, phantom_cm=32)
SCOUT = DoseEvent("ct")
SHOT = DoseEvent("projection", DAP_Gy_cm2=0.1, reference_point_mGy=0.2)


@pytest.mark.parametrize(
    ("name", "expected", "report"),
    [
        ("dose.ctdivol_mGy", 55.0, DoseReport((BODY, HEAD, SCOUT))),
        ("dose.phantom_cm", 16.0, DoseReport((BODY, HEAD))),
        ("dose.phantom_cm", MISSING, DoseReport((replace(HEAD, phantom_cm=None),))),
        ("dose.dlp_mGy_cm", 1100.0, DoseReport((BODY, HEAD))),
        ("dose.dlp_mGy_cm", 1150.0, DoseReport((BODY, HEAD), total_DLP_mGy_cm=1150.0)),
        ("dose.dlp_mGy_cm", MISSING, DoseReport((BODY, SCOUT))),
        ("dose.dlp_mGy_cm", WRONG, DoseReport((), total_DLP_mGy_cm=-1.0)),
        ("dose.dlp_mGy_cm", MISSING, DoseReport()),
        ("dose.dap_Gy_cm2", pytest.approx(0.2), DoseReport((SHOT, SHOT))),
        ("dose.dap_Gy_cm2", 0.0, DoseReport((), total_DAP_Gy_cm2=0.0)),
        ("dose.reference_point_mGy", pytest.approx(0.4), DoseReport((SHOT, SHOT))),
        ("dose.event_count", 3.0, DoseReport((BODY, HEAD, SHOT))),
        ("dose.event_count", 0.0, DoseReport()),
        ("dose.ctdivol_mGy", MISSING, DoseReport((SHOT,))),
        ("dose.total_disagreement_ratio", 0.0, DoseReport((BODY, HEAD), total_DLP_mGy_cm=1100.0)),
        ("dose.total_disagreement_ratio", pytest.approx(0.5), DoseReport((SHOT,), total_DAP_Gy_cm2=0.2)),
        ("dose.total_disagreement_ratio", MISSING, DoseReport((BODY,))),
        ("dose.total_disagreement_ratio", MISSING, DoseReport((BODY, SCOUT), total_DLP_mGy_cm=300.0)),
        ("dose.entrance_mGy", NOT_ASKED, DoseReport((SHOT,))),
        ("dose.required", True, DoseReport()),
        ("dose.present", False, DoseReport()),
        ("dose.present", True, DoseReport((HEAD,))),
    ],
)
def test_dose_report(name: str, expected: object, report: DoseReport) -> None:
    sr = replace(
        CHEST,
        exam=replace(CHEST.exam, Modality="SR"),
        display=replace(CHEST.display, Rows=None),
        pixels=NoPixels("not_an_image"),
        dose_report=report,
    )
    assert fact(name, sr) == expected
