"""Missing is not false: every condition agrees with Kleene's logic, and knowing more never flips an answer."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalogue import Type
from models.measurement import Value
from models.rules.expression import compile_condition

TYPES: dict[str, Type] = {
    "a.flag": "bool",
    "b.flag": "bool",
    "c.number": "number",
    "d.text": "text",
    "e.texts": "texts",
}


@dataclass(frozen=True)
class Condition:
    """A condition as CEL text, and as a tree to reckon its answer by hand."""

    text: str
    kind: str
    parts: tuple[Condition, ...] = ()
    name: str = ""
    literal: Value = False

    def answer(self, values: dict[str, Value]) -> bool | None:
        if self.kind == "leaf":
            return self._leaf(values.get(self.name))
        answers = [part.answer(values) for part in self.parts]
        if self.kind == "not":
            return None if answers[0] is None else not answers[0]
        decisive = self.kind == "or"
        if decisive in answers:
            return decisive
        return None if None in answers else not decisive

    def _leaf(self, value: Value | None) -> bool | None:
        if value is None:
            return None
        if isinstance(value, tuple):
            return self.literal in value
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            return value == self.literal
        return value > float(str(self.literal))


WORDS = st.sampled_from(["PA", "LAT", ""])
LEAVES = st.one_of(
    st.sampled_from(["a.flag", "b.flag"]).map(lambda name: Condition(name, "leaf", name=name)),
    st.sampled_from([-1.5, 0.0, 2.0]).map(
        lambda x: Condition(f"c.number > {x}", "leaf", name="c.number", literal=x)
    ),
    WORDS.map(lambda word: Condition(f'd.text == "{word}"', "leaf", name="d.text", literal=word)),
    WORDS.map(lambda word: Condition(f"'{word}' in e.texts", "leaf", name="e.texts", literal=word)),
)


def _joined(left: Condition, right: Condition, kind: str) -> Condition:
    sign = {"and": "&&", "or": "||"}[kind]
    return Condition(f"({left.text} {sign} {right.text})", kind, (left, right))


CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda part: Condition(f"!({part.text})", "not", (part,))),
        st.builds(_joined, inner, inner, st.sampled_from(["and", "or"])),
    ),
    max_leaves=8,
)
EVERYTHING = st.fixed_dictionaries(
    {
        "a.flag": st.booleans(),
        "b.flag": st.booleans(),
        "c.number": st.floats(-3, 3),
        "d.text": WORDS,
        "e.texts": st.lists(WORDS, max_size=2).map(tuple),
    }
)
KNOWN = st.sets(st.sampled_from(sorted(TYPES)))


@settings(deadline=None)
@given(CONDITIONS, EVERYTHING, KNOWN)
def test_a_condition_answers_as_kleenes_logic_does(
    condition: Condition, everything: dict[str, Value], known: set[str]
) -> None:
    values = {name: value for name, value in everything.items() if name in known}
    assert compile_condition(condition.text, TYPES).decide(values) is condition.answer(values)


@settings(deadline=None)
@given(CONDITIONS, EVERYTHING, KNOWN)
def test_what_is_decided_stays_so_when_more_becomes_known(
    condition: Condition, everything: dict[str, Value], known: set[str]
) -> None:
    compiled = compile_condition(condition.text, TYPES)
    early = compiled.decide({name: value for name, value in everything.items() if name in known})
    late = compiled.decide(everything)
    assert late is not None
    assert early in (None, late)


@settings(deadline=None)
@given(CONDITIONS, EVERYTHING)
def test_the_names_are_exactly_what_the_answer_depends_on(
    condition: Condition, everything: dict[str, Value]
) -> None:
    compiled = compile_condition(condition.text, TYPES)
    only_named = {name: value for name, value in everything.items() if name in compiled.names}
    assert compiled.decide(only_named) is compiled.decide(everything) is not None
