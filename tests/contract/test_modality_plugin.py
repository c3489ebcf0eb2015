"""Adding a modality touches the catalogue, a producer and a pack; nothing in edge/ or cloud_sync/.

A toy modality (XT, an invented thermograph) is added from a folder outside the product and judged by the
product's own judge(). What the folder holds is the whole recipe.
"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from typing import Any, cast

import pytest

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Technique
from models import header, site
from models.catalogue import catalogue, entries_in
from models.circumstances import Circumstances
from models.content import drafts, factory
from models.judge import Content, Judgement, judge
from models.measurement import Reason
from models.producer import MeasurementProducer, Producer, in_order
from models.rules.verdict import Grade
from models.sets.facts import SetFacts

RECIPE = {
    "catalogue/thermography.toml": """
[thermo]
drift_kelvin = { unit = "K", zh = "温度漂移", en = "Drift of the sensor", source = "toy" }
settled = { type = "bool", zh = "患者已适应室温", en = "The patient is used to the room", source = "toy" }
""",
    "thermography/drift.py": '''
"""thermo.*: what a thermograph says of its sensor."""

from models.measurement import Measurement, NotMeasured, Reason


class Drift:
    name = "drift/1"
    provides = frozenset({"thermo.drift_kelvin", "thermo.settled"})
    needs = frozenset({"dicom.Modality"})

    def measure(self, subject):
        if subject.so_far.text("dicom.Modality") != "XT":
            return [NotMeasured(name, Reason.NOT_APPLICABLE) for name in sorted(self.provides)]
        drift = subject.acquisition.technique.FlipAngle
        return [
            NotMeasured("thermo.drift_kelvin", Reason.NOT_IN_HEADER)
            if drift is None
            else Measurement("thermo.drift_kelvin", drift, "K", self.name),
            Measurement("thermo.settled", True, "", self.name),
        ]


PRODUCERS = (Drift(),)
''',
    "packs/thermography/pack.toml": """
name = "thermography"
version = 1
layer = "L2"
authors = ["a thermographer"]
[scope]
modality = ["XT"]
[title]
zh = "热成像"
en = "Thermography"
[note]
zh = "示例"
en = "A sample"
""",
    "packs/thermography/rules.toml": """
[[rule]]
id = "XT01.drift"
when = 'thermo.settled'
fails = 'thermo.drift_kelvin > limit.kelvin'
severity = "major"
deduct = { fail = 15 }
group = "artefact"
source = "toy"
evidence = "E"
[rule.limit]
kelvin = 0.5
[rule.text.zh]
title = "传感器漂移"
advice = "漂移 {thermo.drift_kelvin}:请校准后重拍。"
[rule.text.en]
title = "The sensor drifts"
advice = "Drift of {thermo.drift_kelvin}: calibrate and repeat."
""",
    "packs/thermography/cases.toml": """
[case."XT01.drift"]
base = { thermo.settled = true }
passes = [{ thermo.drift_kelvin = 0.1 }]
fails = [{ thermo.drift_kelvin = 0.9 }]
not_assessed = [{}]
""",
}


@pytest.fixture
def plug_in(tmp_path: Path) -> Path:
    for name, text in RECIPE.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return tmp_path


def content(plug_in: Path) -> Content:
    spec = importlib.util.spec_from_file_location("thermography_drift", plug_in / "thermography/drift.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    own = cast("tuple[MeasurementProducer, ...]", module.PRODUCERS)
    names = {**catalogue(), **entries_in(plug_in / "catalogue")}
    return Content(
        in_order([*header.PRODUCERS, *own]), drafts.only_rules([factory.PACKS, plug_in / "packs"], names)
    )


def judged(plug_in: Path, modality: str, drift: float | None) -> Judgement:
    thermogram = Acquisition(
        arrival_id="0-0",
        identity=Identity(PatientID="A1", PatientName="Li^Hong"),
        exam=Exam(SOPClassUID="1.2.840.10008.5.1.4.1.1.7.4", Modality=modality, ImageType=("ORIGINAL", "PRIMARY")),
        technique=Technique(FlipAngle=drift),
        device=Device(),
        display=Display(Rows=240, Columns=320),
        pixels=NoPixels("no_pixel_data"),
    )
    return judge(thermogram, content(plug_in), Circumstances(received_at=1_772_244_960_000))


def test_an_image_of_the_new_modality_is_judged(plug_in: Path) -> None:
    verdict = judged(plug_in, "XT", 0.9).verdict
    [finding] = [one for one in verdict.findings if one.pack == "thermography"]
    assert finding.advice.en == "Drift of 0.9 K: calibrate and repeat."
    assert finding.evidence[0].producer == "drift/1"
    assert "thermography" in {pack.name for pack in verdict.packs}
    assert verdict.grade not in (None, Grade.JIA)


def test_its_good_image_passes_and_its_silent_one_is_not_assessed(plug_in: Path) -> None:
    assert "XT01.drift" in judged(plug_in, "XT", 0.1).verdict.passed
    [item] = [one for one in judged(plug_in, "XT", None).verdict.not_assessed if one.rule_id == "XT01.drift"]
    assert [(fact.name, fact.reason) for fact in item.missing] == [("thermo.drift_kelvin", Reason.NOT_IN_HEADER)]


def test_other_modalities_do_not_hear_of_it(plug_in: Path) -> None:
    verdict = judged(plug_in, "DX", 0.9).verdict
    assert not any(one.pack == "thermography" for one in verdict.findings)
    assert "thermography" not in {pack.name for pack in verdict.packs}


def test_the_recipe_needs_three_folders_and_none_of_the_plumbing(plug_in: Path) -> None:
    folders = {file.relative_to(plug_in).parts[0] for file in plug_in.rglob("*") if file.is_file()}
    assert folders == {"catalogue", "thermography", "packs"}
    imported = {
        node.module.partition(".")[0]
        for file in plug_in.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
    }
    assert imported <= {"capture", "models"}


@pytest.mark.parametrize("room", ["edge", "cloud_sync"])
def test_the_plumbing_names_no_modalitys_measures(room: str) -> None:
    """A measure or rule named in the plumbing would have to be named again for every new modality."""
    root = Path(__file__).resolve().parents[2] / room
    everywhere: tuple[Producer[Any], ...] = (*header.PRODUCERS, *site.PRODUCERS, SetFacts())
    of_every_modality = {name for producer in everywhere for name in producer.provides}
    of_some = {name for name in catalogue() if name not in of_every_modality}
    named = {
        f"{file.relative_to(root)}: {node.value}"
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in of_some
    }
    assert named == set()
