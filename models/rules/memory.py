"""What was decided last: slices of a series differ in few facts, and only rules that refer to these are asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from models.measurement import Value
from models.reporting import is_same
from models.rules.layers import Effective
from models.rules.rule import Decision

Decided = Sequence[tuple[Effective, Decision]]


@dataclass(frozen=True, slots=True)
class Said:
    """What was decided of facts that are all sure, by packs that are known by where they are in memory."""

    by: tuple[int, ...]
    facts: Mapping[str, Value]
    decided: Decided

    def again(self, by: tuple[int, ...], facts: Mapping[str, Value]) -> Decided | None:
        """What is decided of these facts; None where other packs speak of them."""
        if by != self.by:
            return None
        before = self.facts
        changed = {name for name, value in facts.items() if not is_same(before.get(name), value)}
        changed |= before.keys() - facts.keys()
        return [
            (
                current,
                said
                if current.rule.refers_to.isdisjoint(changed)
                else current.rule.decide(facts, current.limits, current.severity),
            )
            for current, said in self.decided
        ]


class Memory:
    """Of one set of rules, whose packs live as long as it does."""

    __slots__ = ("last",)

    def __init__(self) -> None:
        self.last: Said | None = None
