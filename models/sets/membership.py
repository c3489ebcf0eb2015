"""Which images belong to a set that is judged as a whole, and which of them say nothing about their series."""

from __future__ import annotations

from typing import Literal

from capture.acquisition import Acquisition
from models.sets.naming import Aside, set_aside

Exclusion = Aside | Literal["dose_report"]
_MODALITIES = frozenset({"CT", "MR"})


def belongs_to_a_set(one: Acquisition) -> bool:
    """CT and MR images, and dose reports (which count for their study). Radiographs stand alone, and so does
    a picture of a screen: it says nothing of where a slice lies."""
    if one.medium == "screen":
        return False
    return one.dose_report is not None or (one.exam.Modality in _MODALITIES and one.display.Rows is not None)


def excluded(one: Acquisition) -> Exclusion | None:
    """Why an image does not count for a verdict on its series; None when it does."""
    return "dose_report" if one.dose_report is not None else set_aside(one.exam)
