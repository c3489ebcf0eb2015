"""The handbook's page on packages: every code is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_CODE = re.compile(r'"(content\.[a-z_]+)"')


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_is_explained(language: str) -> None:
    page = (ROOT / "deploy/handbook" / language / "packages.md").read_text(encoding="utf-8")
    sources = [*(ROOT / "models/content").glob("*.py"), ROOT / "edge/commands/content_build.py"]
    codes = {code for file in sources for code in _CODE.findall(file.read_text(encoding="utf-8"))}
    assert len(codes) > 20
    assert {code for code in codes if f"`{code}`" not in page} == set()
