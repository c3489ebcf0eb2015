"""The handbook's list of why signed content is not believed, read from the source."""

from __future__ import annotations

from cloud_sync.updates.refusals import REASONS

HEADINGS = {"en": ("Code", "What it says"), "zh": ("代码", "含义")}


def table(language: str) -> str:
    """Every code with its text in one language."""
    rows = [HEADINGS[language], ("---", "---")]
    rows += [(f"`trust.{code}`", zh if language == "zh" else en) for code, (zh, en) in REASONS.items()]
    return "".join(f"| {code} | {text} |\n" for code, text in rows)
