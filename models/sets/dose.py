"""study.*, drl.*: the dose of a CT study and the reference levels for its part and age (CC15, CH11, HD18)."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

from capture.acquisition import DoseEvent, DoseReport
from models.measurement import Reason
from models.reporting import NOT_APPLICABLE, NOT_IN_HEADER, Answer, Answers, Missing
from models.sets.image_set import Slice
from models.sets.naming import set_aside

_LOCALIZER = "constant angle acquisition"
"""Meaning of 113805, DCM: a topogram."""
_SAME_DOSE = 0.05
"""CTDIvol of a series and of its irradiation differ by less: a modulated scan is stated as a mean in both."""
_PHANTOM_CM, _BODY_CM = {"HEAD": 16}, 32
"""Phantom that levels are stated for (IEC 60601-2-44)."""
NO_LEVEL = Missing(Reason.NOT_APPLICABLE, "the table has no level for this part and age")
Level = Mapping[str, float]


@cache
def tables() -> Mapping[str, Mapping[str, Sequence[tuple[float, Level]]]]:
    """Table, part, and the levels from each age on, the highest age first."""
    read = tomllib.loads(files("models.sets").joinpath("drl.toml").read_text(encoding="utf-8"))
    return {
        table: {
            part: sorted(((float(age), level) for age, level in ages.items()), key=lambda pair: -pair[0])
            for part, ages in parts.items()
            if part != "source"
        }
        for table, parts in read.items()
    }


def level_of(table: str, part: str, age_years: float) -> Level | None:
    """The levels of a table for this part and age, None when it has none."""
    ages = tables().get(table, {}).get(part, ())
    return next((level for since, level in ages if age_years >= since), None)


def levels(parts: Sequence[str], age_years: float | None) -> dict[str, Answer]:
    """``drl.*``: one part only can be compared, for a study of several shares its dose among them."""
    answers: dict[str, Answer] = {
        "drl.phantom_cm": _PHANTOM_CM.get(parts[0], _BODY_CM) if len(parts) == 1 else NOT_APPLICABLE
    }
    for table in tables():
        level: Answer | Level | None
        if age_years is None:
            level = NOT_IN_HEADER
        elif len(parts) != 1:
            level = Missing(Reason.NOT_APPLICABLE, "not one part of the body")
        else:
            level = level_of(table, parts[0], age_years) or NO_LEVEL
        for key, name in (("ctdivol", "ctdivol_mGy"), ("dlp", "dlp_mGy_cm"), ("low", "low_mGy")):
            if key != "low" or table == "wst637":
                answers[f"drl.{table}_{name}"] = level.get(key, NO_LEVEL) if isinstance(level, Mapping) else level
    return answers


def dose(reports: Sequence[DoseReport], slices: Sequence[Slice]) -> Answers:
    """``study.*`` of dose. Without a report only the CTDIvol of the images is known."""
    reports = latest(reports)
    scans = [event for report in reports for event in report.events if event.kind == "ct" and not _is_scout(event)]
    by_images = _of_images(slices)
    worst = max((event for event in scans if event.CTDIvol_mGy is not None), key=_ctdivol, default=None)
    highest = _ctdivol(worst) if worst else max(by_images, default=None)
    return {
        "study.dose_reports": len(reports),
        "study.ctdivol_mGy": NOT_IN_HEADER if highest is None else highest,
        "study.dlp_mGy_cm": _dlp(reports),
        "study.phantom_cm": worst.phantom_cm if worst and worst.phantom_cm else NOT_IN_HEADER,
        "study.ctdivol_agrees": _agrees(scans, by_images),
    }


def _is_scout(event: DoseEvent) -> bool:
    return (event.acquisition_type or "").strip().lower() == _LOCALIZER


def _ctdivol(event: DoseEvent) -> float:
    return event.CTDIvol_mGy or 0.0


def _of_images(slices: Iterable[Slice]) -> list[float]:
    """CTDIvol of each judged series: the mean of its images, since some devices state it slice by slice."""
    of_series: dict[object, list[float]] = {}
    for one in slices:
        stated = one.technique.CTDIvol
        if stated is not None and stated > 0 and set_aside(one.exam) is None:
            of_series.setdefault((one.exam.SeriesNumber, one.exam.AcquisitionNumber), []).append(stated)
    return [sum(values) / len(values) for values in of_series.values()]


def _dlp(reports: Sequence[DoseReport]) -> Answer:
    """The totals that the device states; or the sum of all irradiations when each says its own."""
    if not reports:
        return Missing(Reason.NOT_CONNECTED, "no dose report came")
    totals: list[float] = []
    for report in reports:
        events = [event.DLP_mGy_cm for event in report.events if event.kind == "ct"]
        known = [value for value in events if value is not None]
        if report.total_DLP_mGy_cm is not None:
            totals.append(report.total_DLP_mGy_cm)
        elif known and len(known) == len(events):
            totals.append(sum(known))
        else:
            return NOT_IN_HEADER
    return sum(totals)


def latest(reports: Sequence[DoseReport]) -> list[DoseReport]:
    """Without reports whose irradiations are all in another one: many devices send a report after each scan that
    repeats those before it, and their totals must not be added. Reports that continue one another are all kept."""
    kept: list[DoseReport] = []
    for report in sorted(reports, key=lambda one: len(one.events), reverse=True):
        events = {event.key for event in report.events}
        if "" in events or not any(events <= {event.key for event in other.events} for other in kept):
            kept.append(report)
    return kept


def _agrees(scans: Sequence[DoseEvent], by_images: Sequence[float]) -> Answer:
    stated = [event.CTDIvol_mGy for event in scans if event.CTDIvol_mGy]
    if not stated or not by_images:
        return NOT_APPLICABLE
    return all(min(abs(one - other) for other in stated) <= _SAME_DOSE * one for one in by_images)
