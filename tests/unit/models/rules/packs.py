"""Small packs on disk, right in every part, to spoil one part of."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.errors import Misuse
from models.catalogue import Entry
from models.content import drafts
from models.measurement import Measured, Measurement, Measurements
from models.rules.pack import RuleSet


def entry(name: str, kind: str = "number", unit: str = "", leaves_site: bool = True) -> Entry:
    return Entry(name, kind, unit, f"{name} 的意义", f"meaning of {name}", "test", leaves_site, None, None)  # type: ignore[arg-type]


NAMES = {
    one.name: one
    for one in (
        entry("dicom.Modality", "text"),
        entry("dicom.ProtocolName", "text", leaves_site=False),
        entry("body.part", "text"),
        entry("view.projection", "text"),
        entry("exam.kind", "text"),
        entry("case.device_key", "text"),
        entry("case.person_key", "text", leaves_site=False),
        entry("person.age_years", unit="a"),
        entry("chest.tilt_deg", unit="deg"),
        entry("chest.gap_mm", unit="mm"),
        entry("image.blank", "bool"),
        entry("dicom.ImageType", "texts"),
    )
}

TILT_RULE = """
[[rule]]
id = "T1.tilt"
warn = 'chest.tilt_deg > limit.warn_deg'
fails = 'chest.tilt_deg > limit.fail_deg'
severity = "major"
deduct = { warn = 2, fail = 10 }
group = "position"
source = "a textbook"
evidence = "mem"
codes = ["111209"]
regions_from = ["chest.tilt_deg"]
[rule.limit]
warn_deg = 5
fail_deg = { value = 10.0, min = 8.0, max = 20.0 }
[rule.text.zh]
title = "身体倾斜"
advice = "倾斜 {chest.tilt_deg},限 {limit.fail_deg},间隙 {chest.gap_mm}"
[rule.text.en]
title = "Tilted"
advice = "Tilted by {chest.tilt_deg}, limit {limit.fail_deg}, gap {chest.gap_mm}"
"""
TILT_CASES = """
[case."T1.tilt"]
passes = [{ chest.tilt_deg = 1.0 }]
warns = [{ chest.tilt_deg = 6.0 }]
fails = [{ chest.tilt_deg = 11.0 }]
not_assessed = [{}]
"""
BLANK_RULE = """
[[rule]]
id = "T2.blank"
fails = 'image.blank && limit.armed'
severity = "veto"
deduct = { fail = 45 }
group = "artefact"
source = "a guideline"
evidence = "V"
[rule.limit]
armed = true
[rule.text.zh]
title = "空白"
advice = "重摄"
[rule.text.en]
title = "Blank"
advice = "Repeat"
"""
BLANK_CASES = """
[case."T2.blank"]
passes = [{ image.blank = false }]
vetoes = [{ image.blank = true }]
not_assessed = [{}]
"""


def head(name: str = "test-pack", layer: str = "L2", scope: str = "", more: str = "") -> str:
    return f"""
name = "{name}"
version = 3
layer = "{layer}"
authors = ["a physicist"]
{more}
[title]
zh = "试验"
en = "Trial"
[note]
zh = "试验用"
en = "For tests"
[scope]
{scope}
"""


def write(folder: Path, pack: str, rules: str = "", cases: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("pack", pack), ("rules", rules), ("cases", cases)):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return folder


def standard(tmp_path: Path, layer: str = "L2") -> Path:
    """A pack with a rule that warns and fails, and a veto."""
    return write(tmp_path / "standard", head(layer=layer), TILT_RULE + BLANK_RULE, TILT_CASES + BLANK_CASES)


def load(*folders: Path) -> RuleSet:
    return drafts.only_rules(folders, NAMES)


def refused(code: str, *folders: Path) -> Misuse:
    """Loading fails with this code, and says so in both languages."""
    with pytest.raises(Misuse) as caught:
        load(*folders)
    assert caught.value.code == code, str(caught.value)
    assert caught.value.say("zh") != caught.value.say("en")
    return caught.value


def facts(**values: bool | float | str | tuple[str, ...]) -> Measurements:
    """``chest__tilt_deg=3.0`` as a measured fact."""
    measured: list[Measured] = [
        Measurement(name.replace("__", "."), value, NAMES[name.replace("__", ".")].unit, "test/1")
        for name, value in values.items()
    ]
    return Measurements(measured)
