"""How loud a verdict is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capture.text import Bilingual
from edge.pipeline.alerting import SHIFT_MS, alert_for, alert_for_set_aside
from models.rules.verdict import Finding, Grade, Level, Severity, Verdict

FINDING = Finding(
    "X01", "fail", Severity.MINOR, "g", 1, Bilingual("题", "title"), Bilingual("建议", "advice"),
    (), (), "L0", "p", "s", "V",
)  # fmt: skip


def verdict(grade: Grade | None, *found: tuple[Level, Severity]) -> Verdict:
    findings = tuple(
        replace(FINDING, rule_id=f"X{number}", level=level, severity=severity)
        for number, (level, severity) in enumerate(found)
    )
    return Verdict(grade, None if grade is None else 90, findings, (), (), ())


@pytest.mark.parametrize(
    ("judged", "level", "must"),
    [
        (verdict(Grade.JIA), "good", False),
        (verdict(Grade.JIA, ("fail", Severity.INFO)), "good", False),
        (verdict(Grade.JIA, ("warn", Severity.MINOR)), "advice", False),
        (verdict(Grade.JIA, ("warn", Severity.MAJOR)), "advice", False),
        (verdict(Grade.JIA, ("fail", Severity.MAJOR)), "warning", False),
        (verdict(Grade.YI), "advice", False),
        (verdict(Grade.YI, ("fail", Severity.MAJOR)), "warning", False),
        (verdict(Grade.BING), "warning", True),
        (verdict(Grade.FEI), "critical", True),
        (verdict(Grade.FEI, ("fail", Severity.VETO)), "critical", True),
        (verdict(Grade.YI, ("fail", Severity.VETO)), "critical", True),
        (verdict(None), "advice", False),
    ],
)
def test_level_and_acknowledgement(judged: Verdict, level: str, must: bool) -> None:
    made = alert_for(judged, "series", now=1000)
    assert (made.level, made.needs_acknowledgement) == (level, must)
    assert made.expires_at == (None if must else 1000 + SHIFT_MS)


def test_images_of_one_series_with_the_same_findings_share_a_card() -> None:
    one = verdict(Grade.BING, ("fail", Severity.MAJOR), ("fail", Severity.MINOR))
    other = replace(one, findings=one.findings[::-1], score=1)
    assert alert_for(one, "s").dedupe_key == alert_for(other, "s").dedupe_key
    assert alert_for(one, "s").dedupe_key != alert_for(one, "t").dedupe_key
    assert alert_for(one, "s").dedupe_key != alert_for(verdict(Grade.BING), "s").dedupe_key


def test_set_aside_wants_a_person() -> None:
    made = alert_for_set_aside("case")
    assert (made.level, made.needs_acknowledgement, made.expires_at) == ("warning", True, None)
