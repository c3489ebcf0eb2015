"""Packs that do not load say why; packs that load are identified by what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.content import drafts, factory
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


def spoiled(tmp_path: Path, old: str, new: str) -> Path:
    assert old in TILT_RULE
    return write(tmp_path / "p", head(), TILT_RULE.replace(old, new), TILT_CASES)


def test_a_folder_of_packs_or_a_pack(tmp_path: Path) -> None:
    standard(tmp_path)
    write(tmp_path / "second", head("second"), "", "")
    assert [pack.name for pack in load(tmp_path).packs] == ["second", "test-pack"]
    assert [pack.name for pack in load(tmp_path / "standard").packs] == ["test-pack"]
    assert load(tmp_path).cases_held == 7


def test_packs_are_sorted_by_layer_whatever_the_order_given(tmp_path: Path) -> None:
    late = write(tmp_path / "a", head("a-late", "L4"))
    early = write(tmp_path / "b", head("z-early", "L1"))
    assert [pack.name for pack in load(late, early).packs] == ["z-early", "a-late"]


def test_find(tmp_path: Path) -> None:
    rules = load(standard(tmp_path))
    found = rules.find("T1.tilt")
    assert found is not None and found.needs == {"chest.tilt_deg"} and not found.can_veto
    assert rules.find("T9.none") is None


@pytest.mark.parametrize("where", ["nowhere", ""])
def test_no_pack_there(tmp_path: Path, where: str) -> None:
    refused("content.none", tmp_path / where)


def test_a_missing_file(tmp_path: Path) -> None:
    (standard(tmp_path) / "cases.toml").unlink()
    assert "cases.toml" in refused("content.lacks", tmp_path).text.en


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"name = ", b"x = " + b"[" * 3000])
def test_a_file_that_is_not_toml(tmp_path: Path, raw: bytes) -> None:
    (standard(tmp_path) / "rules.toml").write_bytes(raw)
    assert "rules.toml" in refused("pack.file", tmp_path).text.zh


def test_a_huge_file(tmp_path: Path) -> None:
    (standard(tmp_path) / "rules.toml").write_bytes(b"#" * 2_000_001)
    refused("pack.size", tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('severity = "major"', 'severity = "grave"', "rule.1.severity"),
        ('group = "position"', 'group = "colour"', "rule.1.group"),
        ('source = "a textbook"', "", "rule.1.source"),
        ('evidence = "mem"', 'evidence = "hearsay"', "rule.1.evidence"),
        ("[rule.text.zh]", "[rule.text.fr]", "rule.1.text"),
        ("deduct = { warn = 2, fail = 10 }", "deduct = { fail = -3 }", "rule.1.deduct.fail"),
        ("deduct = { warn = 2, fail = 10 }", "colour = 3", "rule.1.colour"),
        ("warn_deg = 5", "warn_deg = nan", "rule.1.limit.warn_deg"),
        ("value = 10.0", "value = 50.0", "rule.1.limit.fail_deg"),
        ('title = "Tilted"', 'title = "Tilted {chest.tilt_deg}"', "rule.1.text.en.title"),
        ('severity = "major"', 'severity = "info"', "rule.1"),
        ('id = "T1.tilt"', 'id = "tilt"', "rule.1.id"),
    ],
)
def test_a_wrong_shape_is_refused_by_name(tmp_path: Path, old: str, new: str, place: str) -> None:
    assert f"{place}" in refused("pack.shape", spoiled(tmp_path, old, new)).text.en


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("chest.tilt_deg > limit.fail_deg", "chest.tlit_deg > limit.fail_deg", "T1.tilt: fails 1:6"),
        ("chest.tilt_deg > limit.warn_deg", "chest.tilt_deg > limit.wran_deg", "T1.tilt: warn"),
        ("chest.tilt_deg > limit.fail_deg", "chest.tilt_deg > 3", "wrong types"),
        ("fails =", "when = 'image.blank >'\nfails =", "T1.tilt: when"),
        ("fails =", "veto_when = 'limit.fail_deg'\nfails =", "T1.tilt: veto_when"),
    ],
)
def test_an_expression_that_does_not_compile(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in refused("pack.expression", spoiled(tmp_path, old, new)).text.en


def test_the_packs_own_condition_is_checked_too(tmp_path: Path) -> None:
    folder = write(tmp_path / "p", head(more="when = 'image.blnak'"), TILT_RULE, TILT_CASES)
    assert "pack.toml: when 1:6" in refused("pack.expression", folder).text.en


def test_a_text_or_region_with_an_unknown_fact(tmp_path: Path) -> None:
    refused("pack.name", spoiled(tmp_path, "gap {chest.gap_mm}", "gap {chest.gpa_mm}"))
    refused(
        "pack.name", spoiled(tmp_path, 'regions_from = ["chest.tilt_deg"]', 'regions_from = ["limit.warn_deg"]')
    )


def test_a_text_must_not_say_what_may_not_leave_the_site(tmp_path: Path) -> None:
    refused("pack.private", spoiled(tmp_path, "gap {chest.gap_mm}", "protocol {dicom.ProtocolName}"))


def test_a_rule_has_no_more_authority_than_its_pack(tmp_path: Path) -> None:
    refused("pack.layer", spoiled(tmp_path, 'id = "T1.tilt"', 'id = "T1.tilt"\nlayer = "L1"'))
    rules = load(spoiled(tmp_path, 'id = "T1.tilt"', 'id = "T1.tilt"\nlayer = "L3"'))
    assert rules.packs[0].rules[0].layer == "L3"


def test_nothing_twice(tmp_path: Path) -> None:
    again = write(tmp_path / "again", head(), "", "")
    refused("pack.twice", standard(tmp_path), again)
    other = write(tmp_path / "again", head("other"), TILT_RULE, TILT_CASES)
    refused("pack.rule_twice", standard(tmp_path), other)


def test_the_fingerprint_is_of_the_files_and_not_of_where_they_lie(tmp_path: Path) -> None:
    first = load(standard(tmp_path)).packs[0].fingerprint
    folder = write(tmp_path / "q", head(), TILT_RULE + BLANK_RULE, TILT_CASES + BLANK_CASES)
    assert load(folder).packs[0].fingerprint == first
    write(folder, head(), TILT_RULE.replace("fail = 10", "fail = 11") + BLANK_RULE, TILT_CASES + BLANK_CASES)
    assert load(folder).packs[0].sha256 != first.sha256


def test_what_ships_is_the_folder_of_packs() -> None:
    assert {pack.sha256 for pack in drafts.rules().packs} == {package.sha256 for package in factory.packs()}
