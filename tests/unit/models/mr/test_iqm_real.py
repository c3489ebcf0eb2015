"""MRIQC's formulas on real volumes and on copies of them made worse, against the plain second writing.

Every magnitude series of ``../shared/data/dicom/mr`` takes part; what a definition needs decides which it ranks:
air that is sampled (FBER, CNR, SNRd), a T1 of a head (CJV, CNR, SNRd).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.commands.gathering import gather
from models.mr import MEASURES, iqm
from models.mr.plane import Axis, phase_axis, plane_of
from models.sets.image_set import SlicePixels
from models.training.mr import kspace
from tests.unit.models.mr.test_iqm import Measures, Volume, rank_correlation, without_artefacts

REAL = Path(__file__).parents[5] / "shared" / "data" / "dicom" / "mr"
HEADS = ("uih_t1_sag_brain", "datalad_t1_head")
MOST_SLICES = 4
LEAST_AIR = 2000

pytestmark = pytest.mark.skipif(not REAL.is_dir(), reason="needs ../shared/data/dicom/mr")

Worse = Callable[[NDArray[np.float32], Axis, float, np.random.Generator], NDArray[np.float32]]
WORSE: tuple[Worse, ...] = (
    lambda one, axis, level, random: kspace.noisy(one, 0.04 * level, random),
    lambda one, axis, level, random: kspace.noisy(one, 0.12 * level, random),
    lambda one, axis, level, random: kspace.ghosted(one, axis, 0.08, 2, random),
    lambda one, axis, level, random: kspace.ghosted(one, axis, 0.16, 3, random),
    lambda one, axis, level, random: kspace.moved(one, axis, 2.0, 0.02 * one.shape[axis], random),
    lambda one, axis, level, random: kspace.moved(one, axis, 5.0, 0.05 * one.shape[axis], random),
)
"""``level``: the mean of the bright half of the picture."""


LEAST_SERIES = 8


def series() -> list[tuple[bool, Axis | None, Volume]]:
    """Whether it is a T1 of a head, the phase axis, and some slices of every series."""
    found: list[tuple[bool, Axis | None, Volume]] = []
    for folder in sorted(REAL.iterdir()):
        for one in gather(sorted(path for path in folder.rglob("*") if path.is_file()), MEASURES).series():
            frames = [
                frame
                for frame in one.slices
                if "mr.signal" in frame.numbers and isinstance(frame.pixels, SlicePixels)
            ]
            some = frames[:: max(1, len(frames) // MOST_SLICES)][:MOST_SLICES]
            if some:
                axis = phase_axis(some[0].technique.InPlanePhaseEncodingDirection)
                volume = [frame.pixels.modality() for frame in some if isinstance(frame.pixels, SlicePixels)]
                found.append((folder.name in HEADS, axis, volume))
    return found


def with_copies(phase: Axis | None, volume: Volume) -> list[Volume]:
    """As it is, and made worse in six ways."""
    random, axis = np.random.default_rng(5), phase or 0
    level = float(np.mean([one[one > np.median(one)].mean() for one in volume]))
    return [volume, *([make(one, axis, level, random) for one in volume] for make in WORSE)]


def ours(volume: Volume, head: bool, phase: Axis | None) -> Measures:
    planes = [plane for one in volume if (plane := plane_of(one.copy(), phase, None)) is not None]
    total = np.sum([iqm.sums(plane) for plane in planes], axis=0)
    said: dict[str, float | None] = {"efc": iqm.efc(total), "fber": iqm.fber(total)}
    tissues = [found for plane in planes if head and (found := iqm.tissue(plane, iqm.inner(plane))) is not None]
    if tissues:
        said |= {
            name: float(np.median([getattr(one, name) for one in tissues])) for name in ("cjv", "cnr", "snrd")
        }
    return {name: value for name, value in said.items() if value is not None}


def plain(volume: Volume, head: bool) -> Measures:
    """Masks of one threshold for the whole volume (Otsu's, halved), tissue by k-means, air by where it lies."""
    shape = tuple(max(one.shape[axis] for one in volume) for axis in (0, 1))
    block = np.stack([np.pad(one, [(0, shape[k] - one.shape[k]) for k in (0, 1)]) for one in volume]).astype(
        np.float64
    )
    block = np.maximum(block, 0)
    largest = np.sqrt(np.sum(block**2))
    most = np.sqrt(block.size) * np.log(1 / np.sqrt(block.size))
    said = {"efc": float(np.sum(block / largest * np.log((block + 1e-16) / largest)) / most)}
    inside, air = masks(block)
    if air.sum() < LEAST_AIR:
        return said
    said["fber"] = float(np.mean(block[inside] ** 2) / np.mean(block[air] ** 2))
    if head:
        depth = np.stack(
            [cv2.distanceTransform(np.pad(one, 1).astype(np.uint8), cv2.DIST_L1, 3)[1:-1, 1:-1] for one in inside]
        )
        brain = block[depth > 0.25 * depth.max()]
        grey, white = k_means(brain)
        noise = without_artefacts(block[air]).std()
        said["cjv"] = float((white.std() + grey.std()) / (white.mean() - grey.mean()))
        said["cnr"] = float((white.mean() - grey.mean()) / noise)
        said["snrd"] = float(grey.mean() / (noise * np.sqrt(2 / (4 - np.pi))))
    return said


def masks(block: NDArray[np.float64]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Head without holes; air beyond an eighth of the picture around it, where the scanner left any."""
    codes = np.clip(block / np.percentile(block, 99) * 255, 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(codes.reshape(len(codes), -1), 0, 255, cv2.THRESH_OTSU)
    inside, near = np.zeros(block.shape, np.bool_), np.zeros(block.shape, np.bool_)
    side = 2 * (max(block.shape[1:]) // 16) + 1
    for at, one in enumerate(codes):
        solid = (cv2.blur(one, (5, 5)) > level / 2).astype(np.uint8)
        outlines, _ = cv2.findContours(solid, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        large = [line for line in outlines if cv2.contourArea(line) > 0.01 * one.size]
        drawn = cv2.drawContours(np.zeros_like(one), large, -1, 1, cv2.FILLED)
        inside[at], near[at] = drawn > 0, cv2.dilate(drawn, np.ones((side, side), np.uint8)) > 0
    return inside, ~near & (block > 0)


def k_means(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The middle and the bright one of three classes."""
    middles = np.percentile(values, (10, 50, 90))
    for _ in range(60):
        label = np.abs(values[:, None] - middles).argmin(axis=1)
        middles = np.array([values[label == k].mean() for k in range(3)])
    return values[label == 1], values[label == 2]


@pytest.fixture(scope="module")
def both() -> list[tuple[bool, Measures, Measures]]:
    made = [(head, axis, copy) for head, axis, volume in series() for copy in with_copies(axis, volume)]
    assert len(made) >= LEAST_SERIES * (1 + len(WORSE))
    return [(head, ours(volume, head, axis), plain(volume, head)) for head, axis, volume in made]


@pytest.mark.parametrize("name", ["efc", "fber", "cjv", "cnr", "snrd"])
def test_both_writings_rank_real_volumes_alike(both: list[tuple[bool, Measures, Measures]], name: str) -> None:
    pairs = [(one[name], other[name]) for _, one, other in both if name in one and name in other]
    assert len(pairs) >= 2 * len(WORSE)
    assert rank_correlation([one for one, _ in pairs], [other for _, other in pairs]) >= 0.9
