"""Content proves itself before it judges, and what does not hold is said by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from models.bundles import golden
from models.content import archive
from models.content.manifest import NAME
from models.content.package import Package, open_package, pack_up
from models.content.selftest import self_test
from tests.unit.models.bundles import networks
from tests.unit.models.rules.packs import head, write

RULE = """
[[rule]]
id = "OUR.voltage"
fails = 'dicom.KVP > 100.0'
severity = "minor"
group = "exposure"
source = "this test"
evidence = "E"
[rule.text.zh]
title = "过高"
advice = "调低"
[rule.text.en]
title = "Too high"
advice = "Lower it"
"""
CASES = """
[case."OUR.voltage"]
passes = [{ dicom.KVP = 90.0 }]
fails = [{ dicom.KVP = 120.0 }]
not_assessed = [{}]
"""


def pack(folder: Path, cases: str = CASES) -> Package:
    return open_package(pack_up(write(folder, head("our-voltage", "L2"), RULE, cases), "pack"))


def bundle(folder: Path, off: float = 0.0) -> Package:
    networks.write(folder)
    image = networks.picture()
    outputs = networks.load(folder).run({"image": image})
    outputs["mean"] = outputs["mean"] + np.float32(off)
    golden.save(folder / "goldens/0.npz", {"image": image}, outputs)
    return open_package(pack_up(folder, "bundle"))


def test_what_holds_is_counted(tmp_path: Path) -> None:
    outcome = self_test([pack(tmp_path / "p"), bundle(tmp_path / "two-maps")])
    assert (outcome.held, outcome.failed, outcome.holds) == (4, (), True)


def test_a_case_that_comes_out_otherwise(tmp_path: Path) -> None:
    outcome = self_test([pack(tmp_path / "p", CASES.replace("120.0", "99.0"))])
    assert not outcome.holds
    [failure] = outcome.failed
    assert failure.code == "pack.case" and "our-voltage" in failure.text.en and failure.text.zh != failure.text.en


def test_a_network_that_says_something_else_on_this_machine(tmp_path: Path) -> None:
    outcome = self_test([bundle(tmp_path / "two-maps", off=0.25)])
    [failure] = outcome.failed
    assert (failure.name, failure.code) == ("two-maps", "content.golden") and "0.25" in failure.text.en


def test_only_what_is_asked_for_runs_its_goldens(tmp_path: Path) -> None:
    packages = [pack(tmp_path / "p"), bundle(tmp_path / "two-maps", off=0.25)]
    assert self_test(packages, {"our-voltage"}).holds
    assert not self_test(packages, {"two-maps"}).holds


def test_a_network_that_does_not_run(tmp_path: Path) -> None:
    model = networks.two_maps()
    model.graph.node[0].op_type = "Summon"
    outcome = self_test([open_package(pack_up(networks.write(tmp_path / "two-maps", model), "bundle"))])
    assert [(one.name, one.code) for one in outcome.failed] == [("two-maps", "bundle.runtime")]


@pytest.mark.parametrize("said", [2, 4])
def test_a_manifest_that_promises_other_cases_than_there_are(tmp_path: Path, said: int) -> None:
    whole = pack(tmp_path / "p")
    tree = json.loads(whole.manifest.dump()) | {"selftest": said}
    manifest = (json.dumps(tree, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
    forged = open_package(archive.written({**whole.files, NAME: manifest}))
    assert [one.code for one in self_test([forged]).failed] == ["content.selftest"]


def test_packages_that_do_not_fit_together(tmp_path: Path) -> None:
    one = pack(tmp_path / "p")
    other = write(tmp_path / "q", head("other", "L2"), RULE, CASES)
    outcome = self_test([one, open_package(pack_up(other, "pack"))])
    assert [failure.code for failure in outcome.failed] == ["pack.rule_twice"]
