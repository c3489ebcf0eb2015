"""Acquisition: what one exposure says of itself, in the field's own words.

Field names are DICOM keywords, unchanged (PS3.6). ``None`` (or an empty tuple) means that the
object does not say; a reader never invents a value. Units are DICOM's unless the name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Origin = Literal["header", "ocr", "operator"]
Medium = Literal["object", "screen"]
"""A DICOM object, or the picture of a console's screen: 8 bits, scaled, windowed and drawn over."""


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """Who it is. Never enters a measurement, a finding, a log line or a wire message.

    ``repr`` shows nothing, so that a stray f-string cannot leak a name.
    """

    PatientID: str | None = None
    PatientName: str | None = None
    PatientBirthDate: str | None = None
    IssuerOfPatientID: str | None = None
    AccessionNumber: str | None = None
    OperatorsName: str | None = None
    StudyInstanceUID: str | None = None
    SeriesInstanceUID: str | None = None
    SOPInstanceUID: str | None = None
    FrameOfReferenceUID: str | None = None

    def __repr__(self) -> str:
        return "Identity(hidden)"


@dataclass(frozen=True, slots=True)
class Exam:
    """What was examined and how the object describes itself. Free text here may not leave the site."""

    SOPClassUID: str | None = None
    TransferSyntaxUID: str | None = None
    SpecificCharacterSet: tuple[str, ...] = ()
    Modality: str | None = None
    BodyPartExamined: str | None = None
    AnatomicRegion: str | None = None
    """Code value of the first item of AnatomicRegionSequence."""
    ViewPosition: str | None = None
    ViewCode: str | None = None
    """Code value of the first item of ViewCodeSequence."""
    Laterality: str | None = None
    ImageLaterality: str | None = None
    PatientOrientation: tuple[str, ...] = ()
    PatientPosition: str | None = None
    PresentationIntentType: str | None = None
    ImageType: tuple[str, ...] = ()
    StudyDescription: str | None = None
    SeriesDescription: str | None = None
    ProtocolName: str | None = None
    StudyDate: str | None = None
    StudyTime: str | None = None
    AcquisitionDate: str | None = None
    AcquisitionTime: str | None = None
    ContentDate: str | None = None
    ContentTime: str | None = None
    TimezoneOffsetFromUTC: str | None = None
    PatientSex: str | None = None
    PatientAge: str | None = None
    SeriesNumber: int | None = None
    InstanceNumber: int | None = None
    AcquisitionNumber: int | None = None
    ImagesInAcquisition: int | None = None
    TemporalPositionIdentifier: int | None = None
    """Also TemporalPositionIndex of an enhanced object's frame."""
    NumberOfTemporalPositions: int | None = None
    ComplexImageComponent: str | None = None
    DerivationDescription: str | None = None
    has_FrameOfReferenceUID: bool = False
    ContrastBolusAgent: str | None = None
    BurnedInAnnotation: str | None = None
    QualityControlImage: str | None = None
    RequestedProcedureID: str | None = None


@dataclass(frozen=True, slots=True)
class Technique:
    """How it was exposed or scanned, and what dose the object reports."""

    KVP: float | None = None
    ExposureTime: float | None = None
    """ms"""
    XRayTubeCurrent: float | None = None
    """mA"""
    Exposure: float | None = None
    """mAs (from Exposure or ExposureInuAs, whichever is there)"""
    DistanceSourceToDetector: float | None = None
    """mm"""
    DistanceSourceToPatient: float | None = None
    Grid: tuple[str, ...] = ()
    ExposureIndex: float | None = None
    TargetExposureIndex: float | None = None
    DeviationIndex: float | None = None
    RelativeXRayExposure: float | None = None
    Sensitivity: float | None = None
    ImageAndFluoroscopyAreaDoseProduct: float | None = None
    """dGy.cm2, as DICOM has it"""
    EntranceDoseInmGy: float | None = None
    OrganDose: float | None = None
    """dGy, as DICOM has it"""
    CompressionForce: float | None = None
    BodyPartThickness: float | None = None
    CollimatorLeftVerticalEdge: float | None = None
    CollimatorRightVerticalEdge: float | None = None
    CollimatorUpperHorizontalEdge: float | None = None
    CollimatorLowerHorizontalEdge: float | None = None
    SliceThickness: float | None = None
    SpacingBetweenSlices: float | None = None
    ImagePositionPatient: tuple[float, ...] = ()
    ImageOrientationPatient: tuple[float, ...] = ()
    ConvolutionKernel: tuple[str, ...] = ()
    ReconstructionDiameter: float | None = None
    DataCollectionDiameter: float | None = None
    TableHeight: float | None = None
    GantryDetectorTilt: float | None = None
    SpiralPitchFactor: float | None = None
    RevolutionTime: float | None = None
    """s"""
    TotalCollimationWidth: float | None = None
    FilterType: str | None = None
    ReconstructionTargetCenterPatient: tuple[float, ...] = ()
    DataCollectionCenterPatient: tuple[float, ...] = ()
    ExposureModulationType: str | None = None
    CTDIvol: float | None = None
    """mGy"""
    WaterEquivalentDiameter: float | None = None
    RepetitionTime: float | None = None
    EchoTime: float | None = None
    InversionTime: float | None = None
    FlipAngle: float | None = None
    MagneticFieldStrength: float | None = None
    ImagingFrequency: float | None = None
    NumberOfAverages: float | None = None
    PixelBandwidth: float | None = None
    InPlanePhaseEncodingDirection: str | None = None
    ReceiveCoilName: str | None = None
    SAR: float | None = None
    DiffusionBValue: float | None = None
    """s/mm2; from the makers' private elements where the standard one is missing"""
    DiffusionGradientOrientation: tuple[float, ...] = ()
    ScanningSequence: tuple[str, ...] = ()
    SequenceVariant: tuple[str, ...] = ()
    ScanOptions: tuple[str, ...] = ()
    SequenceName: str | None = None
    """Also PulseSequenceName of an enhanced object."""
    MRAcquisitionType: str | None = None
    """2D or 3D"""
    EchoTrainLength: float | None = None
    EchoNumbers: tuple[float, ...] = ()
    AcquisitionMatrix: tuple[float, ...] = ()
    NumberOfPhaseEncodingSteps: float | None = None
    PercentSampling: float | None = None
    PercentPhaseFieldOfView: float | None = None
    ParallelReductionFactorInPlane: float | None = None
    TransmitCoilName: str | None = None
    MechanicalIndex: float | None = None


@dataclass(frozen=True, slots=True)
class Device:
    """The machine that made it and the place it stands in."""

    Manufacturer: str | None = None
    ManufacturerModelName: str | None = None
    DeviceSerialNumber: str | None = None
    StationName: str | None = None
    SoftwareVersions: tuple[str, ...] = ()
    InstitutionName: str | None = None
    InstitutionalDepartmentName: str | None = None
    DateOfLastDetectorCalibration: str | None = None
    DetectorID: str | None = None


@dataclass(frozen=True, slots=True)
class Display:
    """What the header says of the pixels, known even when the pixels cannot be decoded."""

    Rows: int | None = None
    Columns: int | None = None
    NumberOfFrames: int = 1
    SamplesPerPixel: int | None = None
    PhotometricInterpretation: str | None = None
    BitsAllocated: int | None = None
    BitsStored: int | None = None
    PixelRepresentation: int | None = None
    WindowCenter: tuple[float, ...] = ()
    WindowWidth: tuple[float, ...] = ()
    VOILUTFunction: str | None = None
    has_VOILUTSequence: bool = False
    PresentationLUTShape: str | None = None
    RescaleSlope: float | None = None
    RescaleIntercept: float | None = None
    RescaleType: str | None = None
    PixelPaddingValue: int | None = None
    PixelSpacing: tuple[float, ...] = ()
    ImagerPixelSpacing: tuple[float, ...] = ()
    NominalScannedPixelSpacing: tuple[float, ...] = ()
    PixelSpacingCalibrationType: str | None = None
    LossyImageCompression: str | None = None
    LossyImageCompressionRatio: tuple[float, ...] = ()
    LossyImageCompressionMethod: tuple[str, ...] = ()
    SequenceOfUltrasoundRegions: int = 0
    """How many calibrated regions an ultrasound image declares."""


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """A VOI LUT (PS3.3 C.11.2): modality value ``first`` is shown as ``entries[0]``, and so on."""

    first: float
    entries: NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """One decoded frame, ready to measure.

    ``values``: (rows, columns) float32, modality values (RescaleSlope/Intercept or Modality LUT applied;
    luminance for colour). ``padding``: True where the pixel is padding, or None when there is none.
    ``value_range``: lowest and highest value that BitsStored can hold, in the same units.
    ``inverted``: PhotometricInterpretation is MONOCHROME1 (low value shown bright). ``values`` stay as stored.
    """

    values: NDArray[np.float32]
    color: NDArray[np.uint8] | None
    padding: NDArray[np.bool_] | None
    value_range: tuple[float, float]
    spacing_mm: tuple[float, float] | None
    """(between rows, between columns) at the detector or in the patient; see ``spacing_source``."""
    spacing_source: str | None
    """DICOM keyword the spacing came from."""
    inverted: bool
    window: tuple[float, float] | None
    """(centre, width) of the first VOI window, in modality values."""
    frame: int
    frames: int
    voi_table: LookupTable | None = None
    """The first VOI LUT, when the object has one."""


@dataclass(frozen=True, slots=True)
class NoPixels:
    """Why there is nothing to measure: a code from :data:`NO_PIXELS` and a plain-English detail."""

    code: str
    detail: str = ""


NO_PIXELS = (
    "no_pixel_data",
    "not_an_image",
    "truncated",
    "no_decoder",
    "decode_failed",
    "too_large",
    "too_slow",
    "inconsistent",
)


@dataclass(frozen=True, slots=True)
class DoseEvent:
    """One irradiation event of a radiation dose structured report (PS3.16 TID 10003, 10013)."""

    kind: Literal["ct", "projection"]
    key: str = ""
    """Stands for the Irradiation Event UID: reports of one study often repeat the events of those before."""
    CTDIvol_mGy: float | None = None
    DLP_mGy_cm: float | None = None
    phantom_cm: int | None = None
    """16 or 32, from CTDIw Phantom Type."""
    DAP_Gy_cm2: float | None = None
    reference_point_mGy: float | None = None
    KVP: float | None = None
    ExposureIndex: float | None = None
    TargetExposureIndex: float | None = None
    DeviationIndex: float | None = None
    acquisition_type: str | None = None
    region: str | None = None
    """Code value of Target Region."""


@dataclass(frozen=True, slots=True)
class DoseReport:
    """The content of an RDSR: its events and its totals as the device states them."""

    events: tuple[DoseEvent, ...] = ()
    total_DLP_mGy_cm: float | None = None
    total_DAP_Gy_cm2: float | None = None
    total_reference_point_mGy: float | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in the object that did not stop reading, e.g. ``charset.missing`` or ``value.invalid``.

    ``detail`` names keywords and lengths, never a value.
    """

    code: str
    keyword: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class FieldOrigin:
    """Where a field came from, when not from the header of the object itself."""

    keyword: str
    origin: Origin
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class Acquisition:
    """One object, read. Everything the judge may look at."""

    arrival_id: str
    identity: Identity
    exam: Exam
    technique: Technique
    device: Device
    display: Display
    pixels: Pixels | NoPixels
    dose_report: DoseReport | None = None
    faults: tuple[Fault, ...] = ()
    provenance: tuple[FieldOrigin, ...] = ()
    private_marks: tuple[str, ...] = field(default=(), repr=False)
    """Values of the tags that the site configured as places of the shared-image mark."""
    medium: Medium = "object"
