"""Fits the two linear models of :mod:`models.image.motion` on films blurred by known amounts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.image import motion
from models.image.motion import Vector
from models.training.degradations import low_resolution
from models.training.degradations.samples import FAULTS, Fault, Simulator, read_film, sample_of
from models.training.manifest import Film

MOTION = next(fault for fault in FAULTS if fault.name == "motion")
OTHERS = tuple(fault for fault in FAULTS if fault is not MOTION)
_RIDGE = 3.0
_LEAST_LEVEL = 0.15
"""Shorter than this no one could tell; such samples teach the length but not the probability."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One sample's features: what was done to it ("" nothing, "low_resolution", a fault's name) and how much."""

    source: str
    group: str
    kind: str
    level: float
    features: Vector


def draw(films: Sequence[Film], simulator: Simulator, most: int, levels: Sequence[float] = ()) -> Iterator[Drawn]:
    """Of each of up to ``most`` films per source: one clean, one soft, one with another fault, and moved ones.

    ``levels``: of the moved ones; three at random where none are given.
    """
    taken: dict[str, int] = defaultdict(int)
    for film in sorted(films, key=lambda one: one.path.name):
        taken[film.source] += 1
        if taken[film.source] > most or film.view == "L":
            continue
        rng = np.random.default_rng(taken[film.source])
        picture = read_film(film.path)
        soft = low_resolution(picture, float(rng.uniform(1, 1.6)))
        other = OTHERS[int(rng.integers(len(OTHERS)))]
        plan: list[tuple[str, Fault | None, float]] = [
            ("", None, 0.0),
            ("low_resolution", None, 0.0),
            (other.name, other, float(rng.uniform(0.1, 1))),
            *(("motion", MOTION, float(level)) for level in levels or rng.uniform(0.02, 1, 3)),
        ]
        for number, (kind, fault, level) in enumerate(plan):
            given = soft if kind == "low_resolution" else picture
            made = sample_of(given, fault, level, f"{film.path.name}/{number}", simulator)
            found = motion.features(made.film)
            if found is not None:
                yield Drawn(film.source, film.group, kind, level if kind == "motion" else 0.0, found)


def fit(drawn: Sequence[Drawn]) -> motion.Model:
    """A ridge for the level, a penalised logistic regression (Newton's method) for the probability."""
    raw = np.stack([one.features for one in drawn])
    mean, spread = raw.mean(axis=0), raw.std(axis=0) + 1e-9
    scaled = np.column_stack([np.ones(len(raw)), (raw - mean) / spread])
    moved = np.array([one.kind == "motion" for one in drawn])
    levels = np.array([one.level for one in drawn])
    penalty = _RIDGE * np.eye(scaled.shape[1])
    penalty[0, 0] = 0
    level = np.linalg.solve(scaled.T @ scaled + penalty, scaled.T @ levels)
    told = ~moved | (levels > _LEAST_LEVEL)
    probability = _logistic(scaled[told], moved[told].astype(np.float64), penalty)
    return motion.Model(_unscaled(probability, mean, spread), _unscaled(level, mean, spread))


def _logistic(inputs: Vector, truth: Vector, penalty: Vector) -> Vector:
    weights = np.zeros(inputs.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        slope = inputs.T @ (chance - truth) + penalty @ weights
        bend = (inputs * (chance * (1 - chance))[:, None]).T @ inputs + penalty
        weights = weights - np.linalg.solve(bend, slope)
    return weights


def _unscaled(weights: Vector, mean: Vector, spread: Vector) -> Vector:
    slopes = weights[1:] / spread
    return np.concatenate(([weights[0] - slopes @ mean], slopes))


def write(model: motion.Model, file: Path, note: str) -> None:
    """As ``motion.toml``."""
    lines = [f"# {line}" for line in note.splitlines()]
    for name, values in (("probability", model.probability), ("level", model.level)):
        numbers = ", ".join(f"{value:.5f}" for value in values)
        lines.append(f"{name} = [{numbers}]")
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
