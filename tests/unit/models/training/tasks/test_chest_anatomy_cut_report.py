"""What is said of lungs that are cut off: silence counts neither for the network nor for nothing."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from models.anatomy.margins import CUT, WHOLE
from models.anatomy.structures import CUTS
from models.training.report.report import Claim
from models.training.tasks import chest_anatomy_cut_report as report
from models.training.tasks.chest_anatomy_margins import Trial, said_of
from tests.unit.models.anatomy.chests import chest
from tests.unit.models.anatomy.drawn import Drawing

ONE = Trial("p0", "north", "top", 0.0, math.nan, 4.0, 0.1, False, True, True)


def found(*said: bool | None, lost: float = 0.0) -> list[Trial]:
    """One trial a patient."""
    true = 0.0 if lost else math.nan
    return [
        replace(ONE, patient=f"p{n}-{lost}", lost=lost, true=true, said=word, untouched=not lost)
        for n, word in enumerate(said)
    ]


def claims(monkeypatch: pytest.MonkeyPatch, trials: list[Trial]) -> dict[str, Claim]:
    monkeypatch.setattr(report, "trials", lambda run, films: iter(trials))
    return {claim.what.partition(", ")[0]: claim for claim in report.margins(lambda batch: {}, []).claims}


def test_shares_are_of_the_films_judged_and_what_is_not_judged_stands_beside_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cut = found(True, True, True, False, None, lost=3.0)
    whole = found(False, False, False, False, False, False, False, True, None, None)
    said = claims(monkeypatch, cut + whole)
    assert said["cut-off found"].found.value == pytest.approx(3 / 4)
    assert said["complete films passed"].found.value == pytest.approx(7 / 8)
    assert said["cut-off not assessed"].found.value == pytest.approx(2 / 10)
    assert not any(said[name].holds for name in ("cut-off found", "complete films passed", "cut-off not assessed"))


def test_a_film_that_is_nearly_cut_as_it_is_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    doubtful = [replace(one, clear=False) for one in found(True, True, None)]
    said = claims(monkeypatch, [*doubtful, *found(False, False), *found(True, lost=2.0)])
    assert said["complete films passed"].found.value == 1 and said["complete films passed"].found.images == 2
    assert said["cut-off not assessed"].found.value == 0


def test_nothing_judged_is_nothing_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    said = claims(monkeypatch, found(None, None, lost=3.0) + found(None))
    assert math.isnan(said["cut-off found"].found.value) and not said["cut-off found"].holds
    assert said["cut-off not assessed"].found.value == 1


@pytest.mark.parametrize(
    ("told", "sure", "said"),
    [(0.0, 1.0, False), (1.0, 1.0, True), ((WHOLE + CUT) / 2, 1.0, None), (1.0, 0.5, None), (0.0, 0.5, None)],
)
def test_the_box_s_word_is_that_of_its_rule(told: float, sure: float, said: bool | None) -> None:
    film = chest(Drawing(), sure_of_side=dict.fromkeys(CUTS, sure))
    assert said_of(replace(film, structures=replace(film.structures, cut=dict.fromkeys(CUTS, told)))) is said
