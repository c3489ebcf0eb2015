"""Image quality metrics by MRIQC's definitions (its documentation's formulas), from sums that slices can keep.

EFC and FBER of a volume come exactly from its slices' sums. CJV, CNR and SNRd need tissue: here three classes of
grey level inside the head, which agree with MRIQC's on T1-weighted heads only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from models.masks import Mask
from models.mr.plane import Picture, Plane

_AIR_Z = 10.0
"""MRIQC, artifact_mask: robust standard deviations above the air's median."""
_LEAST_AIR = 1000
_LEVELS = 64
_LEAST_TISSUE = 50
_OPENING = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))


def sums(plane: Plane) -> NDArray[np.float64]:
    """(8,): pixels, sum x, sum x^2, sum x ln x; pixels and sum x^2 of the object; the same of the air."""
    x = plane.values.astype(np.float64)
    inside, air = x[plane.object], x[plane.air]
    log = np.log(np.maximum(x, 1e-16))
    squares = float((inside**2).sum()), float((air**2).sum())
    return np.array(
        [x.size, x.sum(), (x**2).sum(), (x * log).sum(), inside.size, squares[0], air.size, squares[1]]
    )


def efc(total: NDArray[np.float64]) -> float | None:
    """Entropy focus criterion (Atkinson 1997): 0, all energy in one pixel, to 1, all pixels alike."""
    count, first, second, entropy = (float(n) for n in total[:4])
    if count < 2 or second <= 0:
        return None
    most = math.sqrt(second)
    return (entropy - math.log(most) * first) / most / (math.sqrt(count) * math.log(1 / math.sqrt(count)))


def fber(total: NDArray[np.float64]) -> float | None:
    """Mean energy of the object over that of the air (Shehzad 2015); None without air."""
    inside, energy, air, background = (float(n) for n in total[4:8])
    if min(inside, air) < 1 or background <= 0:
        return None
    return (energy / inside) / (background / air)


def qi1(plane: Plane) -> float | None:
    """Mortamet's QI1 (2009): share of the air that is no noise: 10 robust deviations above its median, opened."""
    most = _most_noise(plane)
    if most is None:
        return None
    odd = (plane.air & (plane.values > most)).astype(np.uint8)
    return float(cv2.morphologyEx(odd, cv2.MORPH_OPEN, _OPENING).sum()) / np.count_nonzero(plane.air)


def _most_noise(plane: Plane) -> float | None:
    """What is brighter in the air is an artefact; None with too little air, or where it is blanked."""
    air = plane.values[plane.air]
    if air.size < _LEAST_AIR:
        return None
    middle = float(np.median(air))
    spread = 1.4826 * float(np.median(np.abs(air - middle)))
    return middle + _AIR_Z * spread if spread > 0 else None


@dataclass(frozen=True, slots=True)
class Tissue:
    """Means and standard deviations of grey and white matter, and of the air without artefacts (MRIQC's, which
    faint ghosts are part of: ``mr.snr`` knows the phase axis and leaves them out)."""

    grey: tuple[float, float]
    white: tuple[float, float]
    air_deviation: float

    @property
    def cjv(self) -> float:
        """Coefficient of joint variation (Ganzetti 2016); lower is better."""
        return (self.white[1] + self.grey[1]) / abs(self.white[0] - self.grey[0])

    @property
    def cnr(self) -> float:
        """|grey - white| over the deviation of the air (Magnotta 2006)."""
        return abs(self.white[0] - self.grey[0]) / self.air_deviation

    @property
    def snrd(self) -> float:
        """Grey matter over the deviation of the air times sqrt(2 / (4 - pi)) (Dietrich 2007, A.12)."""
        return self.grey[0] / (self.air_deviation * math.sqrt(2 / (4 - math.pi)))


def tissue(plane: Plane, brain: Mask) -> Tissue | None:
    """Of one slice; None where three classes cannot be told apart or there is no air."""
    most, classes = _most_noise(plane), three_classes(plane.values[brain])
    if classes is None or most is None:
        return None
    air = plane.values[plane.air]
    air = air[air <= most]
    (_, grey, white) = classes
    return Tissue(
        (float(grey.mean()), float(grey.std())), (float(white.mean()), float(white.std())), float(air.std())
    )


def three_classes(values: Picture) -> tuple[Picture, Picture, Picture] | None:
    """Dark, middle and bright by Otsu's two thresholds (1979): the largest variance between classes."""
    low, high = np.percentile(values, (0.5, 99.5)) if values.size >= 500 else (0.0, 0.0)
    if high <= low:
        return None
    counts, edges = np.histogram(values, _LEVELS, (float(low), float(high)))
    weight = np.concatenate(([0], np.cumsum(counts))).astype(np.float64)
    moment = np.concatenate(([0.0], np.cumsum(counts * (edges[:-1] + edges[1:]) / 2)))
    i, j = (k + 1 for k in np.triu_indices(_LEVELS - 1, 1))
    between = sum(
        (moment[end] - moment[start]) ** 2 / np.maximum(weight[end] - weight[start], 1)
        for start, end in ((np.zeros_like(i), i), (i, j), (j, np.full_like(j, _LEVELS)))
    )
    best = int(np.argmax(between))
    label = np.digitize(values, (edges[i[best]], edges[j[best]]))
    parts = [values[label == k] for k in range(3)]
    return (parts[0], parts[1], parts[2]) if min(part.size for part in parts) >= _LEAST_TISSUE else None


def inner(plane: Plane) -> Mask:
    """The object without its outer 12 %: scalp and skull go, most of the brain stays."""
    depth = cv2.distanceTransform(np.pad(plane.object, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return np.asarray(depth > 0.24 * depth.max())
