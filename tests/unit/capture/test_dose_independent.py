"""Every dose report of ../shared, number by number against pydicom's own tree of the same file."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from capture.dicom.reader import read
from tests import factories

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "dicom" / "sr"
REPORTS = sorted(SHARED.glob("*RDSR*.dcm")) + sorted(SHARED.glob("CT-ESR*.dcm"))
_CODES = {
    "CTDIvol_mGy": "113830",
    "DLP_mGy_cm": "113838",
    "DAP_Gy_cm2": "122130",
    "reference_point_mGy": "113738",
    "KVP": "113733",
    "ExposureIndex": "113845",
    "TargetExposureIndex": "113846",
    "DeviationIndex": "113847",
}
_UNITS = {"Gy.m2": 1e4, "Gym2": 1e4, "Gy": 1e3, "dGy.cm2": 0.1, "mGy.cm2": 1e-3, "uGy.m2": 1e-2}


def below(item: Dataset) -> Iterator[Dataset]:
    for child in item.get("ContentSequence") or ():
        yield child
        yield from below(child)


def code(item: Dataset) -> str:
    named = item.get("ConceptNameCodeSequence")
    return str(named[0].get("CodeValue", "")) if named else ""


def number(item: Dataset) -> float | None:
    measured = item.get("MeasuredValueSequence")
    if not measured:
        return None
    value = measured[0].NumericValue
    unit = measured[0].get("MeasurementUnitsCodeSequence")
    first = float(value[0] if isinstance(value, pydicom.multival.MultiValue) else value)
    return first * _UNITS.get(unit[0].CodeValue if unit else "", 1.0)


@pytest.mark.skipif(not REPORTS, reason="../shared/data is not here")
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_each_number_of_each_irradiation_is_read(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = pydicom.dcmread(path)
        events = [item for item in below(tree) if code(item) in ("113819", "113706")]
        wanted = [
            {
                name: next((number(item) for item in below(event) if code(item) == of), None)
                for name, of in _CODES.items()
            }
            for event in events
        ]
    report = read(path, factories.arrival_of(path)).dose_report
    assert report is not None and len(report.events) == len(wanted)
    for event, numbers in zip(report.events, wanted, strict=True):
        for name, value in numbers.items():
            ours = getattr(event, name)
            assert (ours is None) == (value is None), name
            assert value is None or math.isclose(ours, value, rel_tol=1e-9, abs_tol=1e-12), name
    assert len({event.key for event in report.events}) == len(report.events)
