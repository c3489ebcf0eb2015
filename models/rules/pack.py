"""Rule packs: read from folders, checked, compiled, proven by their own cases, and merged into one set."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from capture.text import Bilingual
from models.catalogue import Entry, catalogue
from models.rules.layers import check_authority
from models.rules.problem import misuse
from models.rules.rule import Rule, compile_part, compile_rule, fact_types
from models.rules.schema import CasesFile, OverrideSpec, PackFile, RulesFile, Scope
from models.rules.selftest import run_cases
from models.rules.verdict import Fingerprint

_File = TypeVar("_File", bound=BaseModel)
BUILTIN = Path(__file__).with_name("packs")
"""The folder of the packs that ship with this release."""

_LARGEST = 2_000_000


@dataclass(frozen=True, slots=True)
class RulePack:
    """One pack: signed content, identified by the hash of what it says."""

    name: str
    version: int
    layer: str
    title: Bilingual
    note: Bilingual
    authors: tuple[str, ...]
    scope: Scope
    rules: tuple[Rule, ...]
    overrides: tuple[OverrideSpec, ...]
    cases: CasesFile
    sha256: str

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint(self.name, self.version, self.sha256)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The packs that judge together, sorted by layer, with the catalogue they speak of."""

    packs: tuple[RulePack, ...]
    names: Mapping[str, Entry]
    cases_held: int
    """Cases that were run when the set was made; all of them held."""

    def find(self, rule_id: str) -> Rule | None:
        """The rule with this id."""
        return next((rule for pack in self.packs for rule in pack.rules if rule.spec.id == rule_id), None)


def load_builtin() -> RuleSet:
    """The packs that ship with this release."""
    return load_folders([BUILTIN])


def load_folders(paths: Iterable[Path], names: Mapping[str, Entry] | None = None) -> RuleSet:
    """Read packs from folders, each a pack or a folder of packs, and merge them.

    Args:
        paths: folders; for a site's own packs give them beside :data:`BUILTIN`.
        names: the catalogue to check against; the product's own unless a test brings another.

    Raises:
        capture.errors.Misuse: anything wrong with a pack; the text names file, rule and position.
    """
    known = catalogue() if names is None else names
    packs = [read_pack(folder, known) for path in paths for folder in _pack_folders(path)]
    return merge(packs, known)


def merge(packs: Iterable[RulePack], names: Mapping[str, Entry]) -> RuleSet:
    """Packs as one set: nothing twice, layers respected, every case run.

    Raises:
        capture.errors.Misuse: two packs or two rules have one name, an override is not allowed, or a case fails.
    """
    ordered = tuple(sorted(packs, key=lambda pack: (pack.layer, pack.name)))
    _refuse_twice("pack.twice", [pack.name for pack in ordered])
    _refuse_twice("pack.rule_twice", [rule.spec.id for pack in ordered for rule in pack.rules])
    check_authority(ordered)
    return RuleSet(ordered, names, run_cases(ordered, names))


def read_pack(folder: Path, names: Mapping[str, Entry]) -> RulePack:
    """Read and compile one pack; its cases run when it is merged.

    Raises:
        capture.errors.Misuse: a file is missing or unreadable, has another shape, or a rule does not compile.
    """
    raw = {name: _toml(folder / f"{name}.toml") for name in ("pack", "rules", "cases")}
    head = _shaped(PackFile, raw["pack"], folder / "pack.toml")
    rules = _shaped(RulesFile, raw["rules"], folder / "rules.toml")
    cases = _shaped(CasesFile, raw["cases"], folder / "cases.toml")
    facts = fact_types(names)
    when = compile_part(f"{head.name}/pack.toml: when", head.when, facts)
    canonical = json.dumps(raw, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return RulePack(
        name=head.name,
        version=head.version,
        layer=head.layer,
        title=Bilingual(head.title.zh, head.title.en),
        note=Bilingual(head.note.zh, head.note.en),
        authors=head.authors,
        scope=head.scope,
        rules=tuple(compile_rule(spec, head, when, names, facts) for spec in rules.rule),
        overrides=rules.override,
        cases=cases,
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _pack_folders(path: Path) -> list[Path]:
    if (path / "pack.toml").is_file():
        return [path]
    inside = sorted(folder.parent for folder in path.glob("*/pack.toml")) if path.is_dir() else []
    if not inside:
        raise misuse(
            "pack.none",
            f"{path}: ",
            Bilingual("这里没有规则包", "there is no rule pack here"),
            Bilingual("规则包是含有 pack.toml 的文件夹", "a rule pack is a folder with a pack.toml"),
        )
    return inside


def _toml(file: Path) -> dict[str, object]:
    try:
        if file.stat().st_size > _LARGEST:
            raise misuse(
                "pack.size",
                f"{file}: ",
                Bilingual("文件过大", "the file is too large"),
                Bilingual("规则包的文件不超过 2 MB", "a pack's file is 2 MB at most"),
            )
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        complaint = str(error) if isinstance(error, tomllib.TOMLDecodeError) else type(error).__name__
        raise misuse(
            "pack.file",
            f"{file}: ",
            Bilingual(f"无法读取: {complaint}", f"cannot be read: {complaint}"),
            Bilingual(
                "规则包含 pack.toml、rules.toml、cases.toml,均为 UTF-8 的 TOML",
                "a pack has pack.toml, rules.toml and cases.toml, each TOML in UTF-8",
            ),
        ) from None


def _shaped(shape: type[_File], raw: dict[str, object], file: Path) -> _File:
    try:
        return shape.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part + 1) if isinstance(part, int) else part for part in first["loc"])
        raise misuse(
            "pack.shape",
            f"{file}: {place}: ",
            Bilingual(f"不合规定: {first['msg']}", first["msg"]),
            Bilingual("见手册“规则”一页的格式", "see the format in the handbook's page on rules"),
        ) from None


def _refuse_twice(code: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise misuse(
                code,
                "",
                Bilingual(f"{name} 出现了两次", f"{name} is there twice"),
                Bilingual("名称和规则编号只能用一次", "a name or rule id is used once only"),
            )
