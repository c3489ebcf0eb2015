"""Rules that compare with what is usual: how often they alarm at untouched patients, however these scatter."""

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
PACKS = Path(models.rules.__file__).parent / "packs"
DEVICES, PATIENTS = 1000, 50
BUDGET = 0.05
"""Issue 4: false alarms on untouched series."""
LIMITS = (
    ("mr-generic", "MB03.motion", "warn_z"),
    ("mr-brain", "MB09.metal", "warn_z"),
    ("ct-chest", "CC06.motion", "least_z"),
    ("ct-head", "CH07.beam_hardening", "least_z"),
)
"""What else these rules ask for makes their alarms fewer."""
FALLING = (("mr-generic", "MB05.low_snr", "warn_z"), ("mr-generic", "MB05.low_snr_inside", "warn_z"))
"""Rules of what must not be low."""
SCATTER: dict[str, Draw] = {
    "normal": lambda random, count: random.normal(size=count),
    "long tails": lambda random, count: random.laplace(size=count),
    "very long tails": lambda random, count: random.standard_t(2, size=count),
    "a little skewed": lambda random, count: random.gamma(2, size=count),
    "skewed": lambda random, count: random.lognormal(sigma=0.5, size=count),
    "half of a peak": lambda random, count: random.exponential(size=count),
}


def limit_of(pack: str, rule_id: str, name: str) -> float:
    rules = tomllib.loads((PACKS / pack / "rules.toml").read_text())["rule"]
    (limit,) = (rule["limit"][name] for rule in rules if rule["id"] == rule_id)
    return float(limit["value"] if isinstance(limit, dict) else limit)


@pytest.mark.parametrize("scatter", SCATTER)
@pytest.mark.parametrize("count", [LEAST, LAST])
def test_untouched_patients_alarm_seldom_however_they_scatter(scatter: str, count: int) -> None:
    lowest, highest = min(limit_of(*one) for one in LIMITS), max(limit_of(*one) for one in FALLING)
    random, above, below = np.random.default_rng(5), 0, 0
    for _ in range(DEVICES):
        baseline = learned("", SCATTER[scatter](random, count).tolist())
        z = (SCATTER[scatter](random, PATIENTS) - baseline.median) / spread(baseline)
        above += int((z > lowest).sum())
        below += int((z < highest).sum())
    assert max(above, below) / (DEVICES * PATIENTS) <= BUDGET
