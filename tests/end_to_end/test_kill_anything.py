"""kill -9 of every process at random and at named crash points: every object has one verdict, here and there.

A dozen cycles here; ``python -m tests.end_to_end.chaos --cycles 200 --seed N`` is the long run.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.chaos import run


# The modality is pynetdicom's SCU, which forgets to close its socket when the receiver is away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(1200)
@pytest.mark.slow
@pytest.mark.real
@pytest.mark.parametrize("seed", [3])
def test_nothing_is_lost_doubled_or_invented(tmp_path: Path, seed: int) -> None:
    tally, answered, wrong = run(tmp_path, cycles=12, seed=seed)
    assert wrong == []
    assert answered > 0
    assert tally.faults.total() == 12
