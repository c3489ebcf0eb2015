"""What a command line asks of the terminal it runs in."""

from __future__ import annotations

import os


def language() -> str:
    """``zh`` or ``en``, from the locale of the terminal."""
    named = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if named.startswith("zh") else "en"
