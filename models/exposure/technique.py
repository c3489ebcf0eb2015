"""technique.*: tube load, distance and grid (the tube voltage is dicom.KVP)."""

from __future__ import annotations

import math

from capture.acquisition import Acquisition, Technique
from models.header.modality import IONISING
from models.producer import Subject
from models.reporting import INVALID, NOT_APPLICABLE, Answer, Answers, Reporter, absent, family

_GRIDS = frozenset({"FIXED", "FOCUSED", "RECIPROCATING", "PARALLEL", "CROSSED"})


def positive(acquisition: Acquisition, keyword: str, value: float | None, factor: float = 1.0) -> Answer:
    """A quantity that cannot be 0 or below, in another unit; else why it is missing."""
    if value is None:
        return absent(acquisition, keyword)
    return value * factor if math.isfinite(value) and value > 0 else INVALID


def tube_load_mas(technique: Technique) -> float | None:
    """mAs as stated, else current (mA) times time (ms) / 1000."""
    if technique.Exposure is not None:
        return technique.Exposure
    if technique.XRayTubeCurrent is None or technique.ExposureTime is None:
        return None
    return technique.XRayTubeCurrent * technique.ExposureTime / 1000


def _grid_used(acquisition: Acquisition) -> Answer:
    """PS3.3 C.8.7.10: NONE, or one or more kinds of grid."""
    words = {word.strip().upper() for word in acquisition.technique.Grid if word.strip()}
    if not words:
        return absent(acquisition, "Grid")
    if words == {"NONE"}:
        return False
    return True if words <= _GRIDS else INVALID


def _report(subject: Subject) -> Answers:
    acquisition, technique = subject.acquisition, subject.acquisition.technique
    if acquisition.exam.Modality not in IONISING:
        return dict.fromkeys(PRODUCER.provides, NOT_APPLICABLE)
    distance = technique.DistanceSourceToDetector
    return {
        "technique.mas": positive(acquisition, "Exposure", tube_load_mas(technique)),
        "technique.sid_mm": positive(acquisition, "DistanceSourceToDetector", distance),
        "technique.grid_used": _grid_used(acquisition),
    }


PRODUCER = Reporter("technique/1", family("technique"), _report)
