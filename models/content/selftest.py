"""What content proves before it judges: the cases of packs, the goldens of networks, and that all fit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from capture.errors import Misuse
from capture.screen.template import load as load_template
from capture.text import Bilingual
from models.bundles import golden
from models.bundles.bundle import read_bundle
from models.content.kinds import TEMPLATE
from models.content.load import content_of
from models.content.manifest import PACKS
from models.content.package import Package
from models.rules.reading import CASES, read_cases


@dataclass(frozen=True, slots=True)
class Failure:
    """What did not hold. ``code`` is stable."""

    name: str
    """Of the package; empty: of all together."""
    code: str
    text: Bilingual


@dataclass(frozen=True, slots=True)
class SelfTest:
    """How it came out."""

    held: int
    """Cases and goldens that were run and held."""
    failed: tuple[Failure, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.failed


@dataclass(slots=True)
class _Seen:
    held: int = 0
    failed: list[Failure] = field(default_factory=list)


def self_test(packages: Iterable[Package], of: Collection[str] | None = None) -> SelfTest:
    """Prove content as it would judge: with everything that would judge beside it.

    Args:
        packages: all that would be in force together; what is tried among them. A generator keeps memory low.
        of: names whose networks run on their goldens; None: all. Cases of packs are always all run.

    Returns:
        What held, and everything that did not. It never raises for content that is wrong.
    """
    seen = _Seen()
    try:
        content = content_of(_each(packages, seen, of))
    except Misuse as error:
        seen.failed.append(Failure("", error.code, error.text))
        return SelfTest(seen.held, tuple(seen.failed))
    return SelfTest(seen.held + content.rules.cases_held, tuple(seen.failed))


def _each(packages: Iterable[Package], seen: _Seen, of: Collection[str] | None) -> Iterator[Package]:
    """Hands packages on, and looks at each on its way."""
    for package in packages:
        if of is None or package.name in of:
            _look(package, seen)
        yield package


def _look(package: Package, seen: _Seen) -> None:
    try:
        if package.kind == "bundle":
            _goldens(package, seen)
        elif package.kind in PACKS:
            _count(package, read_cases(package.files[CASES], package.name).count, seen)
        else:
            load_template(package.files[TEMPLATE])
    except Misuse as error:
        seen.failed.append(Failure(package.name, error.code, error.text))


def _goldens(package: Package, seen: _Seen) -> None:
    bundle = read_bundle(package)
    bundle.warm_up()
    goldens = golden.check(bundle, package.files)
    _count(package, len(goldens), seen)
    for one in goldens:
        if one.holds:
            seen.held += 1
        else:
            said = f"{one.name}: {one.difference:.2g}"
            text = Bilingual(f"与验证样本不符：{said}", f"differs from its golden: {said}")
            seen.failed.append(Failure(package.name, "content.golden", text))


def _count(package: Package, there: int, seen: _Seen) -> None:
    """The manifest's word is signed: a package with fewer proofs than it says was not made by our tools."""
    said = package.manifest.selftest
    if there != said:
        text = Bilingual(f"应有 {said} 个自检用例，实有 {there} 个", f"it says {said} cases and has {there}")
        seen.failed.append(Failure(package.name, "content.selftest", text))
