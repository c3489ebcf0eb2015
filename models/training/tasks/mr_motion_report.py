"""Report of the network that tells motion: real series of people, untouched and moved in k-space."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np

from capture.acquisition import Acquisition, Pixels
from capture.errors import Misuse
from capture.text import Bilingual
from models.mr.motion_network import shows_motion
from models.mr.motion_picture import picture_of
from models.mr.plane import Axis, Plane
from models.training.mr import kspace
from models.training.mr.scenes import LEAST
from models.training.mr.trials import degraded, fewer, remade, series_of, thirds
from models.training.report import plots, statistics
from models.training.report.report import Cell, Claim, Estimate, Report, Table
from models.training.task import Array, Run

MOVED, NODDING, TWITCH = "moved", "nodding", "twitch"
MOTIONS = (MOVED, NODDING, TWITCH)
_BAR = 0.95
"""Of every simulated fault (handbook, page on MR)."""
_COLUMNS = ("AUC", "AUC less own level")
_SEEN = 0.05
"""Change under which motion can hardly be seen (E)."""
_CHANGES = (LEAST, _SEEN, 0.1, 0.2, np.inf)
_HOW_OFTEN = 10
"""Draws of each kind for a series."""
_TRIES = 100
"""Draws for one that can be seen: a move while the outermost lines are taken moves nothing in the picture."""
_STRENGTHS = (1.0, 4.0)
"""Degrees, and percent of the field, of :func:`models.training.mr.kspace.moved`."""
_MM = (0.5, 4.0)
"""Of nodding and twitching, evenly in the logarithm. Over 0.5 mm, 11 of 17 are useless (Afacan 2016)."""
_SEED = 8
"""7 was that of the first test (card)."""
_Frames = Sequence[Acquisition]
_Draw = Callable[[], _Frames]
_Way = Callable[[kspace.Picture, Axis, float, float, np.random.Generator], kspace.Picture]


@dataclass(frozen=True, slots=True)
class Row:
    """One series as it is (``kind`` empty), or a part of it, or moved."""

    person: str
    kind: str
    change: float
    """Root mean square by which motion changed its pictures (:func:`change`); nan: they cannot be compared."""
    score: float
    """Mean logit over its pictures."""


def rows_of(run: Run, folder: Path) -> Iterator[Row]:
    """Every series of every person untouched, its interleaved thirds, and moved in three ways.

    Args:
        folder: one folder of DICOM objects for each person.

    Raises:
        Misuse: there is no such folder, or nothing in it that can be judged.
    """
    people = sorted(one for one in folder.iterdir() if one.is_dir()) if folder.is_dir() else []
    found = 0
    for number, person in enumerate(people):
        for series, every in enumerate(series_of(person).values()):
            frames = [frame for frame in every if shows_motion(frame.technique)]
            if not frames:
                continue
            random = np.random.default_rng((_SEED, number, series))
            for row in _rows(run, person.name, frames, random):
                found += 1
                yield row
    if not found:
        raise Misuse(
            "training.mr_test",
            Bilingual(f"{folder} 中没有可评估的 MR 序列", f"There is no MR series to judge in {folder}"),
            Bilingual(
                "每人一个文件夹，放入带相位编码方向的 DICOM 幅度图",
                "a folder for each person, with DICOM magnitudes that say their phase-encoding direction",
            ),
        )


def _rows(run: Run, person: str, frames: _Frames, random: np.random.Generator) -> Iterator[Row]:
    some = fewer(frames)
    still = canvases(some)
    if not len(still):
        return
    yield Row(person, "", 0.0, _score(run, still))
    for third in thirds(frames):
        pictures = canvases(third)
        if len(pictures):
            yield Row(person, "", 0.0, _score(run, pictures))
    for kind, way in _ways(some, random):
        for _ in range(_HOW_OFTEN):
            seen = _visible(still, way)
            if seen is not None:
                moved, by = seen
                yield Row(person, kind, by, _score(run, moved))


def _ways(frames: _Frames, random: np.random.Generator) -> Iterator[tuple[str, _Draw]]:
    """Each kind of motion, and what draws a series with it: all of its slices with one strength."""
    edge, (low, high) = _edge_mm(frames[0]), np.log(_MM).tolist()

    def swayed(way: _Way) -> _Frames:
        mm = float(np.exp(random.uniform(low, high)))
        return remade(frames, partial(_swayed, way, mm, edge, random))

    yield MOVED, lambda: degraded(frames, "motion", random.uniform(*_STRENGTHS), random)
    yield NODDING, lambda: swayed(kspace.nodded)
    yield TWITCH, lambda: swayed(kspace.twitched)


def _visible(still: Array, draw: _Draw) -> tuple[Array, float] | None:
    """Pictures of a draw that changes them by :data:`LEAST` or more, and by how much; None where many have not."""
    for _ in range(_TRIES):
        pictures = canvases(draw())
        if len(pictures) and not (by := change(still, pictures)) < LEAST:
            return pictures, by
    return None


def _swayed(way: _Way, mm: float, edge: float, random: np.random.Generator, plane: Plane) -> kspace.Picture:
    return way(plane.values, plane.phase if plane.phase is not None else 0, mm, edge, random)


def _edge_mm(frame: Acquisition) -> float:
    """Of a pixel; 1 where the header does not say."""
    pixels = frame.pixels
    return pixels.spacing_mm[0] if isinstance(pixels, Pixels) and pixels.spacing_mm else 1.0


def canvases(frames: _Frames) -> Array:
    """(n, 1, 256, 256): what the network sees of those frames that show an object."""
    seen = (
        picture_of(pixels.values.copy(), frame.technique.InPlanePhaseEncodingDirection, pixels.spacing_mm)
        for frame in frames
        if isinstance(pixels := frame.pixels, Pixels)
    )
    found = [picture for picture in seen if picture is not None]
    return np.array(found, np.float32)[:, None]


def change(still: Array, moved: Array) -> float:
    """Root mean square of a difference over that of the still picture, mean over pictures (n, 1, 256, 256)."""
    if still.shape != moved.shape:
        return float("nan")
    a, b = (pictures.reshape(len(pictures), -1).astype(np.float64) for pictures in (still, moved))
    # The level of each canvas is its own: the factor between the two is fitted (least squares), not motion.
    factor = (a * b).sum(1, keepdims=True) / (b * b).sum(1, keepdims=True)
    return float(np.sqrt(((factor * b - a) ** 2).mean(1) / (a * a).mean(1)).mean())


def _score(run: Run, pictures: Array) -> float:
    """Mean logit, as the box takes it of a series (:mod:`models.mr.motion_network`)."""
    return float(np.mean(run(pictures)["motion"]))


def report_of(rows: Sequence[Row]) -> Report:
    """Areas under the curve of untouched against moved rows, by kind and by how much the pictures changed."""
    still, moved = [row for row in rows if not row.kind], [row for row in rows if row.kind]
    kinds = {kind: [row for row in moved if row.kind == kind] for kind in MOTIONS}
    changes = {
        f"{low:g} to {high:g}" if np.isfinite(high) else f"over {low:g}": [
            row for row in moved if low <= row.change < high
        ]
        for low, high in pairwise(_CHANGES)
    }
    curves = {kind: _scored(still, some) for kind, some in kinds.items() if some and still}
    as_it_is, less_own = _areas(still, moved)
    _, seen = _areas(still, [row for row in moved if row.change >= _SEEN])
    return Report(
        "MR series of people, moved in k-space, against the same series untouched",
        # The box judges a score against the baseline of its device and protocol and never as it is.
        claims=(
            Claim("AUC, each less its person's level untouched", less_own, _BAR),
            Claim(f"the same, of motion that changes pictures by {_SEEN:.0%} or more", seen, _BAR),
        ),
        tables=(
            Table("All motion", ("", *_COLUMNS), (("all", as_it_is, less_own),)),
            Table("By kind of motion", ("kind", *_COLUMNS), _by(still, kinds)),
            Table(
                "By how much the pictures changed",
                ("root mean square of the difference", *_COLUMNS),
                _by(still, changes),
                "Over that of the untouched picture, each at the level that fits best. All kinds together.",
            ),
        ),
        figures=(plots.roc_plot("Series", curves),),
        notes=(
            f"A move that changes pictures by less than {LEAST:.0%} is drawn anew, as while learning.",
            "Real pictures, simulated motion: it flatters. Untouched series may have moved; nobody graded them.",
            "Less a person's level (the median of what is untouched) flatters too: many have one such row only.",
            "What is counted as films are series, thirds of series and series with motion. People are resampled.",
        ),
    )


def _by(still: Sequence[Row], groups: Mapping[str, Sequence[Row]]) -> tuple[tuple[Cell, ...], ...]:
    return tuple((name, *_areas(still, some)) for name, some in groups.items())


def _areas(still: Sequence[Row], moved: Sequence[Row]) -> tuple[Estimate, Estimate]:
    """Under the curve of the scores as they are, and less each person's level, which is what a baseline does."""
    scores, truth = _scored(still, moved)
    people = [row.person for row in (*still, *moved)]
    level = {one: np.median([row.score for row in still if row.person == one]) for one in set(people)}
    less = [score - level[person] for score, person in zip(scores, people, strict=True)]
    return statistics.auc_of(scores, truth, people), statistics.auc_of(less, truth, people)


def _scored(still: Sequence[Row], moved: Sequence[Row]) -> tuple[list[float], list[bool]]:
    return [row.score for row in (*still, *moved)], [False] * len(still) + [True] * len(moved)
