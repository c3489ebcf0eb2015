"""Content has one door on the box: nothing of the appliance can reach what reads drafts that nobody signed."""

from __future__ import annotations

from functools import cache

import grimp
import pytest

from capture.errors import Bug
from cloud_sync.updates.terms import Untrusted
from cloud_sync.updates.trust import factory_check
from deploy import factory as signing
from edge.content.chosen import FACTORY
from edge.content.loading import load
from models.content import factory
from models.content.package import open_package, packed

DRAFTS = "models.content.drafts"
APPLIANCE = ("edge.agent", "edge.content", "edge.console", "edge.pipeline", "edge.store", "edge.overrides")


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("edge", "models", "capture", "cloud_sync", cache_dir=None)


@pytest.mark.parametrize("package", APPLIANCE)
def test_the_appliance_cannot_reach_drafts(package: str) -> None:
    """Imports inside functions count."""
    modules = {package} | {one for one in graph().modules if one.startswith(f"{package}.")}
    chains = {one: graph().find_shortest_chain(one, DRAFTS) for one in modules if one in graph().modules}
    assert {one: chain for one, chain in chains.items() if chain} == {}


def test_only_commands_and_training_read_drafts() -> None:
    users = graph().find_modules_that_directly_import(DRAFTS)
    assert users and all(one.startswith(("edge.commands.", "models.training.")) for one in users), users


def test_the_centre_reads_packages_without_a_neural_runtime() -> None:
    for module in ("models.content.package", "models.content.rules", "models.content.factory"):
        for runtime in ("models.bundles.session", "models.bundles.bundle", "models.judge"):
            assert graph().find_shortest_chain(module, runtime) is None, (module, runtime)


def test_what_ships_is_signed() -> None:
    """As ``python -m deploy.factory --check``: run it after a pack or network was changed."""
    packages = {package.manifest.path: package for package in factory.packages()}
    assert signing.wrong(packages, *factory.metadata()) == []


def test_a_change_of_what_ships_is_noticed() -> None:
    packages = {package.manifest.path: package for package in factory.packs()}
    root, targets = signing.signed(packages, 1_800_000_000_000)
    check = factory_check(root, targets)
    one = next(iter(packages.values()))
    assert check(one.sha256, one.length).version == one.version
    changed = {**one.files, "rules.toml": one.files["rules.toml"] + b"\n"}
    other = open_package(packed(one.name, changed, one.kind))
    with pytest.raises(Untrusted) as caught:
        check(other.sha256, other.length)
    assert caught.value.code == "not_listed"
    assert signing.wrong(packages | {one.manifest.path: other}, root, targets) == [one.manifest.path]


def test_what_ships_does_not_judge_once_it_was_changed_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    one = next(factory.packs())
    changed = {**one.files, "rules.toml": one.files["rules.toml"] + b"\n"}
    monkeypatch.setattr(factory, "packages", lambda: iter([open_package(packed(one.name, changed, one.kind))]))
    with pytest.raises(Bug, match=r"content\.factory.*trust\.not_listed"):
        load(FACTORY)


def test_another_signing_is_not_believed_by_this_root() -> None:
    """The keys of a signing are gone: nobody extends the list."""
    packages = {package.manifest.path: package for package in factory.packs()}
    root, _ = signing.signed(packages, 1_800_000_000_000)
    _, targets = signing.signed(packages, 1_800_000_000_000)
    with pytest.raises(Untrusted):
        factory_check(root, targets)
    assert len(signing.wrong(packages, root, targets)) == 1
