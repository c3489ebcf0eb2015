"""The handbook's page on networks: its example works from end to end, and every code is explained."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from edge.commands.judging import judge_file
from models.content import drafts
from models.judge import Judgement
from models.measurement import Measurement
from models.rules.verdict import Finding
from tests.factories import dx, write
from tests.unit.models.bundles import networks

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"```toml\n# ([\w/]+\.toml)\n(.*?)```", re.DOTALL)
_CODE = re.compile(r'"(bundle\.[a-z_]+)"')
SIDE = 64


def page(language: str) -> str:
    return (ROOT / "deploy/handbook" / language / "bundles.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Drafts:
    """The page's network and pack."""

    bundle: Path
    pack: Path


def drafts_of(folder: Path, language: str, weight: float) -> Drafts:
    """The page's files in place, with a network that calls bright pixels jewellery, or with weight 0 nothing."""
    blocks = dict(_BLOCK.findall(page(language)))
    assert set(blocks) == {"configs/qcbox.toml", "pack.toml", "rules.toml", "cases.toml"}
    bundle = folder / "bundles/hand-jewellery"
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w", "b"], ["y"])],
        "jewellery",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, SIDE, SIDE])],
        [
            numpy_helper.from_array(np.full((1, 1, 1, 1), weight, np.float32), "w"),
            numpy_helper.from_array(np.array([-5], np.float32), "b"),
        ],
    )
    described = networks.metadata(
        network_data_format={
            "inputs": {"image": networks.tensor(1, ["film"], [SIDE, SIDE])},
            "outputs": {"objects": networks.tensor(1, ["jewellery"], [SIDE, SIDE])},
        }
    )
    networks.write(bundle, networks.finished(graph), described)
    pack = folder / "packs/our-hand"
    pack.mkdir(parents=True)
    for name, text in blocks.items():
        ((bundle if "/" in name else pack) / name).write_text(text, encoding="utf-8")
    return Drafts(bundle, pack)


def judged(made: Drafts, film: Path) -> Judgement:
    outcome = judge_file(film, drafts.content([made.pack], [made.bundle]), 0).outcome
    assert isinstance(outcome, Judgement)
    return outcome


def ours(outcome: Judgement) -> list[Finding]:
    return [one for one in outcome.verdict.findings if one.rule_id == "OUR.hand_jewellery"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_examples_network_and_rule_judge_a_hand(language: str, tmp_path: Path) -> None:
    made = drafts_of(tmp_path, language, weight=10)
    hand = write(
        dx(BodyPartExamined="HAND", ViewPosition="PA", AnatomicRegionSequence=None), tmp_path / "hand.dcm"
    )
    outcome = judged(made, hand)
    [finding] = ours(outcome)
    assert finding.pack == "our-hand" and "99" in finding.advice.en
    facts = {fact.name: fact for fact in outcome.measurements if fact.name.startswith("x_")}
    share = facts["x_hand_jewellery.share"]
    assert (
        isinstance(share, Measurement) and isinstance(share.value, float) and 0 < share.value < 1 and share.marks
    )
    [used] = [one for one in outcome.verdict.bundles if one.name == "hand-jewellery"]  # ours look at a hand, too
    assert (used.name, used.version) == ("hand-jewellery", "0.1.0")
    assert used.sha256 == networks.package(made.bundle).sha256


def test_without_jewellery_it_passes_and_other_parts_do_not_hear_of_it(tmp_path: Path) -> None:
    made = drafts_of(tmp_path, "en", weight=0)
    hand = write(
        dx(BodyPartExamined="HAND", ViewPosition="PA", AnatomicRegionSequence=None), tmp_path / "hand.dcm"
    )
    outcome = judged(made, hand)
    assert not ours(outcome) and "OUR.hand_jewellery" in outcome.verdict.passed
    chest = judged(made, write(dx(), tmp_path / "chest.dcm"))
    assert "our-hand" not in {pack.name for pack in chest.verdict.packs}
    assert "hand-jewellery" not in {one.name for one in chest.verdict.bundles}


def test_the_examples_commands(tmp_path: Path) -> None:
    made = drafts_of(tmp_path, "en", weight=10)
    hand = write(
        dx(BodyPartExamined="HAND", ViewPosition="PA", AnatomicRegionSequence=None), tmp_path / "hand.dcm"
    )
    bundles, packs = made.bundle, made.pack

    def qcbox(*words: object) -> str:
        command = [sys.executable, "-m", "edge", *map(str, words)]
        ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert ran.returncode in (0, 1), ran.stderr
        return ran.stdout

    assert "hand-jewellery 0.1.0" in qcbox("bundles", "check", bundles, "--lang", "en")
    shown = qcbox("bundles", "inspect", "hand-jewellery", "--bundles", bundles, "--lang", "zh")
    assert "x_hand_jewellery.share [{ratio}]  饰物占图像的比例" in shown and "jewellery" in shown
    assert "hold" in qcbox("rules", "check", packs, "--bundles", bundles, "--lang", "en")
    told = qcbox("judge", hand, "--bundles", bundles, "--packs", packs, "--explain", "--lang", "en")
    assert "Jewellery on the hand" in told and "networks: " in told and "hand-jewellery 0.1.0" in told


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_is_explained(language: str) -> None:
    sources = [*(ROOT / "models/bundles").glob("*.py"), ROOT / "edge/commands/bundles.py"]
    codes = {code for file in sources for code in _CODE.findall(file.read_text(encoding="utf-8"))}
    assert len(codes) > 10
    assert {code for code in codes if f"`{code}`" not in page(language)} == set()
