"""Score and grade: image-qc.md, section 5."""

from __future__ import annotations

import pytest

from capture.text import Bilingual
from models.rules.scoring import CAPS, grade, score
from models.rules.verdict import Finding, Grade, Severity


def finding(group: str = "mark", deduct: float = 0, severity: Severity = Severity.MINOR) -> Finding:
    words = Bilingual("一", "one")
    return Finding(
        "T.x", "fail", severity, group, deduct, words, words, (), (), "L2", "test-pack", "a source", "E"
    )


def test_nothing_found_is_a_hundred() -> None:
    assert score([]) == 100
    assert grade(100, []) is Grade.JIA


@pytest.mark.parametrize(("group", "cap"), CAPS.items())
def test_each_group_is_capped(group: str, cap: float) -> None:
    assert score([finding(group, cap - 1)]) == 100 - cap + 1
    assert score([finding(group, cap), finding(group, 3)]) == 100 - cap


def test_groups_add_up() -> None:
    assert score([finding("position", 20), finding("dose", 2.5), finding("mark", 1)]) == 76.5


def test_all_caps_together_stay_above_minus_thirty() -> None:
    assert score([finding(group, 100) for group in CAPS]) == 100 - sum(CAPS.values())


@pytest.mark.parametrize(
    ("points", "expected"),
    [(90, Grade.JIA), (89.9, Grade.YI), (75, Grade.YI), (74.9, Grade.BING), (60, Grade.BING), (59.9, Grade.FEI)],
)
def test_steps(points: float, expected: Grade) -> None:
    assert grade(points, [finding()]) is expected


def test_a_major_finding_rules_out_the_first_grade_only() -> None:
    major = [finding(severity=Severity.MAJOR)]
    assert grade(95, major) is Grade.YI
    assert grade(70, major) is Grade.BING


def test_a_veto_is_the_last_grade_whatever_the_score() -> None:
    assert grade(99, [finding(severity=Severity.VETO)]) is Grade.FEI
