"""Figures of a network on trials: per image, and per mark (FROC)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from models.anatomy.foreign_object_marks import Spot, maps_of, over, spots_of
from models.image.picture import Mask
from models.training.task import Run
from models.training.tasks.chest_foreign_object_samples import Trial

_BATCH = 16
_RIDGE = 0.5
_NEAR = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What the network said of one trial."""

    trial: Trial
    score: float
    """Highest probability over the lungs: of the image."""
    hits: tuple[float, ...]
    """Per object that lies over the lungs, the surest mark on it; 0 where there is none."""
    false: tuple[float, ...]
    """Peaks of the marks over the lungs that lie on no object."""
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Of many outcomes."""

    outcomes: tuple[Outcome, ...]

    @property
    def auc(self) -> float:
        """Images with an object over the lungs against images without."""
        return area_under(self.scores(True), self.scores(False))

    def scores(self, objects: bool) -> np.ndarray:
        return np.asarray(
            [o.score for o in self.outcomes if bool(o.hits) == objects and (objects or not o.trial.names)]
        )

    def logits(self, objects: bool) -> np.ndarray:
        """Of the scores."""
        inside = np.clip(self.scores(objects), 1e-6, 1 - 1e-6)
        return np.asarray(np.log(inside / (1 - inside)))

    def sensitivity(self, false_per_image: float) -> float:
        """Part of the objects that are marked where so many false marks per image are borne (all images count)."""
        return hit_rate(self.outcomes, threshold_for(self.outcomes, false_per_image))


def figures_of(run: Run, trials: Sequence[Trial]) -> Figures:
    """Run the network over the trials."""
    outcomes: list[Outcome] = []
    for start in range(0, len(trials), _BATCH):
        some = trials[start : start + _BATCH]
        maps = maps_of(run, np.stack([t.image for t in some]).astype(np.float32))[:, 0]
        outcomes += [outcome_of(t, probability) for t, probability in zip(some, maps, strict=True)]
    return Figures(tuple(outcomes))


def outcome_of(trial: Trial, probability: np.ndarray) -> Outcome:
    """Marks against the truth: on or beside an object is a hit, elsewhere over the lungs is false."""
    spots = over(spots_of(probability), trial.lung, probability)
    hits = [
        max((spot.peak for spot in spots if bool((spot.cells & place).any())), default=0.0)
        for place in _objects(trial)
    ]
    near = cv2.dilate(trial.objects.astype(np.uint8), _NEAR) > 0
    false = [s.peak for s in spots if not bool((s.cells & near).any())]
    score = float((probability * trial.lung).max())
    return Outcome(trial, score, tuple(hits), tuple(false), tuple(spots))


def _objects(trial: Trial) -> list[Mask]:
    """Each object that overlaps the lungs, with the cells around it; what touches is one object."""
    grown = cv2.dilate(trial.objects.astype(np.uint8), _NEAR)
    count, labels = cv2.connectedComponents(grown, connectivity=8)
    places = [labels == label for label in range(1, count)]
    return [place for place in places if bool((place & trial.lung & (trial.objects > 0)).any())]


def threshold_for(outcomes: Sequence[Outcome], false_per_image: float) -> float:
    """The lowest threshold at which there are at most so many false marks per image."""
    peaks = np.sort([peak for o in outcomes for peak in o.false])[::-1]
    allowed = int(false_per_image * len(outcomes))
    return float(peaks[allowed]) + 1e-9 if allowed < len(peaks) else 0.0


def hit_rate(outcomes: Sequence[Outcome], threshold: float) -> float:
    """Part of the objects with a mark surer than the threshold."""
    hits = np.asarray([hit for o in outcomes for hit in o.hits])
    return float((hits > threshold).mean()) if len(hits) else float("nan")


def platt(positive: np.ndarray, negative: np.ndarray, prevalence: float) -> tuple[float, float]:
    """Slope and intercept that turn logits into log odds at a prevalence (Platt 1999): damped Newton steps.

    A little ridge holds the slope where the two do not overlap.
    """
    x = np.concatenate([positive, negative])
    y = np.repeat((1.0, 0.0), (len(positive), len(negative)))
    weight = np.where(y > 0, prevalence / len(positive), (1 - prevalence) / len(negative)) * len(x)
    middle, spread = float(x.mean()), float(x.std()) or 1.0
    design, found = np.stack([(x - middle) / spread, np.ones_like(x)], 1), np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        down = design.T @ (weight * (p - y)) + _RIDGE * found * (1, 0)
        curve = (design * (weight * p * (1 - p))[:, None]).T @ design + np.diag((_RIDGE, 1e-6))
        found = found - np.clip(np.linalg.solve(curve, down), -1, 1)
    slope = max(float(found[0]) / spread, 0.05)
    return slope, float(found[1]) - slope * middle


def area_under(positive: np.ndarray, negative: np.ndarray) -> float:
    """Of the ROC curve: how often a positive scores higher than a negative; ties count half."""
    if not len(positive) or not len(negative):
        return float("nan")
    ordered = np.sort(negative)
    below, upto = (np.searchsorted(ordered, positive, side=side) for side in ("left", "right"))
    return float((below + upto).mean() / 2 / len(negative))
