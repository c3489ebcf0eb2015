"""What rules come to in cases, decided in a limited process: a condition that somebody is still writing can fill
any memory and go on for ever, and the engine gives back nothing while it does."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit import limited
from cloud_sync.kit.limited import Gauge, Limits, Over
from models.measurement import Value
from models.rules.pack import RulePack
from models.rules.rule import Decision, Rule
from models.rules.selftest import decided

LIMITS = Limits(memory_mb=256, burst_s=2, each_s=0.05)
"""Of the cases of a draft; one of what ships takes less than a millisecond."""
_MOST_OVER = 3
"""Rules that go over the limits until the others' cases are not tried either."""
_AT_ONCE = threading.BoundedSemaphore(2)
"""Drafts whose cases run: what they take together is bounded."""
_WHAT = {
    "time": (
        "耗时超过 {burst:g} 秒处理器时间，或平均超过 {each:g} 秒",
        "more than {burst:g} s of processor time, or {each:g} s on average",
    ),
    "memory": ("占用内存超过 {memory} MB", "more than {memory} MB of memory"),
    "crash": ("使判定进程崩溃", "more than the process that tried it could bear: it crashed"),
}
_HINT = Bilingual(
    "用自身拼接的文本或列表（.map(a, a + a)）每一步都加倍，.exists 套 .exists 则相乘；请改写条件",
    "A text or list made of itself (.map(a, a + a)) doubles at every step, and .exists inside .exists multiplies; "
    "write the condition without",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A rule and the facts of one of its cases."""

    rule: Rule
    facts: dict[str, Value]


def decide(asked: Sequence[Asked], packs: Iterable[RulePack]) -> list[Decision | Over | None]:
    """What comes of each case, with the overrides of ``packs``; what ended it; None where it was not tried.

    Raises:
        Misuse: the machine is too busy.
        ChildProcessError: the process ended for another reason.
    """
    changing = [replace(pack, rules=()) for pack in packs if pack.overrides]
    found: list[Decision | Over | None] = [None] * len(asked)
    left = list(range(len(asked)))
    for _ in range(_MOST_OVER):
        said = _ask([asked[index] for index in left], changing) if left else []
        if not isinstance(said, Over):
            for index, decision in zip(left, said, strict=True):
                found[index] = decision
            break
        guilty = [index for index in left if asked[index].rule.spec.id == said.at] or left
        for index in guilty:
            found[index] = said
        left = [index for index in left if found[index] is None]
    return found


def words(over: Over, limits: Limits) -> tuple[Bilingual, Bilingual]:
    """What to tell an author, and the remedy."""
    zh, en = (
        text.format(burst=limits.burst_s, each=limits.each_s, memory=limits.memory_mb)
        for text in _WHAT[over.limit]
    )
    who = Bilingual(f"规则 {over.at} 的条件", f"The conditions of rule {over.at}")
    if not over.at:
        who = Bilingual("全部规则合计", "All the rules together")
    return Bilingual(f"{who.zh}{zh}", f"{who.en} take {en}"), _HINT


def _ask(asked: Sequence[Asked], packs: Sequence[RulePack]) -> list[Decision] | Over:
    with _AT_ONCE:
        try:
            answer = limited.ask(_answer, pickle.dumps((asked, packs)), LIMITS, len(asked))
        except TimeoutError:
            raise Misuse(
                "draft.busy",
                Bilingual("中心端太忙，用例未能运行", "The centre is too busy to run the cases"),
                Bilingual("稍后刷新页面", "Load the page again later"),
            ) from None
    if isinstance(answer, Over):
        return answer
    return [Decision(outcome, frozenset(lacking)) for outcome, lacking in json.loads(answer)]


def _answer(gauge: Gauge, question: bytes) -> bytes:
    """In the process."""
    asked, packs = pickle.loads(question)  # noqa: S301 - from our own parent
    said = []
    for one in asked:
        gauge.next()
        gauge.at(one.rule.spec.id)
        decision = decided(one.rule, packs, one.facts)
        said.append((decision.outcome, sorted(decision.lacking)))
    return json.dumps(said).encode()
