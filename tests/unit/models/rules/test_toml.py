"""TOML that others write: read as ever, and what would keep a reader busy is refused before it is read."""

from __future__ import annotations

import tomllib
from importlib.resources import files

import pytest

from models.rules import toml

_DEEP = "{a" + ".a" * toml.DEEPEST + " = 1}"
_KEYS = {
    "bare": "a" + ".a" * 5 + " = 1",
    "basic": '"a"' + '."a"' * 5 + " = 1",
    "literal": "'a'" + " . 'a'" * 5 + " = 1",
    "table": "[a" + ".a" * 5 + "]",
    "inline": f"x = {_DEEP}",
    "after four quotes": f'x = ["""a"""", {_DEEP}]',
    "after five quotes": f'x = ["""a""""", {_DEEP}]',
    "after an escaped end": f'x = ["""a\\"""b""", {_DEEP}, """c"""]',
    "after four apostrophes": f"x = ['''a'''', {_DEEP}]",
    "after a backslash": f"x = ['a\\', {_DEEP}]",
    "after an escaped backslash": f'x = ["a\\\\", {_DEEP}]',
    "after an empty text": f'x = ["", """""", {_DEEP}]',
    "after a mark in a text": f'x = ["#", {_DEEP}]',
}


@pytest.mark.parametrize("given", _KEYS.values(), ids=_KEYS)
def test_a_key_of_many_parts_is_refused_wherever_it_hides(given: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match="more than 5 parts"):
        toml.loads(given)


@pytest.mark.parametrize(
    "given",
    [
        'uid = "1.2.840.113619.2.55.3.604688"',
        "uid = '1.2.840.113619.2.55.3.604688' # 1.2.840.113619.2.55",
        'x = """it\'s "a.a.a.a.a.a.a" ""a.a.a.a.a.a.a"""',
        "x = '''it's\na.a.a.a.a.a.a.a'''",
        "a.a.a.a.a = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5]",
        *(path.read_text("utf-8") for one in (files("models.rules") / "packs").iterdir() if one.is_dir()
          for path in one.iterdir() if path.name.endswith(".toml")),
    ],
    ids=lambda given: given[:20],
)  # fmt: skip
def test_all_else_is_read_as_ever(given: str) -> None:
    assert toml.loads(given) == tomllib.loads(given)


@pytest.mark.parametrize(
    ("given", "said"),
    [("a = " + "[" * 9000, "nested"), ("a = " + "9" * 9000, "too long"), ("a = = 1", "at line 1, column 5")],
)
def test_what_cannot_be_read_says_why(given: str, said: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError, match=said):
        toml.loads(given)


def test_a_long_line_of_quotes_is_gone_over_once() -> None:
    """Were all that follows looked at from every quote, this would take hours, beyond the limit of a test."""
    for given in ('"' + '\\"' * 400_000, "'''a\n" * 200_000, "a " * 400_000, "a" + " " * 900_000):
        with pytest.raises(tomllib.TOMLDecodeError):
            toml.loads(given)
