"""Our metrics against a plain second writing of MRIQC's formulas, over volumes made worse step by step.

The second writing shares no code with the first: its masks and its tissue are those of the drawing. Where both
definitions agree they must rank the volumes alike.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from models.mr import iqm
from models.mr.plane import plane_of
from models.training.mr import kspace
from tests.unit.models.mr.heads import head, with_noise

Volume = list[NDArray[np.float32]]
Measures = dict[str, float]
HEIGHTS = (-15.0, 5.0, 25.0)


def volumes() -> list[Volume]:
    """Noise, ghosts, motion and shading of rising strength, in a shuffled order of three slices each."""
    random = np.random.default_rng(11)
    made: list[Volume] = []
    for step in range(6):
        for kind in range(4):
            sigma = 6.0 * (1 + (step if kind == 0 else 0.4 * random.random()))
            slices = []
            for number, z in enumerate(HEIGHTS):
                one = head(z, side=128)
                if kind == 1:
                    one = kspace.ghosted(one, 0, 0.03 * step, 2, random)
                if kind == 2:
                    one = kspace.moved(one, 0, 0.5 * step, 0.8 * step, random)
                if kind == 3:
                    one = one * np.linspace(1 - 0.06 * step, 1 + 0.06 * step, 128, dtype=np.float32)
                slices.append(with_noise(np.asarray(one, np.float32), sigma, 100 * step + 10 * kind + number))
            made.append(slices)
    return made


def ours(volume: Volume) -> Measures:
    planes = [plane for one in volume if (plane := plane_of(one.copy(), 0, None)) is not None]
    total = np.sum([iqm.sums(plane) for plane in planes], axis=0)
    tissues = [found for plane in planes if (found := iqm.tissue(plane, iqm.inner(plane))) is not None]
    assert len(planes) == 3 and tissues
    efc, fber = iqm.efc(total), iqm.fber(total)
    assert efc is not None and fber is not None
    return {
        "efc": efc,
        "fber": fber,
        "cjv": float(np.median([one.cjv for one in tissues])),
        "cnr": float(np.median([one.cnr for one in tissues])),
        "snrd": float(np.median([one.snrd for one in tissues])),
    }


def plain(volume: Volume) -> Measures:
    """As MRIQC's documentation writes the formulas."""
    block = np.stack(volume).astype(np.float64)
    y, x = np.mgrid[:128, :128]
    radius = np.hypot((y - 63.5) * 1.6 / 92, (x - 63.5) * 1.6 / 74)
    inside = np.broadcast_to(radius < 1.0, block.shape)
    outside = np.broadcast_to(radius > 1.15, block.shape)
    largest = np.sqrt(np.sum(block**2))
    entropy = -np.sum(block / largest * np.log((block + 1e-16) / largest))
    most = -np.sqrt(block.size) * np.log(1 / np.sqrt(block.size)) * -1
    grey, white = (
        np.concatenate([one[head(z, side=128) == level] for one, z in zip(volume, HEIGHTS, strict=True)])
        for level in (750.0, 1000.0)
    )
    noise = without_artefacts(block[outside]).std()
    return {
        "efc": -entropy / most,
        "fber": float(np.mean(block[inside] ** 2) / np.mean(block[outside] ** 2)),
        "cjv": float((white.std() + grey.std()) / abs(white.mean() - grey.mean())),
        "cnr": float(abs(white.mean() - grey.mean()) / noise),
        "snrd": float(grey.mean() / (noise * np.sqrt(2 / (4 - np.pi)))),
    }


def without_artefacts(air: NDArray[np.float64]) -> NDArray[np.float64]:
    """MRIQC's air mask has no voxel 10 robust standard deviations above the median."""
    middle = np.median(air)
    most = float(middle + 10 * 1.4826 * np.median(np.abs(air - middle)))
    return np.asarray(air[air <= most], np.float64)


def rank_correlation(a: list[float], b: list[float]) -> float:
    """Spearman, without ties."""
    ranks = [np.argsort(np.argsort(values)) for values in (a, b)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


@pytest.fixture(scope="module")
def both() -> list[tuple[Measures, Measures]]:
    return [(ours(volume), plain(volume)) for volume in volumes()]


@pytest.mark.parametrize("name", ["efc", "fber", "cjv", "cnr", "snrd"])
def test_both_writings_rank_the_volumes_alike(both: list[tuple[Measures, Measures]], name: str) -> None:
    assert rank_correlation([one[name] for one, _ in both], [other[name] for _, other in both]) >= 0.9


def test_qi1_rises_with_what_is_in_the_air() -> None:
    clean = with_noise(head(side=160), 8.0)
    dirty = clean.copy()
    dirty[5:9, 40:100] += 300
    found = [iqm.qi1(plane) for one in (clean, dirty) if (plane := plane_of(one, 0, None)) is not None]
    assert found[0] == 0 and found[1] is not None
    air = np.count_nonzero(head(side=160) == 0)
    assert found[1] == pytest.approx(4 * 60 / air, rel=0.3)
