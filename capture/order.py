"""Order: one exam on the worklist, as the RIS or broker lists it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Order:
    """One scheduled procedure step with its patient (PS3.4 K.6.1.2.2). ``repr`` shows nothing."""

    PatientID: str = ""
    PatientName: str = ""
    PatientBirthDate: str = ""
    PatientSex: str = ""
    AccessionNumber: str = ""
    Modality: str = ""
    description: str = ""
    """Requested procedure and scheduled step, in the RIS's words: part and side are looked for in them."""

    def __repr__(self) -> str:
        return "Order(hidden)"
