"""Trajectories: the pose of a body while each line of k-space is taken, drawn at random; scenes learn from them.

Five ways of moving, and three orders of taking the lines. All numbers are choices (E): they shall cover what
people do, not imitate how often they do it. The poses of the tests (:mod:`models.training.mr.kspace`) are others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Random = np.random.Generator
Numbers = NDArray[np.float64]
Range = tuple[float, float]

_WAYS = ("sudden", "drift", "nod", "twitch", "breath")
_OFTEN = (0.3, 0.15, 0.2, 0.2, 0.15)
_SHIFT: Range = (0.3, 9.0)
"""Pixels, evenly in the logarithm: from half a millimetre, over which 11 of 17 are useless (Afacan 2016)."""
_TURN: Range = (0.15, 4.0)
"""Degrees, evenly in the logarithm."""
_TURNS = 0.75
"""How often a body turns at all."""
_LEVELS = 8
"""Poses that what sways is cut into."""
_SWAY = 1.5
"""What sways goes so far to each side, times the shift and the turn."""
_CENTRIC, _SEGMENTED = 0.13, 0.15
"""How often lines are taken from the centre outwards, and every few lines of several passes."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """``poses`` (k, 3): degrees, pixels down, pixels across; ``of_line`` (n,): which one each line has.

    The line in the centre of k-space, ``n // 2``, has the pose nought: the picture stays where it was.
    """

    poses: Numbers
    of_line: NDArray[np.intp]


def log_uniform(random: Random, within: Range) -> float:
    """Evenly in the logarithm."""
    return float(np.exp(random.uniform(*np.log(within))))


def trajectory(lines: int, random: Random) -> Trajectory:
    """Of a scan of so many lines, one of the ways and orders."""
    way = str(random.choice(_WAYS, p=_OFTEN))
    shift, angle = log_uniform(random, _SHIFT), random.uniform(0, 2 * np.pi)
    turn = log_uniform(random, _TURN) if random.random() < _TURNS else 0.0
    time = np.arange(lines) / lines
    if way == "sudden":
        poses, at = _sudden(time, np.array((turn, shift, shift)), random)
    else:
        most = np.array((turn, shift * math.cos(angle), shift * math.sin(angle)))
        poses, at = _twitching(time, most, random) if way == "twitch" else _swaying(way, time, most, random)
    of_line = at[_when(lines, random)]
    return Trajectory(poses - poses[of_line[lines // 2]], of_line)


def _sudden(time: Numbers, deviation: Numbers, random: Random) -> tuple[Numbers, NDArray[np.intp]]:
    """One to five moves; every pose is drawn anew."""
    moves = int(random.integers(1, 6))
    at = np.searchsorted(np.sort(random.uniform(0.04, 0.96, moves)), time)
    poses = random.normal(0, 1, (moves + 1, 3)) * deviation
    poses[at[len(time) // 2]] = 0
    return poses, at


def _twitching(time: Numbers, most: Numbers, random: Random) -> tuple[Numbers, NDArray[np.intp]]:
    """One to three short moves near the centre of k-space, where they are seen, and back."""
    at, poses = np.zeros(len(time), np.intp), [np.zeros(3)]
    for _ in range(int(random.integers(1, 4))):
        start = 0.5 + random.normal(0, 0.18)
        at[(time > start) & (time < start + random.uniform(0.02, 0.15))] = len(poses)
        poses.append(most * random.choice((-1, 1)) * random.uniform(0.6, 2.5))
    return np.array(poses), at


def _swaying(way: str, time: Numbers, most: Numbers, random: Random) -> tuple[Numbers, NDArray[np.intp]]:
    """To and fro along one line: once and slowly (drift), up to 4 times (nod), or 4 to 40 times (breath)."""
    if way == "drift":
        path = _bent((time - 0.5) * 2 * random.choice((-1, 1)), random.uniform(0.7, 2))
    elif way == "nod":
        path = np.sin(2 * np.pi * (time * random.uniform(0.4, 4) + random.random()))
    else:
        path = np.sin(2 * np.pi * (time * random.uniform(4, 40) + random.random()))
        path = _bent(path, random.uniform(0.5, 2))
    path = path * _SWAY
    edges = np.linspace(path.min(), path.max(), _LEVELS + 1)
    at = np.clip(np.searchsorted(edges, path) - 1, 0, _LEVELS - 1)
    return (edges[1:] + edges[:-1])[:, None] / 2 * most, at


def _bent(path: Numbers, power: float) -> Numbers:
    return np.asarray(np.sign(path) * np.abs(path) ** power)


def _when(lines: int, random: Random) -> NDArray[np.intp]:
    """The place in time of each line: from edge to edge, from the centre outwards, or in two to seven passes."""
    line, order = np.arange(lines), random.random()
    if order > 1 - _SEGMENTED:
        passes = int(random.integers(2, 8))
        return _ranks(line % passes * lines + line // passes)
    if order > 1 - _SEGMENTED - _CENTRIC:
        return _ranks(np.abs(line - lines / 2))
    return line


def _ranks(keys: NDArray[np.generic]) -> NDArray[np.intp]:
    return np.argsort(np.argsort(keys, kind="stable"))
