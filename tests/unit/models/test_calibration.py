"""Calibration and refit on a history of known make-up: rates, worth, chosen limits, a pack that loads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from models.calibration import Film, Judge, Rate, alerts, choose, film_of, judges, performance, share_of, together
from models.content import drafts
from models.measurement import Measurement, Measurements
from models.refit import LEAST_ACCEPTED, Past, Proposal, propose, written

FACT = "chest.margin_least_mm"
PACK = {
    "pack.toml": """
name = "margins"
version = 1
layer = "L2"
authors = ["test"]
title = { zh = "边距", en = "Margins" }
note = { zh = "测试", en = "For tests" }
""",
    "rules.toml": """
[[rule]]
id = "M1.margin"
warn = 'chest.margin_least_mm < limit.warn_mm'
fails = 'chest.margin_least_mm < limit.fail_mm'
severity = "major"
deduct = { warn = 2, fail = 10 }
group = "position"
codes = ["111209"]
source = "test"
evidence = "E"
[rule.limit]
warn_mm = { value = 12.0, min = 5.0, max = 30.0 }
fail_mm = { value = 8.0, min = 2.0, max = 20.0 }
[rule.text.zh]
title = "边距小"
advice = "边距 {chest.margin_least_mm}"
[rule.text.en]
title = "Margin is small"
advice = "Margin {chest.margin_least_mm}"

[[rule]]
id = "M2.tilt"
fails = 'chest.spine_tilt_deg > limit.most_deg'
severity = "minor"
deduct = { fail = 1 }
group = "position"
source = "test"
evidence = "E"
[rule.limit]
most_deg = 5.0
[rule.text.zh]
title = "倾斜"
advice = "倾斜"
[rule.text.en]
title = "Tilted"
advice = "Tilted"
""",
    "cases.toml": """
[case."M1.margin"]
passes = [{ chest.margin_least_mm = 40.0 }]
warns = [{ chest.margin_least_mm = 10.0 }]
fails = [{ chest.margin_least_mm = 1.0 }]
not_assessed = [{}]
[case."M2.tilt"]
passes = [{ chest.spine_tilt_deg = 1.0 }]
fails = [{ chest.spine_tilt_deg = 9.0 }]
not_assessed = [{}]
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "margins"
    made.mkdir()
    for name, text in PACK.items():
        (made / name).write_text(text, encoding="utf-8")
    return made


@pytest.fixture
def found(folder: Path) -> list[Judge]:
    return judges(drafts.only_rules([folder]), ["margins"])


def facts(margin: float, tilt: float = 0.0) -> Measurements:
    return Measurements([Measurement(FACT, margin, "mm"), Measurement("chest.spine_tilt_deg", tilt, "deg")])


def film(patient: str, margin: float, *faults: str) -> Film:
    return film_of(patient, facts(margin), faults)


def margin_judge(found: Iterable[Judge]) -> Judge:
    return next(judge for judge in found if judge.rule_id == "M1.margin")


def test_a_rate_counts_patients_not_films() -> None:
    many, few = Rate(5, 100, 100), Rate(5, 100, 10)
    assert many.value == few.value == 0.05
    assert few.interval[1] - few.interval[0] > 2 * (many.interval[1] - many.interval[0])
    assert Rate(0, 0, 0).value is None and Rate(0, 0, 0).interval == (0.0, 1.0)
    # Wilson's interval for 5 of 100: 0.0215 to 0.1118 (Brown, Cai, DasGupta 2001).
    assert list(many.interval) == pytest.approx([0.0215, 0.1118], abs=5e-4)


def test_a_warning_is_no_alert_and_a_missing_fact_no_answer(found: list[Judge]) -> None:
    judge = margin_judge(found)
    assert alerts(judge, film("p", 3)) is True
    assert alerts(judge, film("p", 10)) is False
    assert alerts(judge, film_of("p", Measurements([]))) is None
    doubtful = Measurements([Measurement(FACT, 3.0, "mm", confidence=0.3)])
    assert alerts(judge, film_of("p", doubtful)) is None


def test_what_an_alert_is_worth(found: list[Judge]) -> None:
    """90 % found, 10 % false alarms: at 5 and 12 % prevalence 32 and 55 % of alerts are right (image-qc.md 3)."""
    judge = margin_judge(found)
    films = [film(f"g{n}", 3 if n < 10 else 40) for n in range(100)]
    films += [film(f"f{n}", 3 if n < 90 else 40, "M1.margin") for n in range(100)]
    seen = performance(judge, films)
    assert seen.good.value == 0.1 and seen.faulty.value == 0.9
    for prevalence, expected in ((0.05, 0.32), (0.12, 0.55)):
        worth = seen.worth(prevalence)
        assert worth.value == pytest.approx(expected, abs=0.005)
        assert worth.low < expected < worth.high


def test_a_rule_that_never_saw_its_fault_has_no_worth(found: list[Judge]) -> None:
    seen = performance(margin_judge(found), [film("g", 40)])
    assert seen.worth(0.05).value is None


def history(good: int, low: int, bad: int) -> list[Film]:
    """``good`` films of which ``low`` have 6 mm; ``bad`` with the fault at 3 mm."""
    films = [film(f"g{n}", 6 if n < low else 30) for n in range(good)]
    return films + [film(f"b{n}", 3, "M1.margin") for n in range(bad)]


def test_a_limit_moves_until_the_budget_is_kept_and_no_further(found: list[Judge]) -> None:
    films = history(200, 40, 30)
    share = share_of(found, films, 0.05)
    assert share == 0.05
    choice = choose(margin_judge(found), films, share)
    assert choice is not None and choice.limit == "fail_mm" and choice.meets
    assert 3 < choice.after <= 6 and choice.missed == 0
    assert choice.good_before.hits == 40 and choice.good_after.hits == 0


def test_within_the_budget_a_limit_stays(found: list[Judge]) -> None:
    choice = choose(margin_judge(found), history(200, 4, 30), 0.05)
    assert choice is not None and choice.after == choice.before


def test_where_no_limit_keeps_the_budget_it_says_so(found: list[Judge]) -> None:
    films = [film(f"g{n}", 1.0) for n in range(50)]
    choice = choose(margin_judge(found), films, 0.05)
    assert choice is not None and not choice.meets


def test_rules_without_an_open_limit_take_their_part_of_the_budget_first(found: list[Judge]) -> None:
    films = [film_of(f"g{n}", facts(3 if n % 4 == 0 else 30, 9 if n < 2 else 0)) for n in range(100)]
    assert share_of(found, films, 0.05) == pytest.approx(0.03)
    assert together(found, films).hits == 26


def past(good: int, low: int, repeated: int) -> list[Past]:
    kept = [Past(f"g{n}", False, None, facts(6 if n < low else 30)) for n in range(good)]
    return kept + [Past(f"r{n}", True, "111209", facts(3)) for n in range(repeated)]


def why(made: Proposal) -> dict[str, str]:
    return {row.rule_id: row.why for row in made.rows}


def test_too_short_a_history_proposes_nothing(found: list[Judge]) -> None:
    made = propose(past(LEAST_ACCEPTED - 1, 60, 30), found)
    assert why(made) == {"M1.margin": "few", "M2.tilt": "not_open"}
    assert made.changes == () and made.before == made.after


def test_a_refit_keeps_the_budget_and_says_what_it_costs(found: list[Judge]) -> None:
    made = propose([*past(300, 60, 30), Past("m", True, "111209", facts(7))], found)
    assert why(made)["M1.margin"] == "proposed"
    assert (made.accepted, made.repeated, made.before.hits) == (300, 31, 60)
    assert (made.after.value or 0) <= 0.05
    assert made.changes[0].missed == 1


def test_without_repeats_no_limit_is_tightened(found: list[Judge]) -> None:
    made = propose(past(300, 3, 5), found)
    assert why(made)["M1.margin"] == "within"


def test_with_repeats_that_are_missed_a_limit_is_tightened(found: list[Judge]) -> None:
    missed = [Past(f"r{n}", True, "111209", facts(9)) for n in range(25)]
    made = propose([*past(300, 0, 0), *missed], found)
    assert why(made)["M1.margin"] == "proposed"
    assert made.changes[0].after > 9 and made.changes[0].missed == -25


def test_a_repeat_for_another_reason_blames_no_rule(found: list[Judge]) -> None:
    made = propose([*past(200, 0, 0), Past("m", True, "111216", facts(30))], found)
    assert made.repeated == 1 and made.before.films == 200


def test_the_pack_loads_beside_the_one_it_refines(found: list[Judge], folder: Path, tmp_path: Path) -> None:
    made = propose(past(300, 60, 30), found)
    out = tmp_path / "refit"
    out.mkdir()
    for name, text in written(made, "site-refit", 1, ["test"]).items():
        (out / name).write_text(text, encoding="utf-8")
    both = drafts.only_rules([folder, out])
    assert [pack.layer for pack in both.packs] == ["L2", "L4"]
    again = margin_judge(judges(both, ["margins"]))
    assert {limit.name: limit.value for limit in again.rule.limits}["fail_mm"] == made.changes[0].after
    assert performance(again, [film(f"g{n}", 6) for n in range(10)]).good.hits == 0
    assert "n = 300" in (out / "rules.toml").read_text(encoding="utf-8")
