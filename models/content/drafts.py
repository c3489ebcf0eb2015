"""Drafts: content that nobody has signed, from folders and files, for developers' commands, benchmarks and tests.

The appliance never comes here: agent, pipeline and console do not import this module (tests/contract).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.bundle import read_bundle
from models.bundles.library import Library
from models.catalogue import Entry
from models.content import factory
from models.content.folder import read_file
from models.content.kinds import kind_of
from models.content.load import content_of, learn
from models.content.package import LARGEST, Package, open_package, pack_up
from models.content.rules import rule_set
from models.judge import Content
from models.rules.pack import RuleSet


def packages(paths: Iterable[Path]) -> Iterator[Package]:
    """Packages (``.zip``) and folders: each a rule pack, a MONAI bundle, a template, or with some inside.

    Raises:
        Misuse: ``content.none``: there is none; or one is not as it must be.
    """
    for path in paths:
        if path.is_file():
            yield open_package(read_file(path, LARGEST))
        else:
            yield from _inside(path)


def content(packs: Iterable[Path] = (), bundles: Iterable[Path] = (), trial: Iterable[Path] = ()) -> Content:
    """What ships, with drafts beside it: a draft takes the place of what ships under its name.

    Args:
        packs: rule packs.
        bundles: networks.
        trial: what judges in the shadow.

    Raises:
        Misuse: a draft is not as it must be.
    """
    return content_of(with_shipped(packages([*packs, *bundles])), packages(trial))


def rules(paths: Iterable[Path] = (), bundles: Iterable[Path] = ()) -> RuleSet:
    """The packs that ship, with drafts beside them; ``bundles``: networks whose facts they use. Raises Misuse."""
    learn(networks(bundles))
    return rule_set(over(factory.packs(), packages(paths)))


def only_rules(paths: Iterable[Path], names: Mapping[str, Entry] | None = None) -> RuleSet:
    """These packs and no others. Raises Misuse."""
    return rule_set(packages(paths), names)


def networks(paths: Iterable[Path]) -> Library:
    """These networks. Raises Misuse."""
    return Library([read_bundle(package) for package in packages(paths) if package.kind == "bundle"])


def with_shipped(drafts: Iterable[Package]) -> Iterator[Package]:
    """Drafts, and what ships under other names. Raises Misuse."""
    return over(factory.packages(), drafts)


def over(base: Iterable[Package], drafts: Iterable[Package]) -> Iterator[Package]:
    """Drafts, and those of ``base`` that none of them takes the name of."""
    own = list(drafts)
    replaced = {package.name for package in own}
    yield from own
    yield from (package for package in base if package.name not in replaced)


@cache
def shipped() -> Library:
    """The networks that ship, read once per process."""
    return Library([read_bundle(package) for package in factory.bundles()])


def _inside(folder: Path) -> Iterator[Package]:
    kind = kind_of(folder)
    if kind is not None:
        yield open_package(pack_up(folder, kind))
        return
    inside = sorted(one for one in folder.iterdir() if one.is_dir() and kind_of(one)) if folder.is_dir() else []
    if not inside:
        raise Misuse(
            "content.none",
            Bilingual(f"{folder}：没有规则包、网络包或模板", f"{folder}: no rule pack, network or template"),
            Bilingual(
                "规则包含 pack.toml，网络包含 configs/metadata.json，模板含 template.json",
                "A rule pack has a pack.toml, a network configs/metadata.json, a template template.json",
            ),
        )
    for one in inside:
        yield from _inside(one)
