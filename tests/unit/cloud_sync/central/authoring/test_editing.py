"""The form writes what changed and nothing else; the check finds everything that is wrong at once."""

from __future__ import annotations

import difflib
import io
import zipfile
from dataclasses import replace

import pytest

from capture.errors import Misuse
from cloud_sync.central.authoring import editing, forms
from cloud_sync.central.authoring.checking import Checked, check, check_condition
from cloud_sync.central.authoring.forms import LimitForm, RuleForm
from cloud_sync.central.authoring.texts import LARGEST, PackText, as_zip, from_zip
from models.rules.expression import ExpressionError
from tests.unit.cloud_sync.central.authoring.stage import PA, factory

ROTATION = "PA03.rotation"


def text(name: str = PA) -> PackText:
    return factory()[1][name]


def form() -> RuleForm:
    found = forms.read_rule(text().rules, ROTATION)
    assert found is not None
    return found


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]


def checked(**files: str) -> Checked:
    return check(replace(text(), **files), factory()[0])


@pytest.mark.parametrize("name", list(factory()[1]))
def test_what_is_not_changed_stays_letter_by_letter(name: str) -> None:
    """Rules of every pack that ships through the form and back, with their cases."""
    given = text(name)
    pack = check(given, factory()[0]).pack
    assert pack is not None
    for rule in (one.spec.id for one in pack.rules[::20]):
        filled = forms.read_rule(given.rules, rule)
        assert filled is not None
        assert editing.write_rule(given.rules, rule, filled) == given.rules
        assert editing.write_cases(given.cases, rule, editing.case_lines(given.cases, rule)) == given.cases


def test_a_limit_changes_on_its_line_and_keeps_its_comment() -> None:
    commented = text().rules.replace("max = 1.0 }\nfail_ratio", "max = 1.0 }  # after the audit\nfail_ratio", 1)
    limits = (replace(form().limits[0], value="0.45"), form().limits[1])
    after = editing.write_rule(commented, ROTATION, replace(form(), limits=limits))
    assert changed(commented, after) == [
        "-warn_ratio = { value = 0.50, min = 0.25, max = 1.0 }  # after the audit",
        "+warn_ratio = { value = 0.45, min = 0.25, max = 1.0 }  # after the audit",
    ]


def test_everything_in_the_form_is_written_and_read_back() -> None:
    wanted = replace(
        form(), enabled=False, severity="veto", group="exposure", deduct_warn="2.5", deduct_fail="0",
        source='a "source"', evidence="E", title_zh="标题", advice_zh="提示\n两行", title_en="It's a title",
        advice_en="Advice {chest.rotation_deg}", when="dicom.Modality == 'DX'", warn="",
        fails="chest.rotation_ratio > limit.fail_ratio\n|| chest.rotation_deg > limit.deg",
        veto_when="chest.rotation_ratio > 3.0",
        limits=(LimitForm("fail_ratio", "0.9", "0.5", "1"), LimitForm("deg", "8"), LimitForm("on", '["L", "R"]')),
    )  # fmt: skip
    after = editing.write_rule(text().rules, ROTATION, wanted)
    assert forms.read_rule(after, ROTATION) == wanted
    assert "# Items of design/image-qc.md, section 6.1." in after


def test_a_rule_comes_and_goes() -> None:
    with_rule = editing.add_rule(text().rules, "PA99.new")
    found = checked(rules=with_rule)
    assert {(one.rule, one.file) for one in found.problems} == {("PA99.new", "cases.toml")}
    assert editing.remove_rule(with_rule, "PA99.new").rstrip() == text().rules.rstrip()
    with pytest.raises(Misuse, match="already"):
        editing.add_rule(with_rule, "PA99.new")
    assert "PA03" not in editing.remove_cases(text().cases, ROTATION)


def test_cases_of_a_new_rule_are_written_as_ours_are() -> None:
    after = editing.write_cases(text().cases, "PA99.new", {"passes": ["{ a.b = 1.0 }", "{}"], "fails": ["{}"]})
    added = "\n".join(line[1:] for line in changed(text().cases, after))
    assert added.strip() == '[case."PA99.new"]\npasses = [\n    { a.b = 1.0 },\n    {},\n]\nfails = [{}]'


@pytest.mark.parametrize("line", ["a.b = 1", "[]", "{ a.b = }", "{} \n[x]", "1"])
def test_a_case_that_is_no_facts_is_refused(line: str) -> None:
    with pytest.raises(Misuse, match="well-formed"):
        editing.write_cases(text().cases, ROTATION, {"passes": [line]})


def test_a_bound_that_is_no_number_is_refused() -> None:
    with pytest.raises(Misuse, match="not a number"):
        editing.write_rule(text().rules, ROTATION, replace(form(), limits=(LimitForm("a", "1", "x", "2"),)))


def test_all_mistakes_are_found_at_once_each_with_its_rule() -> None:
    rules = text().rules.replace(
        "chest.excess_field_ratio > limit.warn_ratio", "chest.excess_ratio > limit.warn_ratio"
    )
    rules = rules.replace("{chest.rotation_deg}", "{chest.rotation_degrees}", 1)
    found = checked(rules=rules, cases=text().cases.replace("spine_tilt_deg = 17.0", "spine_tilt_deg = 7.0"))
    assert {one.rule for one in found.problems} == {"PA02.excess_field", ROTATION}
    wrong = [line for line in found.cases if line.rule == "PA07.tilt" and not line.holds]
    assert [(line.expected, line.got) for line in wrong] == [("fails", "passes")]
    assert not found.sound


@pytest.mark.parametrize(
    ("file", "old", "new", "part"),
    [
        ("rules", 'id = "PA03.rotation"', 'id = "PA03.rotation', "Not valid TOML"),
        ("rules", 'severity = "veto"', 'severity = "grave"', "rule.1.severity"),
        ("rules", 'id = "PA03.rotation"', 'id = "PA02.excess_field"', "there twice"),
        ("rules", 'id = "PA03.rotation"', 'id = "HD20.images_missing"', "completeness"),
        ("pack", "object.is_image &&", "object.image &&", "object.image"),
        ("pack", 'layer = "L2"', 'layer = "L9"', "layer"),
        ("cases", '[case."PA03.rotation"]', '[case."PA03.rotated"]', "no rule"),
        ("cases", "chest.rotation_ratio = 1.2", "chest.rotation_ratio = true", "another type"),
        ("cases", "fails = [{ chest.rotation_ratio = 1.2 }]", "", "no case that fails"),
    ],
)
def test_each_mistake_is_said(file: str, old: str, new: str, part: str) -> None:
    before = getattr(text(), file)
    assert old in before
    found = checked(**{file: before.replace(old, new, 1)})
    assert any(part in one.text.en for one in found.problems)
    assert all(max(one.text.zh) >= "\u4e00" for one in found.problems)


def test_syntax_says_where() -> None:
    [problem] = checked(cases="a = 1\nb = = 2\n").problems
    assert (problem.file, problem.line, problem.column) == ("cases.toml", 2, 5)


def test_an_expression_is_checked_with_the_limits_of_its_form() -> None:
    limits = {"warn": forms.type_of_limit("0.5"), "side": forms.type_of_limit("L")}
    assert check_condition("chest.rotation_ratio > limit.warn", limits).names == {
        "chest.rotation_ratio",
        "limit.warn",
    }
    with pytest.raises(ExpressionError, match="wrong types"):
        check_condition("chest.rotation_ratio > limit.side", limits)


def test_a_zip_holds_the_same_text_and_others_are_refused() -> None:
    raw = as_zip(PA, text())
    assert raw == as_zip(PA, text())
    assert from_zip(raw) == text()
    for entries in ([], [("pack.toml", b"")], [(f"{n}/rules.toml", b"") for n in "ab"], [("pack.toml", b"\xff")]):
        with pytest.raises(Misuse, match="zip of a rule pack"):
            from_zip(zipped(entries))
    for broken in (b"", b"PK", raw[:-30], raw.replace(b"name =", b"name +")):
        with pytest.raises(Misuse, match="zip of a rule pack"):
            from_zip(broken)
    with pytest.raises(Misuse, match="zip of a rule pack"):
        from_zip(zipped([(name, b"#" * (LARGEST + 1)) for name in text().files], zipfile.ZIP_DEFLATED))


def zipped(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()
