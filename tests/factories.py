"""Synthetic DICOM objects with known truth, and with known faults.

Each maker gives a pydicom Dataset that conforms as far as the reader looks at it; keywords change it
(``dx(KVP=None)`` leaves KVP out). ``write`` puts it on disk in any transfer syntax that we can encode.
Identity is invented and always the same: ``SENTINEL`` is the name that must never turn up in a log.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSTransferSyntaxes,
    MRImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    XRayRadiationDoseSRStorage,
)

from capture.arrival import Arrival, arrival_id

SENTINEL = "ZZSENTINEL^QCBOX"
SENTINEL_ID = "ZZ-SENTINEL-0042"
SENTINEL_BIRTH = "19010203"
ROOT = "1.2.826.0.1.3680043.10.1525"


def uid(*parts: object) -> str:
    """A UID that is always the same for the same parts."""
    return f"{ROOT}.{int(hashlib.sha256(repr(parts).encode()).hexdigest()[:24], 16)}"


def changed(dataset: Dataset, changes: dict[str, object]) -> Dataset:
    """Set attributes by keyword; None takes the element out."""
    for keyword, value in changes.items():
        if value is None:
            if keyword in dataset:
                delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """One item of a code sequence."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def common(modality: str, sop_class: str, number: int = 1) -> Dataset:
    """Identity, exam and device: complete, so that the header items of a good object all pass."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = uid(modality, "instance", number)
    ds.StudyDate = ds.AcquisitionDate = ds.ContentDate = "20260701"
    ds.StudyTime = ds.AcquisitionTime = ds.ContentTime = "101500"
    ds.AccessionNumber = "A1000001"
    ds.Modality = modality
    ds.Manufacturer, ds.ManufacturerModelName = "Maker", "Model One"
    ds.InstitutionName = "示范医院"
    ds.StationName, ds.DeviceSerialNumber, ds.SoftwareVersions = "DR01", "SN0001", "1.0"
    ds.OperatorsName = "Operator^One"
    ds.PatientName, ds.PatientID = SENTINEL, SENTINEL_ID
    ds.PatientBirthDate, ds.PatientSex, ds.PatientAge = "19800105", "F", "046Y"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = uid(modality, "study"), uid(modality, "series")
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "1", 1, number
    return ds


def with_pixels(ds: Dataset, pixels: NDArray[np.generic], bits_stored: int | None = None) -> Dataset:
    """Image Pixel module of a (rows, columns), (frames, rows, columns) or (rows, columns, 3) uint8 array."""
    color = pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
    if pixels.ndim == 3 and not color:
        ds.NumberOfFrames = pixels.shape[0]
    ds.SamplesPerPixel = 3 if color else 1
    if color:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = "RGB" if color else "MONOCHROME2"
    ds.Rows, ds.Columns = pixels.shape[:2] if color or pixels.ndim == 2 else pixels.shape[1:3]
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored = bits_stored or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    stored = pixels.tobytes()
    ds.PixelData = stored + b"\0" * (len(stored) % 2)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated == 8 else "OW"
    return ds


def phantom(rows: int = 96, columns: int = 80, top: int = 4000, seed: int = 1) -> NDArray[np.uint16]:
    """A soft gradient with a bright disc and noise; values from 0 to ``top``."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:rows, 0:columns]
    picture = top * (0.2 + 0.5 * x / columns)
    picture[(y - rows / 2) ** 2 + (x - columns / 2) ** 2 < (min(rows, columns) / 4) ** 2] += 0.2 * top
    picture += rng.normal(0, top * 0.005, picture.shape)
    stored: NDArray[np.uint16] = np.clip(picture, 0, top).astype(np.uint16)
    return stored


def dx(pixels: NDArray[np.generic] | None = None, bits_stored: int = 12, **changes: object) -> Dataset:
    """A chest PA of a digital radiography room, for presentation."""
    ds = common("DX", DigitalXRayImageStorageForPresentation)
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.BodyPartExamined, ds.ViewPosition, ds.PatientOrientation = "CHEST", "PA", ["L", "F"]
    ds.SeriesDescription, ds.StudyDescription, ds.ProtocolName = "CHEST-PA", "CHEST", "Chest PA"
    ds.ImageLaterality = "U"
    ds.ViewCodeSequence = Sequence([code("272479007", "SCT", "postero-anterior")])
    ds.AnatomicRegionSequence = Sequence([code("51185008", "SCT", "Chest")])
    ds.KVP, ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure = "125", 8, 250, 2
    ds.DistanceSourceToDetector = "1800"
    ds.Grid = "FOCUSED"
    ds.ExposureIndex, ds.TargetExposureIndex, ds.DeviationIndex = "250", "250", "0"
    ds.ImageAndFluoroscopyAreaDoseProduct = "1.2"
    ds.DateOfLastDetectorCalibration = "20260601"
    ds.ImagerPixelSpacing = ["0.15", "0.15"]
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    ds.PresentationLUTShape = "IDENTITY"
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "US"
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    return changed(with_pixels(ds, phantom() if pixels is None else pixels, bits_stored), changes)


def cr(pixels: NDArray[np.generic] | None = None, **changes: object) -> Dataset:
    """A hand of a computed radiography reader, MONOCHROME1."""
    ds = common("CR", ComputedRadiographyImageStorage)
    ds.BodyPartExamined, ds.ViewPosition, ds.Laterality = "HAND", "AP", "L"
    ds.PatientOrientation = ["L", "F"]
    ds.KVP, ds.Exposure, ds.Sensitivity = "52", 3, "200"
    ds.PixelSpacing = ["0.1", "0.1"]
    ds.WindowCenter, ds.WindowWidth = "2048", "4096"
    with_pixels(ds, phantom(seed=2) if pixels is None else pixels, 12)
    ds.PhotometricInterpretation = "MONOCHROME1"
    return changed(ds, changes)


def mg(pixels: NDArray[np.generic] | None = None, **changes: object) -> Dataset:
    """A craniocaudal mammogram."""
    ds = common("MG", DigitalMammographyXRayImageStorageForPresentation)
    ds.PresentationIntentType = "FOR PRESENTATION"
    ds.BodyPartExamined, ds.ViewPosition, ds.ImageLaterality = "BREAST", "CC", "R"
    ds.PatientOrientation = ["P", "L"]
    ds.ViewCodeSequence = Sequence([code("399162004", "SCT", "cranio-caudal")])
    ds.KVP, ds.ExposureTime, ds.Exposure = "28", 900, 80
    ds.CompressionForce, ds.BodyPartThickness, ds.OrganDose = "90", "52", "0.013"
    ds.EntranceDoseInmGy = "5.1"
    ds.ImagerPixelSpacing = ["0.085", "0.085"]
    return changed(with_pixels(ds, phantom(seed=3) if pixels is None else pixels, 12), changes)


def ct(pixels: NDArray[np.generic] | None = None, number: int = 1, **changes: object) -> Dataset:
    """One slice of a chest CT; stored value 1024 is 0 HU."""
    ds = common("CT", CTImageStorage, number)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.BodyPartExamined, ds.PatientPosition, ds.SeriesDescription = "CHEST", "HFS", "CHEST-AX-LUNG-5-NC"
    ds.KVP, ds.ExposureTime, ds.XRayTubeCurrent, ds.Exposure = "120", 500, 200, 100
    ds.SliceThickness, ds.SpacingBetweenSlices, ds.ConvolutionKernel = "5", "5", "B60f"
    ds.ImagePositionPatient = ["-175", "-175", str(-5 * number)]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.FrameOfReferenceUID = uid("CT", "frame")
    ds.ReconstructionDiameter, ds.DataCollectionDiameter = "350", "500"
    ds.TableHeight, ds.GantryDetectorTilt, ds.SpiralPitchFactor = "150", "0", 1.2
    ds.ExposureModulationType, ds.CTDIvol = "XYZ_EC", 8.5
    ds.PixelSpacing = ["0.7", "0.7"]
    ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "-1024", "HU"
    ds.WindowCenter, ds.WindowWidth = ["40", "-600"], ["400", "1500"]
    return changed(with_pixels(ds, phantom(64, 64, 2000, 4) if pixels is None else pixels, 12), changes)


def mr(pixels: NDArray[np.generic] | None = None, number: int = 1, **changes: object) -> Dataset:
    """One slice of a T2 of the head."""
    ds = common("MR", MRImageStorage, number)
    ds.BodyPartExamined, ds.PatientPosition, ds.SeriesDescription = "HEAD", "HFS", "HEAD-AX-T2-5"
    ds.ScanningSequence, ds.MagneticFieldStrength, ds.ImagingFrequency = ["SE", "IR"], "3", "127.7"
    ds.RepetitionTime, ds.EchoTime, ds.FlipAngle = "4000", "90", "120"
    ds.NumberOfAverages, ds.PixelBandwidth, ds.InPlanePhaseEncodingDirection = "2", "200", "ROW"
    ds.ReceiveCoilName, ds.SAR = "HeadCoil", "0.4"
    ds.SliceThickness, ds.SpacingBetweenSlices = "5", "6"
    ds.ImagePositionPatient = ["-110", "-110", str(6 * number)]
    ds.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    ds.FrameOfReferenceUID = uid("MR", "frame")
    ds.PixelSpacing = ["0.8", "0.8"]
    ds.WindowCenter, ds.WindowWidth = "500", "1000"
    return changed(with_pixels(ds, phantom(64, 64, 1000, 5) if pixels is None else pixels, 12), changes)


def us(pixels: NDArray[np.uint8] | None = None, **changes: object) -> Dataset:
    """A colour ultrasound frame with one calibrated region."""
    ds = common("US", UltrasoundImageStorage)
    ds.BodyPartExamined, ds.MechanicalIndex = "LIVER", "1.1"
    region = Dataset()
    region.RegionLocationMinX0, region.RegionLocationMinY0 = 0, 0
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.02, 0.02
    ds.SequenceOfUltrasoundRegions = Sequence([region])
    if pixels is None:
        grey = (phantom(48, 64, 250, 6)).astype(np.uint8)
        pixels = np.stack([grey, grey, np.minimum(grey, 200)], axis=-1)
    return changed(with_pixels(ds, pixels), changes)


def sc(pixels: NDArray[np.generic] | None = None, **changes: object) -> Dataset:
    """A secondary capture."""
    ds = common("OT", SecondaryCaptureImageStorage)
    ds.ConversionType = "WSD"
    grey = phantom(32, 40, 255, 7).astype(np.uint8)
    return changed(with_pixels(ds, grey if pixels is None else pixels), changes)


def _content(kind: str, concept: tuple[str, str], relation: str = "CONTAINS") -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = relation, kind
    item.ConceptNameCodeSequence = Sequence([code(concept[0], "DCM", concept[1])])
    return item


def container(concept: tuple[str, str], *children: Dataset) -> Dataset:
    """A CONTAINER content item."""
    item = _content("CONTAINER", concept)
    item.ContinuityOfContent = "SEPARATE"
    item.ContentSequence = Sequence(children)
    return item


def numeric(concept: tuple[str, str], value: float, unit: str) -> Dataset:
    """A NUM content item with a UCUM unit."""
    item = _content("NUM", concept)
    measured = Dataset()
    measured.MeasurementUnitsCodeSequence = Sequence([code(unit, "UCUM", unit)])
    measured.NumericValue = str(value)
    item.MeasuredValueSequence = Sequence([measured])
    return item


def coded(concept: tuple[str, str], value: tuple[str, str, str]) -> Dataset:
    """A CODE content item."""
    item = _content("CODE", concept)
    item.ConceptCodeSequence = Sequence([code(*value)])
    return item


def _report(modality: str, *content: Dataset) -> Dataset:
    ds = common("SR", XRayRadiationDoseSRStorage)
    ds.SeriesDescription = f"{modality} dose report"
    ds.ValueType, ds.ContinuityOfContent = "CONTAINER", "SEPARATE"
    ds.ConceptNameCodeSequence = Sequence([code("113701", "DCM", "X-Ray Radiation Dose Report")])
    ds.CompletionFlag, ds.VerificationFlag = "COMPLETE", "UNVERIFIED"
    ds.ContentSequence = Sequence(content)
    return ds


def ct_dose_report(
    ctdi_mgy: float = 8.5, dlp_mgy_cm: float = 300.0, phantom_cm: int = 32, **changes: object
) -> Dataset:
    """An RDSR of TID 10011 with one spiral of the chest."""
    kind = ("113691", "DCM", "IEC Body Dosimetry Phantom") if phantom_cm == 32 else ("113690", "DCM", "IEC Head")
    event = container(
        ("113819", "CT Acquisition"),
        coded(("123014", "Target Region"), ("51185008", "SCT", "Chest")),
        coded(("113820", "CT Acquisition Type"), ("P5-08001", "SRT", "Spiral Acquisition")),
        container(
            ("113822", "CT Acquisition Parameters"),
            container(("113831", "CT X-Ray Source Parameters"), numeric(("113733", "KVP"), 120, "kV")),
        ),
        container(
            ("113829", "CT Dose"),
            numeric(("113830", "Mean CTDIvol"), ctdi_mgy, "mGy"),
            coded(("113835", "CTDIw Phantom Type"), kind),
            numeric(("113838", "DLP"), dlp_mgy_cm, "mGy.cm"),
        ),
    )
    totals = container(
        ("113811", "CT Accumulated Dose Data"),
        numeric(("113813", "CT Dose Length Product Total"), dlp_mgy_cm, "mGy.cm"),
    )
    return changed(_report("CT", totals, event), changes)


def projection_dose_report(
    dap: float = 1.2, unit: str = "dGy.cm2", rp_gy: float = 0.0003, **changes: object
) -> Dataset:
    """An RDSR of TID 10001 with one exposure."""
    event = container(
        ("113706", "Irradiation Event X-Ray Data"),
        coded(("113721", "Irradiation Event Type"), ("113611", "DCM", "Stationary Acquisition")),
        coded(("123014", "Target Region"), ("51185008", "SCT", "Chest")),
        numeric(("122130", "Dose Area Product"), dap, unit),
        numeric(("113738", "Dose (RP)"), rp_gy, "Gy"),
        numeric(("113733", "KVP"), 125, "kV"),
    )
    totals = container(
        ("113702", "Accumulated X-Ray Dose Data"),
        numeric(("113722", "Dose Area Product Total"), dap, unit),
        numeric(("113725", "Dose (RP) Total"), rp_gy, "Gy"),
    )
    return changed(_report("DX", totals, event), changes)


MAKERS = {"DX": dx, "CR": cr, "MG": mg, "CT": ct, "MR": mr, "US": us, "SC": sc}
"""Images by modality, each callable without arguments."""


def write(
    ds: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian, preamble: bool = True, **encoder: object
) -> Path:
    """Write an object in a transfer syntax; ``preamble=False`` leaves out preamble and file meta.

    Compressed syntaxes go through pydicom's encoders (RLE, JPEG-LS, JPEG 2000).
    """
    ts = UID(syntax)
    if ts.is_compressed and not ts.is_deflated and "PixelData" in ds:
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        plugin = "pyjpegls" if ts in JPEGLSTransferSyntaxes else "pylibjpeg"  # GDCM aborts the process
        ds.compress(ts, generate_instance_uid=False, encoding_plugin=plugin, **encoder)  # type: ignore[arg-type]
    if not ts.is_little_endian and "PixelData" in ds:
        # pydicom writes pixel data as it finds them; big endian ones are swapped by the word
        ds["PixelData"].VR = "OW"
        size = max(2, ds.BitsAllocated // 8)
        ds.PixelData = np.frombuffer(ds.PixelData, f"u{size}").byteswap().tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ts
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", uid("none"))
    if preamble:
        ds.save_as(path, enforce_file_format=True)
        return path
    del ds.file_meta
    little, implicit = ts.is_little_endian, ts == ImplicitVRLittleEndian
    dcmwrite(path, ds, implicit_vr=implicit, little_endian=little, force_encoding=True)
    return path


def with_raw(path: Path, old: bytes, new: bytes) -> Path:
    """Swap bytes of the same length in a file: values that pydicom would not write."""
    content = path.read_bytes()
    if len(old) != len(new) or content.count(old) < 1:
        raise ValueError("the bytes to swap are not there, or are of another length")
    path.write_bytes(content.replace(old, new))
    return path


def arrival_of(path: Path, received_at: int = 1_782_872_100_000) -> Arrival:
    """The arrival of a file."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return Arrival(arrival_id(received_at, digest), digest, len(content), "dicom", "test", received_at)
