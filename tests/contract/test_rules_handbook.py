"""The handbook's page on rules: its example loads, and every code is explained."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from models.content import drafts

ROOT = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"```toml\n# (\w+\.toml)\n(.*?)```", re.DOTALL)
_CODE = re.compile(r'"((?:pack|rules|file)\.[a-z_.]+)"')
_OVERRIDE_CODE = re.compile(r'_refused\(pack, [\w.]+, "(\w+)"')


def page(language: str) -> str:
    return (ROOT / "deploy/handbook" / language / "rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_example_loads(language: str, tmp_path: Path) -> None:
    blocks = dict(_BLOCK.findall(page(language)))
    assert set(blocks) == {"pack.toml", "rules.toml", "cases.toml"}
    for name, text in blocks.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    rules = drafts.rules([tmp_path])
    assert rules.find("OUR.hand_voltage") is not None


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_code_is_explained(language: str) -> None:
    sources = [*(ROOT / "models/rules").glob("*.py"), *(ROOT / "edge/commands").glob("*.py")]
    texts = [
        file.read_text(encoding="utf-8")
        for file in sources
        if file.parent.name == "rules" or file.stem in ("judge", "rules")
    ]
    codes = {code for text in texts for code in _CODE.findall(text) if not code.endswith((".toml", "."))}
    codes |= {f"pack.override.{code}" for text in texts for code in _OVERRIDE_CODE.findall(text)}
    assert len(codes) > 15
    assert {code for code in codes if f"`{code}`" not in page(language)} == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_pack_is_named(language: str) -> None:
    assert all(f"`{pack.name}`" in page(language) for pack in drafts.rules().packs)
