"""Rules in force as the console shows them: what each says, what a site may change in it, what it did change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from capture.text import Bilingual
from edge.store.overrides import SiteOverride
from models.measurement import Value
from models.rules.pack import RulePack, RuleSet
from models.rules.rule import Rule, value_of
from models.rules.schema import Bounded
from models.rules.verdict import Severity


@dataclass(frozen=True, slots=True)
class ShownLimit:
    """One limit of a rule."""

    name: str
    standard: Value
    """As the pack has it."""
    bounds: tuple[float, float] | None
    """Smallest and largest that a site may set; None: as the rule's author left it."""
    is_open: bool
    """Whether a site may change it at all."""


@dataclass(frozen=True, slots=True)
class ShownRule:
    """One rule of one pack."""

    rule: Rule
    pack: RulePack
    limits: tuple[ShownLimit, ...]
    changes: tuple[SiteOverride, ...]
    """In force, hospital first."""

    @property
    def id(self) -> str:
        return self.rule.spec.id

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.rule.spec.text.zh.title, self.rule.spec.text.en.title)

    @property
    def severity(self) -> Severity:
        return self.rule.spec.severity

    @property
    def is_fixed(self) -> bool:
        """A veto: it cannot be switched off or made milder."""
        return self.rule.can_veto


def shown_rules(rules: RuleSet, changes: Iterable[SiteOverride]) -> tuple[ShownRule, ...]:
    """Every rule in force, by layer and pack."""
    of_rule: dict[str, list[SiteOverride]] = defaultdict(list)
    for change in changes:
        of_rule[change.change.rule].append(change)
    return tuple(
        ShownRule(rule, pack, tuple(_limits(rule)), tuple(of_rule[rule.spec.id]))
        for pack in rules.packs
        for rule in pack.rules
    )


def found(rules: Sequence[ShownRule], words: str, pack: str, changed: bool) -> tuple[ShownRule, ...]:
    """Those with all the words in id, title or pack; of one pack; with changes only."""
    wanted = words.casefold().split()

    def fits(one: ShownRule) -> bool:
        text = f"{one.id} {one.title.zh} {one.title.en} {one.pack.name} {one.pack.title.zh} {one.pack.title.en}"
        return (
            (not pack or one.pack.name == pack)
            and (not changed or bool(one.changes))
            and all(word in text.casefold() for word in wanted)
        )

    return tuple(one for one in rules if fits(one))


def _limits(rule: Rule) -> Iterable[ShownLimit]:
    for name, given in rule.spec.limit.items():
        bounds = (given.min, given.max) if isinstance(given, Bounded) else None
        # As models.rules.layers checks it: an unbounded limit of a veto is not open to change.
        yield ShownLimit(name, value_of(given), bounds, is_open=bounds is not None or not rule.can_veto)
