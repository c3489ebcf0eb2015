"""Acquisitions made by hand: a complete, correct chest radiograph, CT slice and MR slice to spoil one field of."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from capture.acquisition import (
    Acquisition,
    Device,
    Display,
    Exam,
    Fault,
    Identity,
    NoPixels,
    Pixels,
    Technique,
)
from models import exposure, header
from models.circumstances import Circumstances
from models.measurement import Measured, Measurements, Reason
from models.producer import MeasurementProducer, in_order, measure_all

RECEIVED_AT = 1_772_244_960_000
"""2026-02-28 10:16:00 at UTC+8."""
HERE = Circumstances(received_at=RECEIVED_AT)

CHEST = Acquisition(
    arrival_id="19ca2236280-0000000000000000",
    identity=Identity(
        PatientID="A7741902",
        PatientName="Wang^Xiaoming",
        PatientBirthDate="19800301",
        AccessionNumber="DR26022801",
        OperatorsName="Li^Hong",
        StudyInstanceUID="1.2.840.1.1",
        SeriesInstanceUID="1.2.840.1.1.2",
        SOPInstanceUID="1.2.840.1.1.2.3",
    ),
    exam=Exam(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.1.1",
        TransferSyntaxUID="1.2.840.10008.1.2.1",
        SpecificCharacterSet=("ISO_IR 192",),
        Modality="DX",
        BodyPartExamined="CHEST",
        ViewPosition="PA",
        PatientOrientation=("L", "F"),
        ImageType=("ORIGINAL", "PRIMARY", ""),
        SeriesDescription="Chest PA",
        ProtocolName="Thorax adult",
        StudyDate="20260228",
        StudyTime="101400",
        AcquisitionDate="20260228",
        AcquisitionTime="101500.250",
        PatientSex="M",
        PatientAge="045Y",
        BurnedInAnnotation="NO",
    ),
    technique=Technique(
        KVP=120.0,
        ExposureTime=8.0,
        XRayTubeCurrent=250.0,
        Exposure=2.0,
        DistanceSourceToDetector=1800.0,
        Grid=("FOCUSED", "FIXED"),
        ExposureIndex=400.0,
        TargetExposureIndex=400.0,
        DeviationIndex=0.0,
        ImageAndFluoroscopyAreaDoseProduct=1.2,
        EntranceDoseInmGy=0.12,
    ),
    device=Device(
        Manufacturer="ACME",
        ManufacturerModelName="DR 9000",
        DeviceSerialNumber="SN-1",
        StationName="DR1",
        InstitutionName="某某县人民医院",
        DateOfLastDetectorCalibration="20260201",
    ),
    display=Display(
        Rows=4,
        Columns=4,
        PhotometricInterpretation="MONOCHROME2",
        BitsStored=12,
        WindowCenter=(2048.0,),
        WindowWidth=(4096.0,),
        PresentationLUTShape="IDENTITY",
        ImagerPixelSpacing=(0.15, 0.15),
        LossyImageCompression="00",
    ),
    pixels=NoPixels("no_decoder"),
)

CT = replace(
    CHEST,
    exam=replace(
        CHEST.exam,
        Modality="CT",
        ViewPosition=None,
        SeriesDescription="CHEST-AX-LUNG-1.25-PLAIN",
        has_FrameOfReferenceUID=True,
    ),
    technique=Technique(
        KVP=120.0,
        SliceThickness=1.25,
        SpacingBetweenSlices=1.5,
        ImagePositionPatient=(-200.0, -200.0, 10.0),
        ImageOrientationPatient=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0),
        CTDIvol=8.5,
    ),
    display=replace(CHEST.display, PixelSpacing=(0.7, 0.7), ImagerPixelSpacing=()),
)


@cache
def producers() -> tuple[MeasurementProducer, ...]:
    """Header and exposure producers in order."""
    return in_order([*header.PRODUCERS, *exposure.PRODUCERS])


def facts(acquisition: Acquisition, circumstances: Circumstances = HERE) -> Measurements:
    """Everything that header and exposure producers say."""
    return measure_all(producers(), acquisition, circumstances)[0]


def fact(name: str, acquisition: Acquisition, circumstances: Circumstances = HERE) -> object:
    """The value of one fact, or the Reason why there is none."""
    found: Measured = facts(acquisition, circumstances).get(name)
    return getattr(found, "value", None) if hasattr(found, "value") else found.reason


def spoil(base: Acquisition, **fields: object) -> Acquisition:
    """A copy with these fields, whichever part of the acquisition they are in."""
    copy = base
    for part in ("identity", "exam", "technique", "device", "display"):
        section = getattr(copy, part)
        here = {name: value for name, value in fields.items() if name in type(section).__dataclass_fields__}
        if here:
            copy = replace(copy, **{part: replace(section, **here)})
    unknown = set(fields) - {
        name
        for p in ("identity", "exam", "technique", "device", "display")
        for name in type(getattr(copy, p)).__dataclass_fields__
    }
    if unknown:
        raise TypeError(f"no such fields: {sorted(unknown)}")
    return copy


def with_fault(base: Acquisition, code: str, keyword: str) -> Acquisition:
    """A copy in which the reader found this fault."""
    return replace(base, faults=(*base.faults, Fault(code, keyword)))


def pixels(
    values: list[list[float]], window: tuple[float, float] | None = None, padding: float | None = None
) -> Pixels:
    """A small picture."""
    array = np.array(values, dtype=np.float32)
    return Pixels(
        values=array,
        color=None,
        padding=None if padding is None else array == padding,
        value_range=(0.0, 4095.0),
        spacing_mm=None,
        spacing_source=None,
        inverted=False,
        window=window,
        frame=0,
        frames=1,
    )


MISSING = Reason.NOT_IN_HEADER
WRONG = Reason.INVALID_IN_HEADER
NOT_ASKED = Reason.NOT_APPLICABLE
