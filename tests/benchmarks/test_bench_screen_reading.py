"""Bars 1 and 2 of issue 5 on one console of each kind; ``python -m tests.benchmarks.screen_reading`` takes all."""

from __future__ import annotations

import pytest

from tests.benchmarks.screen_reading import BARS, SHARED, measure


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared consoles are not there")
def test_consoles_taught_from_two_exams_are_read_and_nothing_accepted_is_wrong() -> None:
    outcome = measure(SHARED, ("ct01", "dr02", "dsa01", "us01"))
    assert outcome.changing > 60
    # A measurement over the speckle of us01 is found without its unit.
    assert outcome.changing - outcome.proposed <= 1
    assert min(outcome.anchors) >= 2
    for quality, (exact, _) in BARS.items():
        total = outcome.total(quality)
        assert total.wrong == 0
        assert 100 * total.exact >= exact * total.fields
