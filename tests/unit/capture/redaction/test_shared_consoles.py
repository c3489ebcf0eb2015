"""The bar, on consoles nobody here drew: 0 identifying texts left, and of an unknown screen nothing leaves."""

from __future__ import annotations

import pytest

from capture.redaction.net import net_of
from capture.screen.ocr.choice import make
from capture.screen.ocr.settings import ReadingSettings
from tests.benchmarks.redaction import SCREENS, count, foreign

pytestmark = pytest.mark.skipif(not SCREENS.is_dir(), reason="../shared/data/screens is not here")
_SOME = ("ct01", "dsa01", "us00")


def test_nobody_can_be_seen_and_nothing_leaves_of_another_screen() -> None:
    net = net_of(make(ReadingSettings()))
    taught = count(net, fields=True, only=_SOME)
    assert taught["leave"] >= 10 and taught["texts"] > 20 and taught["visible"] == 0
    assert foreign(net, only=_SOME)["leave"] == 0
