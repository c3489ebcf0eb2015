"""Figures of a report, against hand calculation, brute force, and simulation of their intervals."""

from __future__ import annotations

import json
import math
from functools import partial
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.report import page, plots
from models.training.report import statistics as stat
from models.training.report.report import Claim, Estimate, Report, Table, Thumbnail

SCORED = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30)


@given(SCORED)
def test_auc_is_the_share_of_pairs_in_order(scored: list[tuple[int, bool]]) -> None:
    yes = [score for score, true in scored if true]
    no = [score for score, true in scored if not true]
    found = stat.auc(*zip(*scored, strict=True))
    if not yes or not no:
        assert math.isnan(found)
        return
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in product(yes, no))
    assert found == pytest.approx(wins / (len(yes) * len(no)))


@given(SCORED)
def test_the_roc_curve_has_the_area_and_every_threshold_its_rates(scored: list[tuple[int, bool]]) -> None:
    scores, truth = (np.array(x) for x in zip(*scored, strict=True))
    if truth.all() or not truth.any():
        return
    false, true, thresholds = stat.roc(scores, truth)
    assert np.trapezoid(true, false) == pytest.approx(stat.auc(scores, truth))
    for f, t, threshold in zip(false, true, thresholds, strict=True):
        assert f == pytest.approx((scores[~truth] >= threshold).mean())
        assert t == pytest.approx((scores[truth] >= threshold).mean())


@given(SCORED, st.sampled_from([0.5, 0.9, 0.95, 1.0]))
def test_a_chosen_threshold_keeps_the_specificity_and_the_next_lower_does_not(
    scored: list[tuple[int, bool]], specificity: float
) -> None:
    scores, truth = (np.array(x) for x in zip(*scored, strict=True))
    if truth.all():
        return
    threshold = stat.threshold_for(scores, truth, specificity)
    assert (scores[~truth] < threshold).mean() >= specificity - 1e-9
    lower = scores[scores < threshold]
    if lower.size:
        assert (scores[~truth] < lower.max()).mean() < specificity


def test_spearman_with_ties_by_hand() -> None:
    assert stat.ranks([3, 1, 3, 2]).tolist() == [3.5, 1, 3.5, 2]
    assert stat.spearman([1, 2, 3, 4], [10, 20, 30, 400]) == pytest.approx(1)
    assert stat.spearman([1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(0.8)
    assert math.isnan(stat.spearman([1, 1, 1], [1, 2, 3]))


def test_calibration_error_by_hand() -> None:
    sure = [0.95, 0.95, 0.65, 0.65]
    right = [True, False, True, True]
    assert stat.ece(sure, right, bins=10) == pytest.approx((abs(0.95 - 0.5) + abs(0.65 - 1)) / 2)
    assert stat.ece([1.0, 0.0], [True, False]) == 0


def test_an_honest_forecast_has_a_small_calibration_error() -> None:
    rng = np.random.default_rng(1)
    sure = rng.uniform(0.5, 1, 20_000)
    assert stat.ece(sure, rng.random(20_000) < sure) < 0.01


def test_agreement_by_hand() -> None:
    found = stat.agreement([1, 3, 5, np.nan], [1, 2, 3, 4], list("abcd"))
    assert found.bias.value == pytest.approx(1)
    assert found.error.value == pytest.approx(1)
    assert (found.bias.images, found.bias.patients) == (3, 3)
    assert (found.lower, found.upper) == pytest.approx((1 - 1.96, 1 + 1.96))


def test_dice() -> None:
    assert stat.dice([1, 1, 0, 0], [1, 0, 1, 0]) == 0.5
    assert stat.dice([0, 0], [0, 0]) == 1


def mean_of(values: stat.Numbers, index: stat.Index) -> float:
    return float(values[index].mean())


def test_intervals_cover_the_truth_when_films_of_a_patient_resemble_each_other() -> None:
    """95 % intervals over 100 simulated studies; resampling films instead of patients would cover about half."""
    rng = np.random.default_rng(3)
    patients = [str(number // 6) for number in range(180)]
    covered = 0
    for _ in range(100):
        values = np.repeat(rng.normal(0, 1, 30), 6) + rng.normal(0, 0.2, 180)
        found = stat.by_patient(partial(mean_of, values), patients, draws=200)
        covered += found.low <= 0 <= found.high
    assert 86 <= covered <= 100


def test_the_same_films_give_the_same_interval_and_none_give_nan() -> None:
    values, patients = np.arange(20.0), [str(number // 2) for number in range(20)]
    assert stat.mean(values, patients) == stat.mean(values, patients)
    assert math.isnan(stat.mean([], []).value)


@pytest.fixture(scope="module")
def report() -> Report:
    rng = np.random.default_rng(0)
    truth = rng.random(60) < 0.5
    scores = np.clip(truth * 0.4 + rng.random(60) * 0.6, 0, 1)
    patients = [str(number // 2) for number in range(60)]
    found = stat.agreement(scores, truth, patients)
    return Report(
        "Chests <&>",
        claims=(
            Claim("AUC", stat.auc_of(scores, truth, patients), 0.5),
            Claim("error", found.error, 0.01, "<=", "mm"),
        ),
        tables=(Table("By source", ("source", "Dice"), (("a", 0.5), ("b", Estimate(0.25)), ("c", math.nan))),),
        figures=(
            plots.roc_plot("ROC", {"x": (scores, truth)}),
            plots.reliability_plot("reliability", {"x": (scores, truth)}),
            plots.agreement_plot("agreement", scores, truth, found, "mm"),
            plots.scatter_plot("scatter", scores, truth, ("a", "b")),
            plots.line_plot("lines", {"y": ([0, 1], [1, 2])}, ("a", "b")),
            plots.box_plot("boxes", {"a": scores, "b": scores[:9]}, "Dice"),
        ),
        gallery=(Thumbnail(np.zeros((8, 8), np.uint8), "worst"), Thumbnail(np.zeros((8, 8, 3), np.uint8), "next")),
        notes=("A note.",),
    )


def test_the_page_needs_nothing_else_and_shows_all(report: Report, tmp_path: Path) -> None:
    text = page.write(report, tmp_path).read_text(encoding="utf-8")
    assert "Chests &lt;&amp;&gt;" in text
    assert text.count("<svg") == 6
    assert text.count("data:image/jpeg;base64,") == 2
    assert "does not hold" in text
    assert "A note." in text
    assert "<script" not in text
    assert 'src="http' not in text
    for figure in report.figures:
        ElementTree.fromstring(figure.svg)


def test_a_page_is_the_same_every_time(report: Report) -> None:
    again = plots.line_plot("lines", {"y": ([0, 1], [1, 2])}, ("a", "b"))
    assert again == report.figures[4]
    assert page.as_html(report) == page.as_html(report)


def test_json_has_claims_and_null_for_what_is_no_number(report: Report, tmp_path: Path) -> None:
    page.write(report, tmp_path)
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert [claim["holds"] for claim in found["claims"]] == [True, False]
    assert found["claims"][0]["found"]["patients"] == 30
    assert found["tables"][0]["rows"][2] == ["c", None]


def test_the_terminal_gets_one_line_a_claim(report: Report) -> None:
    lines = page.as_text(report).splitlines()
    assert lines[1].startswith("  holds  AUC >= 0.5: 0.")
    assert lines[2].startswith("  FAILS  error <= 0.01 mm: ")
    assert page.said(Estimate(12.345, 11.0, 13.0, 4, 2)) == "12.3 (11.0 to 13.0), 4 films of 2 patients"
    assert page.said(math.nan) == "–"
