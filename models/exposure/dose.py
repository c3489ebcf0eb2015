"""dose.*: what dose the object reports, from its own header or from a dose report (RDSR), HD18.

Units are made comparable here: DICOM has the area product in dGy.cm2 and the organ dose in dGy.
"""

from __future__ import annotations

from capture.acquisition import Acquisition, DoseEvent, DoseReport
from models.exposure.technique import positive
from models.header.modality import IONISING
from models.producer import Subject
from models.reporting import INVALID, NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Missing, Reporter, family

GY_CM2_PER_DGY_CM2 = 0.1
MGY_PER_DGY = 100.0
_QUANTITIES = frozenset(
    {
        "dose.dap_Gy_cm2",
        "dose.entrance_mGy",
        "dose.organ_mGy",
        "dose.reference_point_mGy",
        "dose.ctdivol_mGy",
        "dose.dlp_mGy_cm",
    }
)


def _sum(values: list[float | None]) -> float | None:
    """Sum of what is stated; None when nothing is, or when an event in between is silent: half a sum misleads."""
    return sum(value for value in values if value is not None) if values and None not in values else None


def _of_kind(report: DoseReport, kind: str) -> list[DoseEvent]:
    return [event for event in report.events if event.kind == kind]


def _total(stated: float | None, events: list[float | None]) -> Answer:
    """The device's own total, else the sum of the events; 0 is a legal total (nothing was irradiated)."""
    total = _sum(events) if stated is None else stated
    if total is None:
        return NOT_IN_HEADER
    return total if total >= 0 else INVALID


def _disagreement(pairs: list[tuple[float | None, list[float | None]]]) -> Answer:
    """Greatest of |total - sum| / total over the totals that can be checked."""
    found = []
    for stated, events in pairs:
        total = _sum(events)
        if stated and stated > 0 and total is not None:
            found.append(abs(stated - total) / stated)
    return max(found, default=NOT_IN_HEADER)


def _of_report(report: DoseReport) -> Answers:
    ct, projection = _of_kind(report, "ct"), _of_kind(report, "projection")
    worst = max((e for e in ct if e.CTDIvol_mGy is not None), key=lambda e: e.CTDIvol_mGy or 0.0, default=None)
    dlp = [event.DLP_mGy_cm for event in ct]
    dap = [event.DAP_Gy_cm2 for event in projection]
    point = [event.reference_point_mGy for event in projection]
    return {
        "dose.dap_Gy_cm2": _total(report.total_DAP_Gy_cm2, dap),
        "dose.entrance_mGy": NOT_APPLICABLE,
        "dose.organ_mGy": NOT_APPLICABLE,
        "dose.reference_point_mGy": _total(report.total_reference_point_mGy, point),
        "dose.ctdivol_mGy": NOT_IN_HEADER if worst is None else worst.CTDIvol_mGy or 0.0,
        "dose.phantom_cm": NOT_IN_HEADER if worst is None or worst.phantom_cm is None else worst.phantom_cm,
        "dose.dlp_mGy_cm": _total(report.total_DLP_mGy_cm, dlp),
        "dose.event_count": len(report.events),
        "dose.total_disagreement_ratio": _disagreement(
            [(report.total_DLP_mGy_cm, dlp), (report.total_DAP_Gy_cm2, dap)]
        ),
    }


def _of_image(acquisition: Acquisition) -> Answers:
    technique = acquisition.technique
    area, organ = technique.ImageAndFluoroscopyAreaDoseProduct, technique.OrganDose
    return {
        "dose.dap_Gy_cm2": positive(acquisition, "ImageAndFluoroscopyAreaDoseProduct", area, GY_CM2_PER_DGY_CM2),
        "dose.entrance_mGy": positive(acquisition, "EntranceDoseInmGy", technique.EntranceDoseInmGy),
        "dose.organ_mGy": positive(acquisition, "OrganDose", organ, MGY_PER_DGY),
        "dose.reference_point_mGy": NOT_APPLICABLE,
        "dose.ctdivol_mGy": positive(acquisition, "CTDIvol", technique.CTDIvol),
        "dose.phantom_cm": NOT_IN_HEADER,
        "dose.dlp_mGy_cm": NOT_APPLICABLE,
        "dose.event_count": NOT_APPLICABLE,
        "dose.total_disagreement_ratio": NOT_APPLICABLE,
    }


def _report(subject: Subject) -> Answers:
    acquisition = subject.acquisition
    if acquisition.dose_report is not None:
        answers = _of_report(acquisition.dose_report)
    elif acquisition.exam.Modality in IONISING:
        answers = _of_image(acquisition)
    else:
        return dict.fromkeys(PRODUCER.provides, NOT_APPLICABLE) | {"dose.required": False}
    present = any(not isinstance(answers[name], Missing) for name in _QUANTITIES)
    return {**answers, "dose.required": True, "dose.present": present}


PRODUCER = Reporter("dose/1", family("dose"), _report)
