"""Numbers with units, in both languages."""

from __future__ import annotations

import pytest

from capture.text import Bilingual
from models.measurement import Value
from models.rules.schema import Texts
from models.rules.wording import filled, placeholders, shown
from tests.unit.models.rules.packs import NAMES


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (True, "", "是", "yes"),
        (False, "", "否", "no"),
        (12.345678, "mm", "12.35 mm", "12.35 mm"),
        (0.1, "Gy.cm2", "0.1 Gy·cm²", "0.1 Gy·cm²"),
        (12.0, "mGy.cm", "12 mGy·cm", "12 mGy·cm"),
        (2.5, "mA.s", "2.5 mAs", "2.5 mAs"),
        (300, "Hz/{pixel}", "300 Hz/px", "300 Hz/px"),
        (64, "{pixels}", "64 px", "64 px"),
        (3.2, "deg", "3.2°", "3.2°"),
        (55.0, "%", "55%", "55%"),
        (123456.0, "s", "123456 s", "123456 s"),
        (2.0, "1", "2", "2"),
        (2.0, "", "2", "2"),
        (5.0, "{lines}", "5", "5"),
        (-720.0, "[hnsf'U]", "-720 HU", "-720 HU"),
        (6.0, "a", "6岁", "6 years"),
        (400.0, "d", "400天", "400 days"),
        ("PA", "", "PA", "PA"),
        (("KVP", "EI"), "", "KVP、EI", "KVP, EI"),
        ((), "", "-", "-"),
    ],
)
def test_shown(value: Value, unit: str, zh: str, en: str) -> None:
    assert shown(value, unit, "zh") == zh
    assert shown(value, unit, "en") == en


def test_placeholders_are_filled_with_units_and_a_missing_fact_reads_unknown() -> None:
    template = Bilingual(
        "倾斜 {chest.tilt_deg},限 {limit.x},间隙 {chest.gap_mm}", "{chest.tilt_deg} {chest.gap_mm} {x}"
    )
    said = filled(template, {"chest.tilt_deg": 7.0, "limit.x": 5.0}, NAMES)
    assert said == Bilingual("倾斜 7°,限 5,间隙 未知", "7° unknown {x}")


def test_a_size_is_said_without_its_sign_where_the_rule_asks_for_it() -> None:
    template = Bilingual("缺 {abs exam.top_mm}", "{abs exam.top_mm} missing ({exam.top_mm}, {abs exam.cut})")
    said = filled(template, {"exam.top_mm": -18.1, "exam.cut": True}, {})
    assert said == Bilingual("缺 18.1", "18.1 missing (-18.1, yes)")
    texts = Texts.model_validate(
        {"zh": {"title": "缺", "advice": template.zh}, "en": {"title": "Missing", "advice": template.en}}
    )
    assert placeholders(texts) == {"exam.top_mm", "exam.cut"}
