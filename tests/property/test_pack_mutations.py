"""Whatever stands in a pack's files, it loads or is refused in both languages: never another exception."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from capture.errors import Misuse
from models.content import drafts
from models.rules.pack import RuleSet
from tests.unit.models.rules.packs import BLANK_CASES, BLANK_RULE, NAMES, TILT_CASES, TILT_RULE, head

FILES = {"pack": head(), "rules": TILT_RULE + BLANK_RULE, "cases": TILT_CASES + BLANK_CASES}
SNIPPETS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(["nan", "-inf", "1e999", "[]", "{}", '""', "'''", "\x00", "[[", "]]", "true", "1979-05-27"]),
    st.sampled_from(
        ["limit.x", "has(", "chest.tilt_deg", ".map(a, a)", "((((((((", "\\", "//", "dyn(1)", "1 / 0"]
    ),
)


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, bytes]:
    """One to three cuts, each replaced by something else, anywhere in the three files."""
    files = dict(FILES)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(files)))
        text = files[name]
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 20)))
        files[name] = text[:start] + draw(SNIPPETS) + text[end:]
    return {name: text.encode("utf-8", errors="surrogatepass") for name, text in files.items()}


def load(files: dict[str, bytes]) -> RuleSet | Misuse:
    with tempfile.TemporaryDirectory() as folder:
        for name, raw in files.items():
            (Path(folder) / f"{name}.toml").write_bytes(raw)
        try:
            return drafts.only_rules([Path(folder)], NAMES)
        except Misuse as error:
            return error


@settings(deadline=None, max_examples=300)
@given(mutated())
def test_a_spoiled_pack_loads_or_is_refused_in_words(files: dict[str, bytes]) -> None:
    outcome = load(files)
    if isinstance(outcome, Misuse):
        assert outcome.code.startswith("pack.")
        assert outcome.text.zh and outcome.text.en and outcome.hint.zh and outcome.hint.en
    else:
        assert outcome.packs[0].sha256


@settings(deadline=None, max_examples=100)
@given(st.dictionaries(st.sampled_from(["pack", "rules", "cases"]), st.binary(max_size=200)))
def test_any_bytes_at_all(files: dict[str, bytes]) -> None:
    assert isinstance(load(files), Misuse)
