"""Values as TOML, for packs that the product writes itself."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping

from models.measurement import Value


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
