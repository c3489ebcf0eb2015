"""exposure.*: the exposure index and its deviation from the target, and the group it belongs to, HD17.

A vendor's own scale (Sensitivity, RelativeXRayExposure, REX, lgM) is never taken for an exposure index:
the scales run in different directions and have different zero points (image-qc.md 4.1 (c)).
"""

from __future__ import annotations

import math

from capture.acquisition import Acquisition, Technique
from models.header.modality import RADIOGRAPH, is_image
from models.measurement import Reason
from models.producer import Subject
from models.reporting import NOT_APPLICABLE, Answer, Answers, Missing, Reporter, absent, family

_GROUP = ("KVP", "Exposure", "DistanceSourceToDetector", "ExposureIndex", "TargetExposureIndex", "DeviationIndex")


def deviation_index(exposure_index: float, target: float) -> float:
    """DI = 10 log10(EI / EI_T): +1 is 26 % more than meant, -3 is half (IEC 62494-1; AAPM TG-116).

    Raises:
        ValueError: one of them is not above 0.
    """
    if not (exposure_index > 0 and target > 0):
        raise ValueError("the exposure index and its target must be above 0")
    return 10 * math.log10(exposure_index / target)


def _usable(acquisition: Acquisition, keyword: str) -> float | Missing:
    value: float | None = getattr(acquisition.technique, keyword)
    if value is None:
        reason = absent(acquisition, keyword).reason
        return Missing(reason, keyword)
    return value if math.isfinite(value) and value > 0 else Missing(Reason.INVALID_IN_HEADER, keyword)


def _computed(acquisition: Acquisition) -> Answer:
    index, target = _usable(acquisition, "ExposureIndex"), _usable(acquisition, "TargetExposureIndex")
    if isinstance(index, Missing):
        return index
    return target if isinstance(target, Missing) else deviation_index(index, target)


def _error(acquisition: Acquisition, computed: Answer) -> Answer:
    stated = acquisition.technique.DeviationIndex
    if isinstance(computed, Missing):
        return computed
    return absent(acquisition, "DeviationIndex") if stated is None else abs(stated - float(computed))  # type: ignore[arg-type]


def _missing(technique: Technique) -> tuple[str, ...]:
    """Keywords of the group without a value; a tube load may also come as current and time."""
    there = {keyword: getattr(technique, keyword) is not None for keyword in _GROUP}
    there["Exposure"] |= technique.XRayTubeCurrent is not None and technique.ExposureTime is not None
    return tuple(keyword for keyword in _GROUP if not there[keyword])


def _report(subject: Subject) -> Answers:
    acquisition, technique = subject.acquisition, subject.acquisition.technique
    if acquisition.exam.Modality not in RADIOGRAPH or not is_image(acquisition):
        return dict.fromkeys(PRODUCER.provides, NOT_APPLICABLE) | {"exposure.group_required": False}
    computed, missing = _computed(acquisition), _missing(technique)
    vendor = technique.Sensitivity is not None or technique.RelativeXRayExposure is not None
    return {
        "exposure.deviation_index": computed,
        "exposure.deviation_index_error": _error(acquisition, computed),
        "exposure.target_present": not isinstance(_usable(acquisition, "TargetExposureIndex"), Missing),
        "exposure.vendor_scale_only": vendor and technique.ExposureIndex is None,
        "exposure.group_required": True,
        "exposure.group_complete": not missing,
        "exposure.group_missing": missing,
    }


PRODUCER = Reporter("deviation/1", family("exposure"), _report)
