"""device.*: which machine made the image, HD07."""

from __future__ import annotations

from models.header.dates import da, exam_date
from models.header.identity import is_present
from models.producer import Subject
from models.reporting import INVALID, NOT_IN_HEADER, Answer, Answers, Reporter, absent, family


def _calibration_age_days(subject: Subject) -> Answer:
    text = subject.acquisition.device.DateOfLastDetectorCalibration
    on = exam_date(subject.acquisition.exam)
    if not text:
        return absent(subject.acquisition, "DateOfLastDetectorCalibration")
    if on is None:
        return NOT_IN_HEADER
    calibrated = da(text)
    return (on - calibrated).days if calibrated else INVALID


def _report(subject: Subject) -> Answers:
    exam, device = subject.acquisition.exam, subject.acquisition.device
    there = {
        "Modality": is_present(exam.Modality),
        "Manufacturer": is_present(device.Manufacturer),
        "ManufacturerModelName": is_present(device.ManufacturerModelName),
        "DeviceSerialNumber": is_present(device.DeviceSerialNumber),
        "StationName": is_present(device.StationName),
    }
    return {
        "device.modality_present": there["Modality"],
        "device.manufacturer_present": there["Manufacturer"],
        "device.model_present": there["ManufacturerModelName"],
        "device.serial_present": there["DeviceSerialNumber"],
        "device.station_present": there["StationName"],
        "device.missing": tuple(keyword for keyword, present in there.items() if not present),
        "device.calibration_age_days": _calibration_age_days(subject),
    }


PRODUCER = Reporter("device/1", family("device"), _report)
