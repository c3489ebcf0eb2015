"""From packages to what judges: with trials that are whole content, and a site's own changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

from capture.errors import Misuse
from models.bundles.door import DOOR
from models.bundles.metadata import METADATA, NETWORK
from models.catalogue import catalogue
from models.circumstances import Circumstances
from models.content import factory
from models.content.load import content_of
from models.content.overrides import SiteOverrides
from models.content.package import Package, open_package, pack_up, packed
from models.judge import Content, Judgement, judge
from models.measurement import Measurement, NotMeasured, Reason
from models.producer import discover, measure_all
from models.rules.schema import OverrideSpec
from models.rules.verdict import Severity
from tests.unit.models.bundles import networks
from tests.unit.models.bundles.test_site_network import DOOR as DECLARED
from tests.unit.models.bundles.test_site_network import film, slope
from tests.unit.models.rules.packs import head, write

RULE = """
[[rule]]
id = "OUR.dim"
fails = 'x_two_maps.brightness < limit.least'
severity = "major"
deduct = { fail = 10 }
group = "exposure"
source = "this test"
evidence = "E"
[rule.limit]
least = { value = 0.2, min = 0.1, max = 0.9 }
[rule.text.zh]
title = "偏暗"
advice = "{x_two_maps.brightness}"
[rule.text.en]
title = "Dim"
advice = "{x_two_maps.brightness}"
"""
CASES = """
[case."OUR.dim"]
passes = [{ x_two_maps.brightness = 0.9 }]
fails = [{ x_two_maps.brightness = 0.05 }]
not_assessed = [{}]
"""


@pytest.fixture(autouse=True)
def closed_catalogue() -> Iterator[None]:
    yield
    for name in [name for name in catalogue() if name.startswith("x_")]:
        del catalogue()[name]


@pytest.fixture
def network(tmp_path: Path) -> Package:
    folder = networks.write(tmp_path / "two-maps")
    (folder / DOOR).write_text(DECLARED, encoding="utf-8")
    return open_package(pack_up(folder, "bundle"))


@pytest.fixture
def pack(tmp_path: Path) -> Package:
    return open_package(pack_up(write(tmp_path / "dim", head("dim", "L2"), RULE, CASES), "pack"))


def again(package: Package, **files: bytes) -> Package:
    """The next release, with other files."""
    named = {"metadata": METADATA, "network": NETWORK, "rules": "rules.toml", "pack": "pack.toml"}
    changed = {**package.files, **{named[key]: content for key, content in files.items()}}
    return open_package(packed(package.name, changed, package.kind))


def with_version(package: Package, version: str) -> bytes:
    return json.dumps(json.loads(package.files[METADATA]) | {"version": version}).encode()


def judged(content: Content) -> Judgement:
    return judge(film(slope()), content, Circumstances(received_at=0))


def failed(outcome: Judgement) -> tuple[set[str], set[str] | None]:
    shadow = None if outcome.shadow is None else {one.rule_id for one in outcome.shadow.findings}
    return {one.rule_id for one in outcome.verdict.findings}, shadow


def test_one_identity_from_the_file_to_the_verdict(network: Package, pack: Package) -> None:
    outcome = judged(content_of([network, pack]))
    assert {one.sha256 for one in outcome.verdict.packs} == {pack.sha256}
    assert {one.sha256 for one in outcome.verdict.bundles} == {network.sha256}
    assert failed(outcome) == (set(), None)


def test_a_pack_on_trial_takes_the_place_of_its_name_and_nobody_sees_it(network: Package, pack: Package) -> None:
    stricter = again(pack, rules=pack.files["rules.toml"].replace(b"value = 0.2", b"value = 0.8"))
    content = content_of([network, pack], [stricter])
    assert content.trial is not None and content.trial.producers is content.producers
    outcome = judged(content)
    assert failed(outcome) == (set(), {"OUR.dim"})
    assert outcome.shadow is not None and outcome.shadow.mode == "shadow" and outcome.verdict.mode == "active"
    assert [one.sha256 for one in outcome.shadow.packs] == [stricter.sha256]


def test_a_network_on_trial_measures_for_itself(network: Package, pack: Package) -> None:
    dim = again(network, metadata=with_version(network, "0.2.0"), network=dimmed())
    outcome = judged(content_of([network, pack], [dim]))
    assert failed(outcome) == (set(), {"OUR.dim"})
    assert outcome.shadow is not None
    assert [(one.version, one.sha256) for one in outcome.shadow.bundles] == [("0.2.0", dim.sha256)]
    assert [one.version for one in outcome.verdict.bundles] == ["0.1.0"]


def dimmed() -> bytes:
    """The network of ``two_maps`` with an input that is a tenth as bright."""
    model = networks.two_maps()
    model.graph.initializer.append(numpy_helper.from_array(np.array([0.1], np.float32), "tenth"))
    model.graph.node.insert(0, helper.make_node("Mul", ["image", "tenth"], ["dim"]))
    for node in model.graph.node[1:3]:
        node.input[0] = "dim"
    return bytes(model.SerializeToString())


def test_what_did_not_change_is_measured_once(network: Package, pack: Package) -> None:
    dim = again(network, metadata=with_version(network, "0.2.0"))
    content = content_of([network, pack], [dim])
    runs: list[str] = []

    class Counted:
        name, provides, needs = "counted/1", frozenset({"image.blank"}), frozenset[str]()

        def measure(self, subject: object) -> list[Measurement]:
            runs.append(self.name)
            return [Measurement("image.blank", False)]

    shared = Counted()

    def beside(one: Content) -> Content:
        others = tuple(p for p in one.producers if "image.blank" not in p.provides)
        return replace(one, producers=(shared, *others))

    assert content.trial is not None
    outcome = judged(replace(beside(content), trial=beside(content.trial)))
    assert outcome.shadow is not None and runs == ["counted/1"]


def test_another_release_of_a_network_of_ours_really_judges() -> None:
    """Its own limits decide: with the new ones the network never says that it sees a chest."""
    [view] = [package for package in factory.bundles() if package.name == "radiograph-view"]
    limits = json.loads(view.files["configs/limits.json"])
    limits["view"] |= {"chest": 1.0}
    files = {**view.files, "configs/limits.json": json.dumps(limits).encode()}
    newer = open_package(packed(view.name, files | {METADATA: with_version(view, "1.1.1")}, "bundle"))
    content = content_of([view], [newer])
    assert content.trial is not None and content.trial.producers != content.producers
    known = {id(one) for one in content.producers}
    new = [one.name for one in content.trial.producers if id(one) not in known]
    assert "radiograph-view/1" in new and not any(one.startswith("noise") for one in new)


def test_without_networks_their_facts_have_no_model() -> None:
    facts, _ = measure_all(discover(), film(slope(200, 200)), Circumstances(received_at=0))
    fact = facts.get("pixels.body_part")
    assert isinstance(fact, NotMeasured) and (fact.reason, fact.detail) == (Reason.NO_MODEL, "radiograph-view")


def test_limits_that_do_not_fit_are_refused_when_it_is_loaded() -> None:
    [view] = [package for package in factory.bundles() if package.name == "radiograph-view"]
    of_others = json.loads(view.files["configs/limits.json"])
    of_others["gate"]["shape"]["features"] = ["other"]
    broken: tuple[dict[str, object], ...] = ({}, of_others)
    for limits in broken:
        files = {**view.files, "configs/limits.json": json.dumps(limits).encode()}
        with pytest.raises(Misuse, match=r"bundle\.limits"):
            content_of([open_package(packed(view.name, files, "bundle"))])


def test_a_newer_release_may_rename_its_facts(network: Package) -> None:
    content_of([network])
    renamed = network.files[DOOR].replace("亮度".encode(), "平均亮度".encode())
    newer = open_package(packed("two-maps", {**network.files, DOOR: renamed}, "bundle"))
    content_of([newer])
    assert catalogue()["x_two_maps.brightness"].zh == "平均亮度"


def test_two_releases_of_one_name_do_not_judge_together(pack: Package) -> None:
    with pytest.raises(Misuse, match=r"content\.again"):
        content_of([pack, again(pack, rules=pack.files["rules.toml"] + b"\n")])


def own(name: str = "site-hospital", **change: object) -> SiteOverrides:
    spec = OverrideSpec.model_validate({"rule": "OUR.dim", **change})
    return SiteOverrides(name, 5, "L4", (spec,))


def test_a_sites_own_change_judges_and_is_named(network: Package, pack: Package) -> None:
    stricter = own(limit={"least": 0.8})
    outcome = judged(content_of([network, pack], overrides=[stricter]))
    assert failed(outcome)[0] == {"OUR.dim"}
    named = {one.name: (one.version, one.sha256) for one in outcome.verdict.packs}
    assert named["site-hospital"] == (5, stricter.sha256)
    [finding] = outcome.verdict.findings
    [limit] = finding.limits
    assert (limit.layer, limit.pack) == ("L4", "site-hospital")


def test_what_the_layers_above_do_not_allow_is_left_out_and_said(network: Package, pack: Package) -> None:
    fine, wide, gone = own(severity="minor"), own("site-device-a", limit={"least": 0.95}), own("site-device-b")
    gone = replace(gone, overrides=(OverrideSpec(rule="OUR.gone", enabled=False),))
    content = content_of([network, pack], overrides=[fine, wide, gone])
    assert {(one.name, one.why.code) for one in content.left_out} == {
        ("site-device-a", "pack.override.bounds"),
        ("site-device-b", "pack.override.unknown_rule"),
    }
    assert [one.name for one in content.rules.packs if one.layer == "L4"] == ["site-hospital"]
    assert fine.overrides[0].severity is Severity.MINOR


def test_the_identity_of_changes_is_what_they_say() -> None:
    assert own(limit={"least": 0.3}).sha256 == own(limit={"least": 0.3}).sha256
    different = {own(limit={"least": 0.3}), own(limit={"least": 0.4}), own(enabled=False), own("other")}
    assert len({one.sha256 for one in different}) == 4
    assert replace(own(), version=6).sha256 != own().sha256


def test_a_trial_is_judged_with_the_sites_changes_too(network: Package, pack: Package) -> None:
    newer = again(pack, rules=pack.files["rules.toml"].replace(b"max = 0.9", b"max = 0.3"))
    content = content_of([network, pack], [newer], [own(limit={"least": 0.8})])
    assert content.left_out == ()
    assert content.trial is not None
    assert [one.why.code for one in content.trial.left_out] == ["pack.override.bounds"]
    assert failed(judged(content)) == ({"OUR.dim"}, set())


def test_a_pack_of_a_network_that_is_not_there_does_not_load(pack: Package) -> None:
    with pytest.raises(Misuse, match=r"unknown fact x_two_maps\.brightness"):
        content_of([pack])
