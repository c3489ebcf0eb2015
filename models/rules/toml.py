"""TOML of packs: read with care, since others write it, and values written for packs that the product makes."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from models.measurement import Value

DEEPEST = 5
"""Parts of a key. Ours have three; readers take memory and time by the square of them, and more."""
_BASIC, _LITERAL, _BARE = r'"(?:\\.|[^"\\\n])*+', r"'[^'\n]*+", r"[\w-]++"
_BASICS, _LITERALS = r'"{3}(?:\\[\s\S]|"{1,2}(?!")|[^"\\])*+"{0,5}+', r"'{3}(?:'{1,2}(?!')|[^'])*+'{0,5}+"
_PART = f"""(?:{_BARE}|{_BASIC}"|{_LITERAL}')"""
_DEEP = rf"(?P<deep>{_PART}(?:[ \t]*+\.[ \t]*+{_PART}){{{DEEPEST}}})"
_TOKEN = re.compile(f"""{_DEEP}|{_BASICS}|{_LITERALS}|{_BASIC}"?|{_LITERAL}'?|#[^\\n]*+|{_BARE}""")
"""Keys with too many parts, and what a dot is no part of a key in: texts and comments. Goes over a text once."""


def loads(given: str) -> dict[str, Any]:
    """A document that somebody else wrote.

    Raises:
        tomllib.TOMLDecodeError: it is no TOML, or tables, keys or numbers go beyond what is ever needed.
    """
    if any(token["deep"] for token in _TOKEN.finditer(given)):
        raise tomllib.TOMLDecodeError(f"a key of more than {DEEPEST} parts")
    try:
        return tomllib.loads(given)
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError:
        raise tomllib.TOMLDecodeError("nested too deeply") from None
    except ValueError:  # Python reads no number of thousands of digits
        raise tomllib.TOMLDecodeError("a number that is too long") from None


def inline(facts: Mapping[str, Value]) -> str:
    """Facts of a case as an inline table."""
    return "{ " + ", ".join(f"{name} = {value(given)}" for name, given in sorted(facts.items())) + " }"


def value(given: Value) -> str:
    """A value of a fact or a limit."""
    if isinstance(given, bool):
        return "true" if given else "false"
    if isinstance(given, tuple):
        return f"[{', '.join(text(one) for one in given)}]"
    if isinstance(given, str):
        return text(given)
    return repr(float(given)) if math.isfinite(given) else "0.0"


def text(given: str) -> str:
    """A basic string: JSON's escapes are TOML's."""
    return json.dumps(given, ensure_ascii=False)
