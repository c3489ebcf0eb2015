"""MB03 compares with what is usual: how often its limits alarm at patients who lay still, however they scatter."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

import models.rules
from models.baseline import LAST, LEAST, learned, spread

Numbers = NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Numbers]
RULES = Path(models.rules.__file__).parent / "packs" / "mr-generic" / "rules.toml"
DEVICES, PATIENTS = 1000, 50
BUDGET = 0.05
"""Issue 4: false alarms on untouched series."""
SCATTER: dict[str, Draw] = {
    "normal": lambda random, count: random.normal(size=count),
    "long tails": lambda random, count: random.laplace(size=count),
    "very long tails": lambda random, count: random.standard_t(2, size=count),
    "a little skewed": lambda random, count: random.gamma(2, size=count),
    "skewed": lambda random, count: random.lognormal(sigma=0.5, size=count),
    "half of a peak": lambda random, count: random.exponential(size=count),
}


@pytest.mark.parametrize("scatter", SCATTER)
@pytest.mark.parametrize("count", [LEAST, LAST])
def test_untouched_patients_alarm_seldom_however_they_scatter(scatter: str, count: int) -> None:
    (limit,) = (rule["limit"] for rule in tomllib.loads(RULES.read_text())["rule"] if rule["id"] == "MB03.motion")
    random, alarms = np.random.default_rng(5), 0
    for _ in range(DEVICES):
        baseline = learned("mr.motion_score", SCATTER[scatter](random, count).tolist())
        z = (SCATTER[scatter](random, PATIENTS) - baseline.median) / spread(baseline)
        alarms += int((z > limit["warn_z"]["value"]).sum())
    assert alarms / (DEVICES * PATIENTS) <= BUDGET
