"""A pack without proof does not load."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.models.rules.packs import (
    BLANK_CASES,
    BLANK_RULE,
    TILT_CASES,
    TILT_RULE,
    head,
    load,
    refused,
    standard,
    write,
)


@pytest.mark.parametrize("kind", ["passes", "warns", "fails", "not_assessed"])
def test_each_kind_of_case_is_needed(tmp_path: Path, kind: str) -> None:
    cases = "\n".join(line for line in TILT_CASES.splitlines() if not line.startswith(kind))
    error = refused("pack.case.missing", write(tmp_path / "p", head(), TILT_RULE, cases))
    assert kind in error.text.en and "T1.tilt" in error.text.en


def test_a_veto_needs_a_case_that_vetoes(tmp_path: Path) -> None:
    cases = "\n".join(line for line in BLANK_CASES.splitlines() if not line.startswith("vetoes"))
    assert "vetoes" in refused("pack.case.missing", write(tmp_path / "p", head(), BLANK_RULE, cases)).text.en


def test_a_rule_without_any_case(tmp_path: Path) -> None:
    refused("pack.case.missing", write(tmp_path / "p", head(), TILT_RULE, ""))


def test_a_case_that_comes_out_otherwise(tmp_path: Path) -> None:
    wrong = TILT_CASES.replace("chest.tilt_deg = 11.0", "chest.tilt_deg = 6.0")
    error = refused("pack.case", write(tmp_path / "p", head(), TILT_RULE, wrong))
    assert "fails 1" in error.text.en and "warns" in error.text.en


def test_a_case_that_is_not_assessed_names_what_is_missing(tmp_path: Path) -> None:
    wrong = TILT_CASES.replace("chest.tilt_deg = 11.0", "chest.gap_mm = 6.0")
    assert (
        "missing chest.tilt_deg" in refused("pack.case", write(tmp_path / "p", head(), TILT_RULE, wrong)).text.en
    )


@pytest.mark.parametrize("fact", ["chest.tlit_deg = 1.0", 'chest.tilt_deg = "one"', "limit.other = 1.0"])
def test_a_case_speaks_of_known_facts_only(tmp_path: Path, fact: str) -> None:
    wrong = TILT_CASES.replace("chest.tilt_deg = 1.0", fact)
    refused("pack.case.fact", write(tmp_path / "p", head(), TILT_RULE, wrong))


def test_a_case_of_no_rule(tmp_path: Path) -> None:
    cases = TILT_CASES + '\n[case."T9.none"]\npasses = [{}]\n'
    refused("pack.case.unknown", write(tmp_path / "p", head(), TILT_RULE, cases))


def test_a_case_may_try_the_rule_with_another_limit(tmp_path: Path) -> None:
    cases = (
        TILT_CASES
        + "skips = []\n"
        + BLANK_CASES.replace("passes = [", "passes = [{ image.blank = true, limit.armed = false }, ")
    )
    assert load(write(tmp_path / "p", head(), TILT_RULE + BLANK_RULE, cases)).cases_held == 8


def test_an_override_proves_itself(tmp_path: Path) -> None:
    body = '[[override]]\nrule = "T1.tilt"\nlimit = { fail_deg = 8.0 }\n'
    bare = write(tmp_path / "o", head("o", "L4"), body)
    refused("pack.case.missing", standard(tmp_path), bare)
    cases = '[case."T1.tilt"]\npasses = [{ chest.tilt_deg = 1.0 }]\nfails = [{ chest.tilt_deg = 9.0 }]\n'
    assert load(standard(tmp_path), write(tmp_path / "o", head("o", "L4"), body, cases)).cases_held == 9


def test_a_packs_cases_do_not_see_later_layers(tmp_path: Path) -> None:
    """Ours fails at 11; a hospital that allows 15 must not break our cases, nor we theirs."""
    body = '[[override]]\nrule = "T1.tilt"\nlimit = { fail_deg = 15.0 }\n'
    cases = '[case."T1.tilt"]\npasses = [{ chest.tilt_deg = 1.0 }]\nwarns = [{ chest.tilt_deg = 11.0 }]\n'
    cases += "fails = [{ chest.tilt_deg = 16.0 }]\n"
    assert load(standard(tmp_path), write(tmp_path / "o", head("o", "L4"), body, cases)).cases_held == 10
