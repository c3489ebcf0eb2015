"""A reference protocol by example: a good study becomes a rule pack, and others are compared with it one by one.

Pure: from the facts of its series and of the whole. mrQA asks for a protocol given by hand, with ranges, not by
majority; MRQART compares at the scanner: image-qc.md 2, tolerances 6.5 MB10.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from capture.text import Bilingual
from models.catalogue import catalogue
from models.measurement import Measurements, NotMeasured, Reason, Value

LAYER = "L5"
FAILS_AT = 3.0
"""Times the tolerance: more than this fails, less warns."""


@dataclass(frozen=True, slots=True)
class Known:
    """A parameter that protocols fix: its fact, its short name, and how far it may be off."""

    fact: str
    label: Bilingual
    within: float = 0.0
    """In its unit."""
    percent: float = 2.0
    """Of the expected value, where ``within`` is 0."""


def _known(fact: str, zh: str, en: str, within: float = 0.0) -> Known:
    return Known(fact, Bilingual(zh, en), within)


PARAMETERS: Mapping[str, tuple[Known, ...]] = {
    "MR": (
        _known("dicom.MagneticFieldStrength", "磁场强度", "Field strength"),
        _known("dicom.MRAcquisitionType", "采集方式", "2D or 3D"),
        _known("dicom.RepetitionTime", "TR", "TR", within=1.0),
        _known("dicom.EchoTime", "TE", "TE", within=0.05),
        _known("dicom.InversionTime", "TI", "TI"),
        _known("dicom.FlipAngle", "翻转角", "Flip angle"),
        _known("dicom.EchoTrainLength", "回波链长度", "Echo train length"),
        _known("dicom.NumberOfAverages", "平均次数", "Averages"),
        _known("dicom.PixelBandwidth", "像素带宽", "Bandwidth"),
        _known("dicom.ParallelReductionFactorInPlane", "并行加速因子", "Parallel factor"),
        _known("dicom.InPlanePhaseEncodingDirection", "相位编码方向", "Phase-encoding direction"),
        _known("dicom.PercentPhaseFieldOfView", "相位视野", "Phase field of view"),
        _known("dicom.Rows", "行数", "Rows"),
        _known("dicom.Columns", "列数", "Columns"),
        _known("dicom.PixelSpacing", "像素间距", "Pixel spacing"),
        _known("dicom.SliceThickness", "层厚", "Slice thickness"),
        _known("series.spacing_mm", "层间距", "Slice spacing"),
        _known("series.plane", "层面", "Plane"),
        _known("series.b_values", "b 值", "b-values"),
        _known("series.gradient_directions", "扩散方向数", "Gradient directions"),
    ),
    "CT": (
        _known("dicom.KVP", "管电压", "Tube voltage"),
        _known("dicom.SliceThickness", "层厚", "Slice thickness"),
        _known("series.spacing_mm", "层间距", "Slice spacing"),
        _known("dicom.ConvolutionKernel", "卷积核", "Kernel"),
        _known("dicom.SpiralPitchFactor", "螺距", "Pitch"),
        _known("dicom.RevolutionTime", "旋转时间", "Revolution time"),
        _known("dicom.TotalCollimationWidth", "准直宽度", "Collimation"),
        _known("dicom.Rows", "行数", "Rows"),
        _known("series.plane", "层面", "Plane"),
    ),
}
"""What a protocol fixes. Left out: what follows the patient (mAs, field of view, SAR, range), and the time of
acquisition, for too many false alarms (MRQART)."""
COUNT = Known("series.slices", Bilingual("图像数", "Images"), percent=10.0)
"""Of MR: a CT is as long as its patient."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """What the QC lead says otherwise: keyword to an absolute tolerance in its unit, and percent for the rest."""

    absolute: Mapping[str, float] = field(default_factory=dict)
    percent: float | None = None

    def of(self, known: Known, expected: float) -> float:
        """In the unit of the parameter."""
        keyword = known.fact.rpartition(".")[2]
        if keyword in self.absolute:
            return self.absolute[keyword]
        if known.within:
            return known.within
        return abs(expected) * (known.percent if self.percent is None or known is COUNT else self.percent) / 100


_DEFAULT = Tolerances()


@dataclass(frozen=True, slots=True)
class Expected:
    """One parameter of one series."""

    known: Known
    value: Value
    tolerance: float = 0.0
    """0 for a text: it must be the same."""


@dataclass(frozen=True, slots=True)
class SeriesProtocol:
    """What one series must be like."""

    description: str
    expected: tuple[Expected, ...]
    nullable: tuple[str, ...]
    """Facts that the example does not state; they are not compared."""
    varying: tuple[str, ...]
    """Facts with several values within the example; they are not compared either."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """Series and parameters of a good study."""

    name: str
    modality: str
    study_description: str | None
    series: tuple[SeriesProtocol, ...]
    left_out: tuple[tuple[str, str], ...]
    """Series that are not compared, and why: localizers, derived ones, those without a description."""
    device_key: str = ""


class CannotLearn(ValueError):
    """The example is none. ``text`` says why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.text = Bilingual(zh, en)


def learn(
    name: str,
    series: Sequence[Measurements],
    tolerances: Tolerances = _DEFAULT,
    device_key: str = "",
) -> Protocol:
    """A protocol from the facts of each series of a good study (:func:`models.sets.judge.judge_set`).

    Of several series with one description, a repeat, the last counts: it is the one that was kept.

    Raises:
        CannotLearn: no series can be compared, or they are of several modalities.
    """
    taken: dict[str, Measurements] = {}
    left_out: list[tuple[str, str]] = []
    for facts in series:
        description = facts.text("dicom.SeriesDescription")
        aside = facts.text("series.set_aside")
        if aside is not None:
            left_out.append((description or "", aside))
        elif description is None:
            left_out.append(("", "no_description"))
        else:
            taken[description] = facts
    modalities = {facts.text("dicom.Modality") or "" for facts in taken.values()}
    if not taken:
        raise CannotLearn(
            "没有可比较的序列（定位像、衍生序列除外）",
            "no series can be compared (localizers and derived ones left out)",
        )
    if len(modalities) > 1 or not modalities <= PARAMETERS.keys():
        raise CannotLearn("须是一次 CT 或一次磁共振检查", "it must be one study of CT, or one of MR")
    first = next(iter(taken.values()))
    return Protocol(
        name=name,
        modality=modalities.pop(),
        study_description=first.text("dicom.StudyDescription"),
        series=tuple(_series(description, facts, tolerances) for description, facts in taken.items()),
        left_out=tuple(left_out),
        device_key=device_key,
    )


def _series(description: str, facts: Measurements, tolerances: Tolerances) -> SeriesProtocol:
    modality = facts.text("dicom.Modality") or ""
    differing = facts.value("series.varying")
    varying = {f"dicom.{keyword}" for keyword in differing} if isinstance(differing, tuple) else set()
    expected: list[Expected] = []
    nullable: list[str] = []
    for known in (*PARAMETERS[modality], *((COUNT,) if modality == "MR" else ())):
        found = facts.get(known.fact)
        if known.fact in varying:
            continue
        if isinstance(found, NotMeasured):
            if found.reason is not Reason.NOT_APPLICABLE:
                nullable.append(known.fact)
            continue
        value = found.value
        if isinstance(value, float):
            expected.append(Expected(known, value, tolerances.of(known, value)))
        else:
            expected.append(Expected(known, value))
    shown = tuple(known.fact for known in PARAMETERS[modality] if known.fact in varying)
    return SeriesProtocol(description, tuple(expected), tuple(nullable), shown)


Outcome = Literal["within", "off", "far_off", "not_stated"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One parameter: what it is, what it should be, and how far it may be off."""

    known: Known
    have: Value | None
    expect: Value
    tolerance: float
    outcome: Outcome


def compare(series: SeriesProtocol, facts: Measurements) -> tuple[Drift, ...]:
    """Parameter by parameter, in the order of the protocol."""
    return tuple(_drift(one, facts.value(one.known.fact)) for one in series.expected)


def _drift(one: Expected, have: Value | None) -> Drift:
    outcome: Outcome
    if have is None:
        outcome = "not_stated"
    elif isinstance(one.value, float) and isinstance(have, float):
        off = abs(have - one.value)
        beyond = off > one.tolerance and not math.isclose(off, one.tolerance, rel_tol=1e-9)
        outcome = "within" if not beyond else "far_off" if off > FAILS_AT * one.tolerance else "off"
    else:
        outcome = "within" if have == one.value else "far_off"
    return Drift(one.known, have, one.value, one.tolerance, outcome)


def missing_series(protocol: Protocol, series: Sequence[Measurements]) -> tuple[str, ...]:
    """Descriptions that the protocol has and these series do not."""
    return tuple(one.description for one in protocol.series if not any(_is_of(one, facts) for facts in series))


def drifts(protocol: Protocol, series: Sequence[Measurements]) -> Iterator[tuple[str, Drift]]:
    """Description and parameter, for each series that the protocol has; one that came twice is there twice."""
    for one in protocol.series:
        for facts in series:
            if _is_of(one, facts):
                yield from ((one.description, drift) for drift in compare(one, facts))


def _is_of(one: SeriesProtocol, facts: Measurements) -> bool:
    aside = facts.text("series.set_aside") is not None
    return not aside and facts.text("dicom.SeriesDescription") == one.description


def unit_of(known: Known) -> str:
    """UCUM unit of a parameter."""
    return catalogue()[known.fact].unit
