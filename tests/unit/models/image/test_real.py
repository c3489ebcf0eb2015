"""Real radiographs that pydicom-data ships: what is known of them must come out."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pydicom.data
import pytest

from capture.arrival import Arrival
from capture.dicom.reader import read
from models.measurement import Measurements, Reason
from tests.unit.models.image.phantoms import measured, number, reasons


@cache
def facts_of(name: str) -> Measurements:
    path = pydicom.data.get_testdata_file(name)
    assert isinstance(path, str), f"{name} is not in pydicom-data"
    arrival = Arrival("0", "0" * 64, Path(path).stat().st_size, "dicom", "test", 0)
    return measured(read(Path(path), arrival))


def test_tibia() -> None:
    """CR, original, collimated to both sides of the leg.

    Half-level of the row means, read apart from this code: columns 451 to 1244 at mid height, 460 to 1254 in row
    200, 442 to 1232 in row 1560: 794 wide, turned by 0.84 degrees.
    """
    facts = facts_of("RG3_UNCR.dcm")
    assert number(facts, "field.edges_seen") == 2
    assert number(facts, "field.width_px") == pytest.approx(794, abs=9)
    assert number(facts, "field.height_px") == pytest.approx(1760, abs=2)
    assert number(facts, "field.rotation_deg") == pytest.approx(0.84, abs=0.2)
    assert 30 < number(facts, "clipping.background_percent") < 50
    assert facts.value("inversion.mismatch") in (None, False)


def test_chest() -> None:
    """CR, derived, linear values: no border inside the picture; noise is refused; not inverted."""
    facts = facts_of("RG1_UNCR.dcm")
    assert facts.value("field.found") is False
    assert facts.value("inversion.mismatch") is False
    assert reasons(facts, ["noise.sigma", "noise.relative_percent"]) == {Reason.NOT_RELIABLE}
    assert reasons(facts, ["field.tags_agree"]) == {Reason.INVALID_IN_HEADER}


@pytest.mark.parametrize("name", ["RG1_UNCR.dcm", "RG1_J2KR.dcm", "RG3_UNCR.dcm", "RG3_J2KR.dcm"])
def test_clean_detectors(name: str) -> None:
    """Nothing is known to be wrong with these detectors."""
    facts = facts_of(name)
    assert number(facts, "artefact.dead_line_count") == 0
    assert number(facts, "artefact.stitch_step_count") == 0
    assert number(facts, "artefact.grid_peak_ratio") < 3
    assert number(facts, "clipping.bright_percent") < 0.5
    assert number(facts, "clipping.dark_percent") < 0.5
    assert facts.value("image.blank") is False


def test_lossless_coding_changes_nothing() -> None:
    """The reversible JPEG 2000 twin has the same pixels; its header says DERIVED, so its noise is refused."""
    plain, coded = facts_of("RG3_UNCR.dcm"), facts_of("RG3_J2KR.dcm")
    same = [f.name for f in plain if f.name.split(".")[0] in ("field", "sharpness", "artefact", "image")]
    assert [plain.value(name) for name in same] == [coded.value(name) for name in same]
