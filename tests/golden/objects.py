"""Objects of known truth, one fault each, and what the five packs say of them.

The verdicts are in ``verdicts.json``. After a change that is meant, write them anew and read the difference:
``python -m tests.golden.objects``.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from capture.dicom.reader import read
from models.circumstances import Circumstances
from models.content import drafts
from models.judge import Content, judge
from models.producer import discover
from tests import factories
from tests.unit.models.image.phantoms import Array, torso

VERDICTS = Path(__file__).with_name("verdicts.json")
RECEIVED_AT = 1_782_872_100_000
"""2026-07-01 10:15 at UTC+8, when the factories' objects were made."""


def _chest(picture: Array | None = None, **changes: object) -> Dataset:
    """A chest PA with nothing wrong: exposed is stored high, so it is MONOCHROME1."""
    ds = factories.dx((torso() if picture is None else picture).astype(np.uint16))
    ds.PhotometricInterpretation, ds.PresentationLUTShape = "MONOCHROME1", "INVERSE"
    ds.ImageAndFluoroscopyAreaDoseProduct = "0.8"
    return factories.changed(ds, changes)


def _clipped(value: int) -> Dataset:
    """4095 is the dark end; between the phantom's lungs, so that only the body's share could tell."""
    picture = torso()
    picture[400:600, 300:500] = value
    return _chest(picture)


def _with_dead_lines() -> Dataset:
    """Four of 1600 columns: too few pixels to count as clipped as well."""
    picture = torso(1000, 1600)
    picture[:, 300:1500:300] = 0
    return _chest(picture)


def _knee(**changes: object) -> Dataset:
    """The header of a left knee; the picture is the chest's, for it is the header that is judged."""
    ds = _chest(BodyPartExamined="KNEE", ViewPosition="AP", ViewCodeSequence=None, ImageLaterality="L")
    ds.AnatomicRegionSequence = Sequence([factories.code("72696002", "SCT", "Knee")])
    ds.SeriesDescription, ds.StudyDescription, ds.ProtocolName = "KNEE AP LEFT", "KNEE", "Knee"
    return factories.changed(ds, changes)


MAKERS: dict[str, Callable[[], Dataset]] = {
    "chest_perfect": _chest,
    "chest_under_exposed": lambda: _chest(ExposureIndex="100", DeviationIndex="-3.98"),
    "chest_over_exposed_a_little": lambda: _chest(ExposureIndex="400", DeviationIndex="2.04"),
    "chest_clipped": lambda: _clipped(0),
    "chest_clipped_dark": lambda: _clipped(4095),
    "chest_dead_lines": _with_dead_lines,
    "chest_inverted": lambda: _chest(PhotometricInterpretation="MONOCHROME2", PresentationLUTShape="IDENTITY"),
    "chest_blank": lambda: _chest(np.full((900, 800), 2000, np.float32)),
    "chest_nobody": lambda: _chest(PatientID=None, PatientName=None),
    "chest_without_target_index": lambda: _chest(TargetExposureIndex=None, DeviationIndex=None),
    "chest_dose_area_product_high": lambda: _chest(ImageAndFluoroscopyAreaDoseProduct="1.2"),
    "chest_lossy": lambda: _chest(
        LossyImageCompression="01", LossyImageCompressionRatio="20", LossyImageCompressionMethod="ISO_10918_1"
    ),
    "chest_truncated": _chest,
    "chest_child": lambda: _chest(PatientBirthDate="20200105", PatientAge="006Y"),
    "chest_child_with_protocol": lambda: _chest(
        PatientBirthDate="20200105", PatientAge="006Y", ProtocolName="Chest PA child"
    ),
    "knee_perfect": _knee,
    "knee_wrong_side": lambda: _knee(SeriesDescription="KNEE AP RIGHT"),
    "knee_without_side": lambda: _knee(ImageLaterality=None),
    "ct_perfect": factories.ct,
    "ct_only_recompressed": lambda: factories.ct(ImageType=["DERIVED", "PRIMARY", "AXIAL"]),
    "ct_dose_above_level": lambda: factories.ct(CTDIvol=18.0),
    "ct_dose_high": lambda: factories.ct(CTDIvol=30.0),
    "ct_localizer": lambda: factories.ct(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], CTDIvol=30.0),
    "ct_reformat": lambda: factories.ct(ImageType=["DERIVED", "PRIMARY", "MPR"], CTDIvol=30.0),
    "ct_report_perfect": factories.ct_dose_report,
    "ct_report_dose_high": lambda: factories.ct_dose_report(30.0, 1200.0),
    "ct_report_range_long": lambda: factories.ct_dose_report(12.0, 1200.0),
    "ct_report_other_phantom": lambda: factories.ct_dose_report(30.0, 1200.0, phantom_cm=16),
    "mr_perfect": factories.mr,
    "mr_without_orientation": lambda: factories.mr(ImageOrientationPatient=None),
    "mr_wide_gap": lambda: factories.mr(SpacingBetweenSlices="8"),
}


@cache
def _content() -> Content:
    return Content(discover(), drafts.rules())


def verdict_of(name: str, folder: Path) -> dict[str, object]:
    """Grade, score and findings of one object, as ``verdicts.json`` has them."""
    path = factories.write(MAKERS[name](), folder / name)
    if name.endswith("truncated"):
        path.write_bytes(path.read_bytes()[:-1000])
    acquisition = read(path, factories.arrival_of(path, RECEIVED_AT))
    verdict = judge(acquisition, _content(), Circumstances(received_at=RECEIVED_AT)).verdict
    findings = {one.rule_id: f"{one.level} {one.severity} {one.deduct:g}" for one in verdict.findings}
    return {"grade": verdict.grade, "score": verdict.score, "findings": findings}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        verdicts = {name: verdict_of(name, Path(temporary)) for name in MAKERS}
    VERDICTS.write_text(json.dumps(verdicts, indent=2) + "\n", encoding="utf-8")
