"""A redacted picture as a file: PNG, or a DICOM object that says nothing of anybody."""

from __future__ import annotations

import io

import cv2
import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from capture.redaction.answer import Redacted


def png(redacted: Redacted) -> bytes:
    """Lossless, without any text chunk."""
    _, encoded = cv2.imencode(".png", redacted.bgr)
    return encoded.tobytes()


def secondary_capture(redacted: Redacted) -> bytes:
    """A Secondary Capture object (PS3.3 A.8) made of the pixels alone: no element of the original is in it."""
    made = Dataset()
    made.SOPClassUID = SecondaryCaptureImageStorage
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        setattr(made, keyword, generate_uid())
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime"):
        setattr(made, keyword, "")
    for keyword in ("StudyID", "AccessionNumber", "ReferringPhysicianName", "SeriesNumber", "InstanceNumber"):
        setattr(made, keyword, None)
    made.Modality = "OT"
    made.ConversionType = "WSD"
    made.PatientIdentityRemoved = "YES"
    made.DeidentificationMethod = "Pixels cut out and text covered; header made anew"
    made.BurnedInAnnotation = "NO"
    made.ImageType = ["DERIVED", "SECONDARY"]
    made.Rows, made.Columns = redacted.bgr.shape[:2]
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PlanarConfiguration = 3, "RGB", 0
    made.BitsAllocated, made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 8, 7, 0
    pixels = np.ascontiguousarray(redacted.bgr[:, :, ::-1]).tobytes()
    made.PixelData = pixels + b"\0" * (len(pixels) % 2)
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = io.BytesIO()
    dcmwrite(file, made, enforce_file_format=True)
    return file.getvalue()
