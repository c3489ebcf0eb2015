"""Figures of an evaluation with confidence intervals.

Patients are resampled, not films: films of one patient are not independent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.training.report.report import Estimate

Numbers = NDArray[np.float64]
Index = NDArray[np.intp]
DRAWS = 1000


def by_patient(
    statistic: Callable[[Index], float], patients: Sequence[str], draws: int = DRAWS, seed: int = 0
) -> Estimate:
    """A statistic with its 95 % interval: percentile bootstrap, patients drawn with replacement (Efron 1979).

    Args:
        statistic: of the films with these indices (an index may be there more than once); nan where it has none.
        patients: one per film.
    """
    names, owner = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    if not len(names):
        return Estimate(float("nan"))
    order = np.argsort(owner, kind="stable")
    films = np.split(order, np.cumsum(np.bincount(owner))[:-1])
    rng = np.random.default_rng(seed)
    drawn = np.array(
        [
            statistic(np.concatenate([films[i] for i in rng.integers(0, len(films), len(films))]))
            for _ in range(draws)
        ]
    )
    usable = drawn[np.isfinite(drawn)]
    low, high = np.percentile(usable, (2.5, 97.5)) if usable.size else (np.nan, np.nan)
    return Estimate(statistic(order), float(low), float(high), images=len(owner), patients=len(names))


def mean(values: ArrayLike, patients: Sequence[str]) -> Estimate:
    """The mean of one number per film; films with nan do not count."""
    array = np.asarray(values, float)
    kept = np.isfinite(array)
    array, names = array[kept], [name for name, keep in zip(patients, kept, strict=True) if keep]
    return by_patient(lambda index: float(array[index].mean()), names)


def auc_of(scores: ArrayLike, truth: ArrayLike, patients: Sequence[str]) -> Estimate:
    """Area under the ROC curve."""
    score, true = np.asarray(scores, float), np.asarray(truth, bool)
    return by_patient(lambda index: auc(score[index], true[index]), patients)


def spearman_of(one: ArrayLike, other: ArrayLike, patients: Sequence[str]) -> Estimate:
    """Spearman's rank correlation."""
    a, b = np.asarray(one, float), np.asarray(other, float)
    return by_patient(lambda index: spearman(a[index], b[index]), patients)


def ece_of(confidence: ArrayLike, correct: ArrayLike, patients: Sequence[str]) -> Estimate:
    """Expected calibration error."""
    sure, right = np.asarray(confidence, float), np.asarray(correct, bool)
    return by_patient(lambda index: ece(sure[index], right[index]), patients)


def ranks(values: ArrayLike) -> Numbers:
    """Ranks from 1, ties sharing their mean."""
    array = np.asarray(values, float)
    _, place, count = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    return np.asarray((last - (count - 1) / 2)[place], np.float64)


def auc(scores: ArrayLike, truth: ArrayLike) -> float:
    """By the rank sum (Mann and Whitney); nan without both classes."""
    true = np.asarray(truth, bool)
    yes, no = int(true.sum()), int((~true).sum())
    if not yes or not no:
        return float("nan")
    return float((ranks(scores)[true].sum() - yes * (yes + 1) / 2) / (yes * no))


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Nan where one of them never changes."""
    a, b = ranks(one), ranks(other)
    if a.size < 2 or not a.std() or not b.std():
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def roc(scores: ArrayLike, truth: ArrayLike) -> tuple[Numbers, Numbers, Numbers]:
    """False positive rates, true positive rates, thresholds (``score >= threshold`` is positive), rising."""
    score, true = np.asarray(scores, float), np.asarray(truth, bool)
    order = np.argsort(-score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order])), len(score) - 1]
    positives = np.cumsum(true[order])[ends]
    negatives = ends + 1 - positives
    rates = (np.r_[0, negatives] / max(1, (~true).sum()), np.r_[0, positives] / max(1, true.sum()))
    return rates[0], rates[1], np.r_[np.inf, score[order][ends]]


def threshold_for(scores: ArrayLike, truth: ArrayLike, specificity: float) -> float:
    """The lowest threshold that keeps this specificity; to be chosen on ``tune``."""
    false, _, thresholds = roc(scores, truth)
    return float(thresholds[np.flatnonzero(false <= 1 - specificity + 1e-12)[-1]])


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """A reliability diagram's bins: only those that hold something."""

    confidence: Numbers
    accuracy: Numbers
    count: NDArray[np.intp]


def calibration(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> Calibration:
    """Mean confidence and share correct in bins of equal width (Guo et al. 2017)."""
    sure, right = np.asarray(confidence, float), np.asarray(correct, float)
    place = np.clip((sure * bins).astype(int), 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    kept = count > 0
    total = np.stack([np.bincount(place, weights=x, minlength=bins) for x in (sure, right)])[:, kept] / count[kept]
    return Calibration(total[0], total[1], count[kept])


def ece(confidence: ArrayLike, correct: ArrayLike, bins: int = 15) -> float:
    """Mean distance of confidence and accuracy over those bins, weighted by their films."""
    found = calibration(confidence, correct, bins)
    return float((np.abs(found.confidence - found.accuracy) * found.count).sum() / max(1, found.count.sum()))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Bland and Altman 1986: how far a measure is from the truth, in its own unit."""

    bias: Estimate
    """Mean of measured minus true."""
    lower: float
    upper: float
    """Limits of agreement: bias -+ 1.96 standard deviations."""
    error: Estimate
    """Mean absolute error."""


def agreement(measured: ArrayLike, true: ArrayLike, patients: Sequence[str]) -> Agreement:
    """Films with nan do not count."""
    gap = np.asarray(measured, float) - np.asarray(true, float)
    spread = float(np.nanstd(gap, ddof=1)) if np.isfinite(gap).sum() > 1 else float("nan")
    bias = mean(gap, patients)
    return Agreement(bias, bias.value - 1.96 * spread, bias.value + 1.96 * spread, mean(np.abs(gap), patients))


def dice(one: ArrayLike, other: ArrayLike) -> float:
    """Overlap of two masks, 0..1; two empty masks agree."""
    a, b = np.asarray(one, bool), np.asarray(other, bool)
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0
