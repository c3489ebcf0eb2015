"""``qcbox send-test``: makes an image and sends it to the box, as a modality would."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE

from capture.errors import Retry
from capture.text import Bilingual
from edge.settings_file import load


def send_test(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    host: Annotated[str, typer.Option(help="Where the receiver is.")] = "127.0.0.1",
    calling_ae: Annotated[str, typer.Option(help="Whom to pretend to be.")] = "QCBOX-TEST",
    rows: Annotated[int, typer.Option(min=64, max=8192, help="Rows and columns of the image.")] = 1024,
) -> None:
    """Send a synthetic chest-like DX by C-STORE and print the answer."""
    settings = load(config).dicom
    made = phantom(rows)
    sender = AE(ae_title=calling_ae)
    sender.add_requested_context(DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian)
    started = time.perf_counter()
    association = sender.associate(host, settings.port, ae_title=settings.ae_title)
    if not association.is_established:
        raise Retry(
            "send.refused",
            Bilingual("接收程序拒绝或没有应答", "The receiver refused or did not answer"),
            Bilingual(
                f"确认 qcbox listen 在运行，且 {calling_ae} 在设备列表中",
                f"See that qcbox listen runs and that {calling_ae} is in the device list",
            ),
        )
    try:
        status = association.send_c_store(made)
    finally:
        association.release()
    code = int(status.get("Status", 0xC000))
    typer.echo(json.dumps({"status": f"{code:04X}", "seconds": round(time.perf_counter() - started, 3)}))
    raise typer.Exit(0 if code == 0 else 1)


def phantom(rows: int) -> Dataset:
    """A DX of a phantom: a bright field with two darker lungs, noise, and a complete header of nobody."""
    random = np.random.default_rng()
    down, across = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : rows * 1j]
    lungs = sum(np.exp(-(((across - side) / 0.25) ** 2 + (down / 0.5) ** 2) * 2) for side in (-0.4, 0.4))
    field = (np.abs(across) < 0.9) & (np.abs(down) < 0.9)
    values = np.where(field, 2600 - 1500 * lungs, 120) + random.normal(0, 12, (rows, rows))
    image = _header(rows)
    image.PixelData = np.clip(values, 0, 4095).astype("<u2").tobytes()
    return image


def _header(rows: int) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SpecificCharacterSet = "ISO_IR 192"
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    image.SOPInstanceUID = image.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    now = time.localtime()
    image.StudyDate = image.SeriesDate = image.AcquisitionDate = image.ContentDate = time.strftime("%Y%m%d", now)
    image.StudyTime = image.SeriesTime = image.AcquisitionTime = image.ContentTime = time.strftime("%H%M%S", now)
    image.PatientName, image.PatientID = "QCBOX^TEST", "QCBOX-TEST"
    image.PatientBirthDate, image.PatientSex = "19700101", "O"
    image.AccessionNumber, image.StudyID = "QCBOX-TEST", "1"
    image.ReferringPhysicianName = ""
    image.Modality, image.PresentationIntentType = "DX", "FOR PRESENTATION"
    image.Manufacturer, image.ManufacturerModelName = "qcbox", "send-test"
    image.DeviceSerialNumber, image.StationName = "0", "SEND-TEST"
    image.InstitutionName = "qcbox"
    image.BodyPartExamined, image.ViewPosition, image.ImageLaterality = "CHEST", "PA", "U"
    image.PatientOrientation = ["L", "F"]
    image.ImageType = ["ORIGINAL", "PRIMARY"]
    image.SeriesNumber, image.InstanceNumber = 1, 1
    image.KVP, image.ExposureTime, image.XRayTubeCurrent, image.Exposure = 120, 10, 200, 2
    image.ExposureIndex, image.TargetExposureIndex, image.DeviationIndex = 300, 300, 0
    image.Rows = image.Columns = rows
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 12, 11, 0
    image.ImagerPixelSpacing = [350 / rows, 350 / rows]
    image.WindowCenter, image.WindowWidth = 2048, 4096
    image.BurnedInAnnotation, image.LossyImageCompression = "NO", "00"
    return image
