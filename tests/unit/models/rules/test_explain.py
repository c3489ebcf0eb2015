"""Why a verdict is what it is."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.rules.evaluate import evaluate
from models.rules.explain import Line, explain_finding, explain_not_assessed, explain_rule
from models.rules.pack import RuleSet
from models.rules.schema import Layer
from models.rules.verdict import Grade, NotAssessed, Severity
from models.rules.words import EVIDENCE, GRADES, LAYERS, REASONS, SEVERITIES
from tests.unit.models.rules.packs import NAMES, facts, head, load, standard, write


def said(lines: tuple[Line, ...], tongue: str = "en") -> str:
    return "\n".join(f"{line.label.get(tongue)}: {line.text.get(tongue)}" for line in lines)


def test_every_word_of_a_closed_set_is_there_in_both_languages() -> None:
    assert set(REASONS) == set(Reason) and set(SEVERITIES) == set(Severity) and set(LAYERS) == set(get_args(Layer))
    assert set(GRADES) == {*Grade, None} and set(EVIDENCE) == {"V", "M", "mem", "E"}


def test_a_failure_names_measurement_limit_layer_pack_and_source(tmp_path: Path) -> None:
    rules = load(standard(tmp_path))
    tilt = Measurement("chest.tilt_deg", 11.0, "deg", "chest/1", confidence=0.8)
    [finding] = evaluate(Measurements([tilt]), rules, {}).findings
    text = said(explain_finding(finding, rules))
    assert "fails when: chest.tilt_deg > limit.fail_deg" in text
    assert "measured: chest.tilt_deg = 11° ~80%  meaning of chest.tilt_deg [chest/1]" in text
    assert "limit: fail_deg = 10  [L2, test-pack] default, not yet verified" in text
    assert "source: a textbook (default, not yet verified)" in text
    assert "points: -10 (position)" in text and "DICOM codes: 111209" in text
    assert "默认值，尚未核实" in said(explain_finding(finding, rules), "zh")


def test_a_warning_shows_the_warning_condition(tmp_path: Path) -> None:
    rules = load(standard(tmp_path))
    [finding] = evaluate(facts(chest__tilt_deg=6.0), rules, {}).findings
    assert "warns when: chest.tilt_deg > limit.warn_deg" in said(explain_finding(finding, rules))


def test_a_finding_outlives_its_rule_and_its_catalogue(tmp_path: Path) -> None:
    rules = load(standard(tmp_path))
    [finding] = evaluate(facts(image__blank=True), rules, {}).findings
    text = said(explain_finding(finding, RuleSet((), {}, 0)))
    assert "image.blank = yes" in text and "fails when" not in text and "codes" not in text


def test_what_was_missing_and_why() -> None:
    lacking = (NotMeasured("chest.gap_mm", Reason.NO_MODEL, "chest-anatomy"), NotMeasured("x.y", Reason.NO_PIXELS))
    item = NotAssessed("T1.tilt", EVIDENCE["V"], lacking)
    assert said(explain_not_assessed(item, NAMES)) == (
        "missing: meaning of chest.gap_mm: no model installed (chest-anatomy)\nmissing: x.y: no readable pixels"
    )
    assert "未安装模型" in said(explain_not_assessed(item, NAMES), "zh")


def test_a_rule_shows_who_may_change_what_and_who_did(tmp_path: Path) -> None:
    scope = 'modality = ["DX"]\nbody = ["CHEST"]\nage_years = { min = 18, max = 90 }'
    cases = '[case."T1.tilt"]\npasses = [{ chest.tilt_deg = 1.0 }]\nfails = [{ chest.tilt_deg = 12.0 }]\n'
    tighter = write(
        tmp_path / "tighter",
        head("tighter", "L4", scope),
        '[[override]]\nrule = "T1.tilt"\nlimit = { fail_deg = 9.0 }\n',
        cases,
    )
    silent = write(tmp_path / "silent", head("silent", "L5"), '[[override]]\nrule = "T1.tilt"\nenabled = false\n')
    rules = load(standard(tmp_path), tighter, silent)
    tilt, blank = rules.find("T1.tilt"), rules.find("T2.blank")
    assert tilt is not None and blank is not None
    text = said(explain_rule(rules, tilt))
    assert "scope: every image" in text
    assert "warn_deg = 5  [L2, test-pack] default, not yet verified\n" in text
    assert "later layers may set it in [8, 20]" in text
    assert "changed by: L4 tighter: major fail_deg = 9 (modality DX, body CHEST, age 18 to 90)" in text
    assert "changed by: L5 silent: major off (every image)" in text
    assert "后续层可在 [8, 20] 内修改" in said(explain_rule(rules, tilt), "zh")
    assert "closed to later layers" in said(explain_rule(rules, blank))
