"""Rule packs: read from packages, checked, compiled, proven by their own cases, and merged into one set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from capture.text import Bilingual
from models.catalogue import Entry
from models.content.package import Package
from models.rules.layers import check_authority
from models.rules.memory import Memory
from models.rules.problem import misuse
from models.rules.reading import CASES, HEAD, RULES, read_cases, read_head, read_rules
from models.rules.rule import Rule, compile_part, compile_rule, fact_types
from models.rules.schema import CasesFile, OverrideSpec, RulesFile, Scope
from models.rules.selftest import run_cases
from models.rules.verdict import Fingerprint


@dataclass(frozen=True, slots=True)
class RulePack:
    """One pack: signed content, identified by the hash of its package. A site's own overrides are one, too."""

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
    memory: Memory = field(init=False, default_factory=Memory, repr=False, compare=False)

    def find(self, rule_id: str) -> Rule | None:
        """The rule with this id."""
        return next((rule for pack in self.packs for rule in pack.rules if rule.spec.id == rule_id), None)


def merge(packs: Iterable[RulePack], names: Mapping[str, Entry], site: Iterable[RulePack] = ()) -> RuleSet:
    """Packs as one set: nothing twice, layers respected, every case run.

    Args:
        packs: of packages.
        names: the catalogue that they speak of.
        site: overrides of a site's own. They have no cases, and no pack's cases see them.

    Raises:
        capture.errors.Misuse: two packs or two rules have one name, an override is not allowed, or a case fails.
    """
    signed = _ordered(packs)
    ordered = _ordered([*signed, *site])
    _refuse_twice("pack.twice", [pack.name for pack in ordered])
    _refuse_twice("pack.rule_twice", [rule.spec.id for pack in ordered for rule in pack.rules])
    check_authority(ordered)
    return RuleSet(ordered, names, run_cases(signed, names))


def read_pack(package: Package, names: Mapping[str, Entry]) -> RulePack:
    """Read and compile one pack; its cases run when it is merged.

    Raises:
        capture.errors.Misuse: a file is unreadable or has another shape, a rule does not compile, or the package
            has another name or version than the pack in it.
    """
    where, files = package.name, package.files
    head = read_head(files[HEAD], where)
    if (head.name, head.version) != (package.name, package.version):
        raise misuse(
            "pack.manifest",
            f"{where}: ",
            Bilingual("清单与 pack.toml 的名称或版本不符", "manifest and pack.toml differ in name or version"),
            Bilingual("用 qcbox content build 重新生成", "build it with qcbox content build"),
        )
    rules, cases = read_rules(files[RULES], where), read_cases(files[CASES], where)
    if package.kind == "drl" and not _only_sets_limits(rules):
        raise misuse(
            "pack.table",
            f"{where}: ",
            Bilingual("剂量参考水平表只能设定限值", "a table of dose reference levels only sets limits"),
            Bilingual("作为 pack 打包", "pack it up as a pack"),
        )
    facts = fact_types(names)
    when = compile_part(f"{head.name}/pack.toml: when", head.when, facts)
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
        sha256=package.sha256,
    )


def _only_sets_limits(rules: RulesFile) -> bool:
    return not rules.rule and all(change.model_fields_set == {"rule", "limit"} for change in rules.override)


def _ordered(packs: Iterable[RulePack]) -> tuple[RulePack, ...]:
    return tuple(sorted(packs, key=lambda pack: (pack.layer, pack.name)))


def _refuse_twice(code: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise misuse(
                code,
                "",
                Bilingual(f"{name} 出现了两次", f"{name} is there twice"),
                Bilingual("名称和规则编号只能用一次", "a name or rule id is used once only"),
            )
