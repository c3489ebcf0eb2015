"""The whole way from bytes to a verdict, for objects of known truth."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.objects import MAKERS, VERDICTS, verdict_of

EXPECTED = json.loads(VERDICTS.read_text(encoding="utf-8"))


def test_each_object_has_its_verdict() -> None:
    assert EXPECTED.keys() == MAKERS.keys()


@pytest.mark.parametrize("name", MAKERS)
def test_the_verdict_is_the_expected_one(name: str, tmp_path: Path) -> None:
    assert verdict_of(name, tmp_path) == EXPECTED[name]
