"""study.*: whether a study has the series that it needs (CC13, CC14, CC16, CH08, MB01, MB13), and its dose."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from models.header.naming import names_phase
from models.measurement import Reason
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Missing, family
from models.sets import dose
from models.sets.answers import SetReporter
from models.sets.image_set import Series, Slice
from models.sets.naming import is_trauma, part_of, reconstruction, set_aside, weighting
from models.sets.producer import SetProducer, SetSubject
from models.sets.slices import b_values

_NO_AGENT = frozenset(("", "NONE", "NO", "N"))


def _report(subject: SetSubject) -> Answers:
    images = subject.images
    if images.level != "study":
        return dict.fromkeys(PRODUCER.provides, Missing(Reason.NOT_APPLICABLE, "a single series"))
    judged = [series for series in images.series if set_aside(_middle(series).exam) is None]
    parts = _known(judged, lambda one: part_of(one.exam))
    answers: dict[str, Answer] = {
        "study.series": len(images.series),
        "study.judged_series": len(judged),
        "study.modalities": _known(images.series, lambda one: one.exam.Modality),
        "study.descriptions": _known(judged, lambda one: one.exam.SeriesDescription),
        "study.parts": parts,
        "study.is_trauma": any(is_trauma(_middle(series).exam) for series in images.series),
        **_magnetic_resonance(images.series, judged),
        **_computed_tomography(judged),
        **_contrast(judged),
    }
    if not any(_middle(series).exam.Modality == "CT" for series in judged):
        return answers | dict.fromkeys(PRODUCER.provides - answers.keys(), NOT_APPLICABLE)
    of_scans = [one for series in judged for one in series.slices]
    return (
        answers
        | dict(dose.dose(images.dose_reports, of_scans))
        | dose.levels(parts, subject.so_far.number("person.age_years"))
    )


def _middle(series: Series) -> Slice:
    return series.slices[len(series.slices) // 2]


def _known(series: Sequence[Series], ask: Callable[[Slice], str | None]) -> tuple[str, ...]:
    """Different answers of the middle slices, sorted; those without one left out."""
    return tuple(sorted({answer for one in series if (answer := ask(_middle(one)))}))


def _all_known(series: Sequence[Series], ask: Callable[[Slice], str | None]) -> Answer:
    """True or unknown, so that a rule can say "missing, and nothing else could be it"."""
    return all(ask(_middle(one)) for one in series) or Missing(
        Reason.NOT_RELIABLE, "what a series is for is not known"
    )


def _of(modality: str, series: Sequence[Series]) -> list[Series]:
    return [one for one in series if _middle(one).exam.Modality == modality]


# --- MR ----------------------------------------------------------------------------------------------------------

_OF_MR = ("study.weightings", "study.weightings_known", "study.b_values", "study.has_adc")


def _magnetic_resonance(everything: Sequence[Series], judged: Sequence[Series]) -> Answers:
    series = _of("MR", judged)
    if not series:
        return dict.fromkeys(_OF_MR, NOT_APPLICABLE)

    def ask(one: Slice) -> str | None:
        return weighting(one.exam, one.technique)

    # An ADC map is derived, and so not judged; that it came counts.
    found = {*_known(series, ask), *({"ADC"} & set(_known(_of("MR", everything), ask)))}
    diffusion = [one for each in series for one in each.slices if ask(_middle(each)) == "DWI"]
    return {
        "study.weightings": tuple(sorted(found)),
        "study.weightings_known": _all_known(series, ask),
        "study.b_values": (b_values(diffusion) or NOT_IN_HEADER) if diffusion else NOT_APPLICABLE,
        "study.has_adc": "ADC" in found if diffusion else NOT_APPLICABLE,
    }


# --- CT ----------------------------------------------------------------------------------------------------------

_OF_CT = ("study.reconstructions", "study.reconstructions_known", "study.thinnest_mm")


def _computed_tomography(judged: Sequence[Series]) -> Answers:
    series = _of("CT", judged)
    if not series:
        return dict.fromkeys(_OF_CT, NOT_APPLICABLE)
    made_for = _known(series, _made_for)
    thickness = [one.technique.SliceThickness for one in map(_middle, series)]
    stated = [value for value in thickness if value]
    return {
        "study.reconstructions": made_for,
        "study.reconstructions_known": _all_known(series, _made_for),
        "study.thinnest_mm": min(stated) if stated else NOT_IN_HEADER,
    }


def _made_for(one: Slice) -> str | None:
    return reconstruction(one.technique, one.display, part_of(one.exam))


def _contrast(judged: Sequence[Series]) -> Answers:
    """A series with an agent in its header and no phase in its name; those before the agent have none."""
    given = [
        one for one in map(_middle, judged) if (one.exam.ContrastBolusAgent or "").strip().upper() not in _NO_AGENT
    ]
    return {
        "study.has_contrast": bool(given),
        "study.phases_named": all(names_phase(one.exam) for one in given) if given else NOT_APPLICABLE,
    }


PRODUCER = SetReporter("study/1", family("study", "drl"), _report)
PRODUCERS: tuple[SetProducer, ...] = (PRODUCER,)
