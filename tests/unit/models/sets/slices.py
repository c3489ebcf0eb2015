"""Slices made by hand, and what the producers and the rules say of a set of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from capture.acquisition import Device, Display, DoseReport, Exam, NoPixels, Technique
from models.circumstances import Circumstances
from models.content import drafts
from models.judge import Content, Judgement
from models.measurement import Measurement, Measurements, NotMeasured, Reason, Value
from models.sets.image_set import Completeness, ImageSet, Series, Slice, SlicePixels
from models.sets.judge import judge_set
from models.sets.producer import SetSubject, discover_sets
from models.sets.slices import PRODUCER as SLICES
from models.sets.study import PRODUCER as STUDY
from tests.unit.models.acquisitions import producers

ACROSS = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
_PICTURE = np.arange(64, dtype=np.int16).reshape(8, 8)
_AGED = Measurements([Measurement("person.age_years", 50.0)])
WHOLE = Completeness(True, "count")

CT = Slice(
    arrival_id="",
    received_at=0,
    instance="",
    frame_of_reference="frame",
    frame=0,
    exam=Exam(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.2",
        Modality="CT",
        BodyPartExamined="CHEST",
        ImageType=("ORIGINAL", "PRIMARY", "AXIAL"),
        SeriesDescription="CHEST-AX-LUNG-5-PLAIN",
        PatientAge="050Y",
        SeriesNumber=2,
    ),
    technique=Technique(
        KVP=120.0, SliceThickness=5.0, ImageOrientationPatient=ACROSS, ConvolutionKernel=("B70f",), CTDIvol=8.0
    ),
    device=Device(Manufacturer="ACME"),
    display=Display(8, 8, PixelSpacing=(0.7, 0.7), WindowCenter=(-600.0,), WindowWidth=(1500.0,)),
    pixels=SlicePixels(_PICTURE, 1.0, 0.0, (0.7, 0.7), 1),
)
MR = replace(
    CT,
    exam=replace(
        CT.exam,
        SOPClassUID="1.2.840.10008.5.1.4.1.1.4",
        Modality="MR",
        BodyPartExamined="HEAD",
        ImageType=("ORIGINAL", "PRIMARY", "M"),
        SeriesDescription="t2_tse_tra",
        StudyDescription="Head routine",
    ),
    technique=Technique(
        SliceThickness=5.0,
        ImageOrientationPatient=ACROSS,
        ScanningSequence=("SE",),
        RepetitionTime=4000.0,
        EchoTime=100.0,
        FlipAngle=150.0,
        MagneticFieldStrength=1.5,
    ),
)


def at(base: Slice, number: int, z: float, **fields: object) -> Slice:
    """A slice at this height with its own instance; fields of whichever part they are in."""
    one = with_fields(base, **{"ImagePositionPatient": (-100.0, -100.0, z), "InstanceNumber": number} | fields)
    name = fields.get("instance", f"i{number}")
    return replace(one, arrival_id=f"a{number}", instance=str(name))


def with_fields(base: Slice, **fields: object) -> Slice:
    """A copy with these fields, in whichever part they are."""
    changed: dict[str, Any] = {}
    for part in ("exam", "technique", "device", "display"):
        section = getattr(base, part)
        here = {name: value for name, value in fields.items() if name in type(section).__dataclass_fields__}
        if here:
            changed[part] = replace(section, **here)
    return replace(base, **changed)


def stack(base: Slice, count: int = 10, step: float = 5.0, **fields: object) -> list[Slice]:
    """Slices from the feet upwards, numbered from 1."""
    return [at(base, number, step * number, **fields) for number in range(1, count + 1)]


def damaged(one: Slice) -> Slice:
    """Its pixels cannot be decoded."""
    return replace(one, pixels=NoPixels("decode_failed"))


def series(slices: Sequence[Slice], key: str = "k") -> Series:
    return Series(key, tuple(slices))


def facts(*of: Sequence[Slice], reports: Sequence[DoseReport] = (), whole: Completeness = WHOLE) -> Measurements:
    """Of one series ``series.*``, of several ``study.*`` and ``drl.*``."""
    level = "series" if len(of) == 1 and not reports else "study"
    return facts_at(level, *of, reports=reports, whole=whole)


def facts_at(
    level: Any, *of: Sequence[Slice], reports: Sequence[DoseReport] = (), whole: Completeness = WHOLE
) -> Measurements:
    images = ImageSet(level, tuple(series(one, str(n)) for n, one in enumerate(of)), whole, tuple(reports))
    producer = SLICES if level == "series" else STUDY
    found = list(producer.measure(SetSubject(images, Circumstances(0), _AGED)))
    assert {fact.name for fact in found} == producer.provides
    return Measurements(found)


def said(name: str, measured: Measurements) -> Value | Reason:
    """The value of a fact, or why there is none."""
    fact = measured.get(name)
    return fact.reason if isinstance(fact, NotMeasured) else fact.value


@cache
def content() -> Content:
    """All rules, and the producers that need no network: those of headers and of sets."""
    return Content(producers(), drafts.rules(), set_producers=discover_sets())


def judged(slices: Sequence[Slice], whole: Completeness = WHOLE) -> Judgement:
    """A series, by all producers and all packs that ship."""
    return judge_set(ImageSet("series", (series(slices),), whole), content(), Circumstances(0))


def found(judgement: Judgement) -> dict[str, str]:
    """Rules that found something, and how grave."""
    return {finding.rule_id: finding.severity.value for finding in judgement.verdict.findings}
