"""Evaluation of radiograph-view: view, orientation, inversion and their calibration, by source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models.anatomy.limits import ViewLimits
from models.training.report.plots import reliability_plot
from models.training.report.report import Cell, Claim, Estimate, Report, Table, Thumbnail
from models.training.report.statistics import ece_of, mean
from models.training.tasks.radiograph_view_refusals import Refusal, claims_of, refusal_table
from models.training.tasks.radiograph_view_said import said_claims, said_table
from models.training.tasks.radiograph_view_trials import Trial

_GALLERY = 24


@dataclass(frozen=True, slots=True)
class Question:
    """One thing the network is asked: which trials answer it, how sure it was, whether it was right."""

    name: str
    asked: Callable[[Trial], bool]
    right: Callable[[Trial], bool]
    sure: Callable[[Trial], float]


def _as_is(trial: Trial) -> bool:
    return trial.how == "as it is"


def _frontal(trial: Trial) -> bool:
    return trial.item.family == "frontal"


def _kind_right(trial: Trial) -> bool:
    return trial.view.likeliest in trial.item.kinds


def _kind_sure(trial: Trial) -> float:
    return max(trial.view.kind.values())


def _family_right(trial: Trial) -> bool:
    """AP and PA are one: whether it is a frontal chest, a lateral or neither."""
    kind, family = trial.view.likeliest, trial.item.family
    if family == "frontal":
        return kind in ("chest_pa", "chest_ap")
    return kind == "chest_lateral" if family == "lateral" else kind in ("other_body_part", "not_a_radiograph")


def _family_sure(trial: Trial) -> float:
    kind = trial.view.kind
    return max(trial.view.frontal, kind["chest_lateral"], kind["other_body_part"] + kind["not_a_radiograph"])


def _orientation(trial: Trial) -> tuple[int, bool]:
    return trial.view.quarters, trial.view.mirrored > 0.5


def _mirrored_sure(trial: Trial) -> float:
    return max(trial.view.mirrored, 1 - trial.view.mirrored)


def _inverted_right(trial: Trial) -> bool:
    return (trial.view.inverted > 0.5) == (trial.how == "inverted")


QUESTIONS = (
    Question("frontal, lateral or neither", _as_is, _family_right, _family_sure),
    Question(
        "AP or PA of a frontal chest",
        lambda t: _as_is(t) and _frontal(t) and len(t.item.kinds) == 1,
        _kind_right,
        _kind_sure,
    ),
    Question(
        "turned (4)",
        lambda t: t.how == "oriented",
        lambda t: t.view.quarters == t.turn,
        lambda t: max(t.view.turn),
    ),
    Question(
        "mirrored", lambda t: t.how == "oriented", lambda t: (t.view.mirrored > 0.5) == t.mirrored, _mirrored_sure
    ),
    Question(
        "mirrored, markers hidden",
        lambda t: t.how == "oriented, markers hidden",
        lambda t: (t.view.mirrored > 0.5) == t.mirrored,
        _mirrored_sure,
    ),
    Question(
        "orientation (8)",
        lambda t: t.how == "oriented",
        lambda t: _orientation(t) == (t.turn, t.mirrored),
        lambda t: max(t.view.turn) * _mirrored_sure(t),
    ),
    Question(
        "inverted",
        lambda t: _frontal(t) and (t.how == "inverted" or (_as_is(t) and bool(t.item.film.view))),
        _inverted_right,
        lambda t: max(t.view.inverted, 1 - t.view.inverted),
    ),
    Question(
        "child or adult",
        lambda t: _as_is(t) and t.item.child is not None,
        lambda t: (t.view.child > 0.5) == t.item.child,
        lambda t: max(t.view.child, 1 - t.view.child),
    ),
)
_BARS: Mapping[str, tuple[str, ...]] = {
    "accuracy": ("frontal, lateral or neither", "AP or PA of a frontal chest", "orientation (8)", "inverted"),
    "ece": ("frontal, lateral or neither", "AP or PA of a frontal chest", "orientation (8)", "inverted"),
}


def report_of(found: Sequence[Trial], refusals: Sequence[Refusal], limits: ViewLimits) -> Report:
    """Tables and claims from the trials, from what the gate did with them, and from what the box would say."""
    claims = []
    for question in QUESTIONS:
        asked = [trial for trial in found if question.asked(trial)]
        if not asked:
            continue
        if question.name in _BARS["accuracy"]:
            claims.append(Claim(f"{question.name}: accuracy", _accuracy(question, asked), 0.995))
        if question.name in _BARS["ece"]:
            claims.append(Claim(f"{question.name}: ECE", _ece(question, asked), 0.02, "<="))
    return Report(
        "radiograph-view",
        claims=(*claims, *claims_of(refusals), *said_claims(found, limits)),
        tables=(_by_source(found), said_table(found, limits), refusal_table(refusals), _confusion(found)),
        figures=(reliability_plot("calibration", _curves(found)),),
        gallery=_failures(found),
        notes=(
            "Sources that the network never learnt from: ieee8023, chestviewsplit, and the photographs of "
            "skimage, scipy, sklearn, imgaug, gradio, mate, matplotlib.",
            "Mirrored films are made from films that are taken to be right; a patient with dextrocardia is one.",
        ),
    )


def _patients(asked: Sequence[Trial]) -> list[str]:
    return [trial.item.film.group for trial in asked]


def _accuracy(question: Question, asked: Sequence[Trial]) -> Estimate:
    return mean([float(question.right(trial)) for trial in asked], _patients(asked))


def _ece(question: Question, asked: Sequence[Trial]) -> Estimate:
    return ece_of(
        [question.sure(trial) for trial in asked], [question.right(trial) for trial in asked], _patients(asked)
    )


def _by_source(found: Sequence[Trial]) -> Table:
    rows = []
    for question in QUESTIONS:
        asked = [trial for trial in found if question.asked(trial)]
        groups: dict[str, list[Trial]] = {"all": asked}
        for trial in asked:
            film = trial.item.film
            groups.setdefault(f"{film.source} {film.view}".strip(), []).append(trial)
        rows += [
            (question.name, name, _accuracy(question, group), _ece(question, group))
            for name, group in groups.items()
        ]
    return Table(
        "Accuracy and calibration by source and view", ("question", "films", "accuracy", "ECE"), tuple(rows)
    )


def _confusion(found: Sequence[Trial]) -> Table:
    kinds = ("chest_pa", "chest_ap", "chest_lateral", "other_body_part", "not_a_radiograph")
    groups: dict[tuple[str, str], list[Trial]] = {}
    for trial in found:
        if trial.how in ("as it is", "photograph", "white lung", "lung gone"):
            what = trial.item.film.view or trial.item.family
            groups.setdefault((f"{trial.item.film.source} {what}", trial.how), []).append(trial)
    rows: list[tuple[Cell, ...]] = []
    for (name, how), group in sorted(groups.items()):
        counts = [sum(trial.view.likeliest == kind for trial in group) for kind in kinds]
        white = float(np.mean([trial.view.white_lung for trial in group]))
        rows.append((name, how, *counts, round(white, 3)))
    return Table("What each was taken for", ("films", "how", *kinds, "mean p(white lung)"), tuple(rows))


def _curves(found: Sequence[Trial]) -> dict[str, tuple[list[float], list[bool]]]:
    curves = {}
    for question in QUESTIONS:
        asked = [trial for trial in found if question.asked(trial)]
        if asked:
            curves[question.name] = ([question.sure(t) for t in asked], [question.right(t) for t in asked])
    return curves


def _failures(found: Sequence[Trial]) -> tuple[Thumbnail, ...]:
    """The surest mistakes first."""
    wrong = [
        (question.sure(trial), question.name, trial)
        for question in QUESTIONS
        for trial in found
        if question.asked(trial) and not question.right(trial)
    ]
    wrong.sort(key=lambda entry: -entry[0])
    return tuple(
        Thumbnail(
            np.asarray(np.clip(trial.picture, 0, 1) * 255, np.uint8),
            f"{name}: p {sure:.2f}, {trial.item.film.source} {trial.item.film.view}, {trial.view.likeliest}",
        )
        for sure, name, trial in wrong[:_GALLERY]
    )
