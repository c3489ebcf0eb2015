"""Dose reports: known truth, units of every vendor, and the totals that real devices state."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian

from capture.acquisition import DoseEvent, DoseReport
from capture.dicom.reader import ReadOptions, read
from tests import factories

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "dicom" / "sr"


def report_of(path: Path) -> DoseReport:
    report = read(path, factories.arrival_of(path)).dose_report
    assert report is not None
    return report


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"])
def test_ct(tmp_path: Path, syntax: str) -> None:
    path = factories.write(factories.ct_dose_report(12.5, 431.0, phantom_cm=16), tmp_path / "sr", syntax)
    assert report_of(path) == DoseReport(
        events=(
            DoseEvent(
                kind="ct",
                CTDIvol_mGy=12.5,
                DLP_mGy_cm=431.0,
                phantom_cm=16,
                KVP=120,
                acquisition_type="Spiral Acquisition",
                region="51185008",
            ),
        ),
        total_DLP_mGy_cm=431.0,
    )


@pytest.mark.parametrize(
    ("unit", "factor"),
    [
        ("Gy.m2", 1e4),
        ("Gym2", 1e4),
        ("dGy.cm2", 0.1),
        ("mGy.cm2", 1e-3),
        ("cGy.cm2", 1e-2),
        ("Gy.cm2", 1.0),
        ("uGy.m2", 1e-2),
    ],
)
def test_units_of_dose_area_product(tmp_path: Path, unit: str, factor: float) -> None:
    report = report_of(factories.write(factories.projection_dose_report(2.5, unit, rp_gy=0.004), tmp_path / "sr"))
    (event,) = report.events
    assert event.kind == "projection"
    assert event.DAP_Gy_cm2 == pytest.approx(2.5 * factor)
    assert report.total_DAP_Gy_cm2 == pytest.approx(2.5 * factor)
    assert event.reference_point_mGy == pytest.approx(4.0)
    assert report.total_reference_point_mGy == pytest.approx(4.0)
    assert event.KVP == 125


def test_unknown_unit_is_no_number(tmp_path: Path) -> None:
    path = factories.write(factories.projection_dose_report(2.5, "rad.in2"), tmp_path / "sr")
    acquisition = read(path, factories.arrival_of(path))
    assert acquisition.dose_report is not None
    assert acquisition.dose_report.events[0].DAP_Gy_cm2 is None
    assert acquisition.dose_report.total_DAP_Gy_cm2 is None
    assert {(fault.code, fault.keyword) for fault in acquisition.faults} == {
        ("unit.unknown", "122130"),
        ("unit.unknown", "113722"),
    }


def test_both_planes_count(tmp_path: Path) -> None:
    ds = factories.projection_dose_report(1.0, "Gy.cm2", rp_gy=0.002)
    ds.ContentSequence.append(factories.projection_dose_report(0.5, "Gy.cm2", rp_gy=0.001).ContentSequence[0])
    report = report_of(factories.write(ds, tmp_path / "sr"))
    assert report.total_DAP_Gy_cm2 == pytest.approx(1.5)
    assert report.total_reference_point_mGy == pytest.approx(3.0)


def test_a_report_that_was_not_wholly_looked_at_is_none(tmp_path: Path) -> None:
    path = factories.write(factories.ct_dose_report(), tmp_path / "sr")
    acquisition = read(path, factories.arrival_of(path), ReadOptions(max_elements=150))
    assert acquisition.dose_report is None
    assert [fault.code for fault in acquisition.faults] == ["structure.too_many_elements"]


def test_no_measured_value_and_other_reports(tmp_path: Path) -> None:
    ds = factories.ct_dose_report()
    dose = ds.ContentSequence[1].ContentSequence[3]
    dose.ContentSequence[0].MeasuredValueSequence = Sequence([])
    dose.ContentSequence[2].MeasuredValueSequence[0].NumericValue = None
    (event,) = report_of(factories.write(ds, tmp_path / "sr")).events
    assert (event.CTDIvol_mGy, event.DLP_mGy_cm) == (None, None)
    assert event.phantom_cm == 32
    other = factories.ct_dose_report(ConceptNameCodeSequence=Sequence([factories.code("18748-4", "LN", "Report")]))
    path = factories.write(other, tmp_path / "other")
    assert read(path, factories.arrival_of(path)).dose_report is None


@pytest.mark.skipif(not REAL.is_dir(), reason="the shared data are not here")
@pytest.mark.parametrize("file", sorted(p.name for p in REAL.glob("*RDSR*.dcm")) if REAL.is_dir() else [])
def test_real_devices_against_a_walk_with_pydicom(file: str) -> None:
    """Numbers of each event and total, read a second way: by pydicom, meaning by meaning."""
    from pydicom import dcmread

    report = report_of(REAL / file)
    tree = dcmread(REAL / file)
    assert len(report.events) == len(list(_all(tree, ("113819", "113706"))))
    assert report.events
    ctdi = [float(i.MeasuredValueSequence[0].NumericValue) for i in _all(tree, ("113830",))]
    assert [e.CTDIvol_mGy for e in report.events if e.CTDIvol_mGy is not None] == pytest.approx(ctdi)
    products = [i.MeasuredValueSequence[0] for i in _all(tree, ("122130",))]
    factors = {"Gy.m2": 1e4, "Gym2": 1e4, "dGy.cm2": 0.1, "mGy.cm2": 1e-3}
    expected = [float(p.NumericValue) * factors[p.MeasurementUnitsCodeSequence[0].CodeValue] for p in products]
    assert [e.DAP_Gy_cm2 for e in report.events if e.DAP_Gy_cm2 is not None] == pytest.approx(expected)


def _all(item: Dataset, concepts: tuple[str, ...]) -> list[Dataset]:
    found = []
    for child in item.get("ContentSequence", []):
        name = child.get("ConceptNameCodeSequence")
        counts = child.get("ValueType") != "NUM" or child.get("MeasuredValueSequence")
        if counts and name and name[0].get("CodeValue") in concepts:
            found.append(child)
        found += _all(child, concepts)
    return found
