"""The modality worklist (PS3.4 K): asked by C-FIND, as a modality does."""

from __future__ import annotations

from datetime import date

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]  # made at run time

from capture.dicom.calling import called
from capture.dicom.settings import WorklistSettings
from capture.dicom.uids import EXPLICIT_LE, IMPLICIT_LE
from capture.errors import Retry
from capture.order import Order
from capture.text import Bilingual

_PENDING = (0xFF00, 0xFF01)
_KINDS = tuple((str(ModalityWorklistInformationFind), syntax) for syntax in (EXPLICIT_LE, IMPLICIT_LE))
MOST = 5000
"""Orders of one answer; a list beyond that is cut."""


def orders_of(settings: WorklistSettings, first: date, last: date) -> tuple[Order, ...]:
    """The orders scheduled from ``first`` to ``last``.

    Raises:
        Retry: ``worklist.unreachable``: an answer that is none; ``peer.…``: no association.
    """
    found: list[Order] = []
    with called(settings, _KINDS) as association:
        for status, item in association.send_c_find(_question(first, last), ModalityWorklistInformationFind):
            code = getattr(status, "Status", None)
            if code == 0x0000:
                return tuple(found)
            if code not in _PENDING:
                raise _no_answer()
            if item is not None and len(found) < MOST:
                found.append(_order(item))
    raise _no_answer()


def _question(first: date, last: date) -> Dataset:
    step = Dataset()
    step.ScheduledProcedureStepStartDate = f"{first:%Y%m%d}-{last:%Y%m%d}"
    for keyword in ("Modality", "ScheduledProcedureStepDescription", "ScheduledStationAETitle"):
        setattr(step, keyword, "")
    question = Dataset()
    question.SpecificCharacterSet = "ISO_IR 192"
    for keyword in (
        "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber",
        "RequestedProcedureDescription",
    ):  # fmt: skip
        setattr(question, keyword, "")
    question.ScheduledProcedureStepSequence = Items([step])
    return question


def _order(item: Dataset) -> Order:
    steps = item.get("ScheduledProcedureStepSequence") or [Dataset()]
    words = (item.get("RequestedProcedureDescription"), steps[0].get("ScheduledProcedureStepDescription"))
    return Order(
        PatientID=_text(item.get("PatientID")),
        PatientName=_text(item.get("PatientName")),
        PatientBirthDate=_text(item.get("PatientBirthDate")),
        PatientSex=_text(item.get("PatientSex")),
        AccessionNumber=_text(item.get("AccessionNumber")),
        Modality=_text(steps[0].get("Modality")),
        description=" ".join(_text(word) for word in words if word),
    )


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _no_answer() -> Retry:
    return Retry(
        "worklist.unreachable",
        Bilingual("工作列表服务器没有应答", "The worklist's server does not answer"),
        Bilingual("请检查地址、端口、AE 标题和服务器日志", "Check address, port, AE titles and the server's log"),
    )
