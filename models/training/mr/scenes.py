"""Scenes: the same body scanned twice, still and moving, in all else alike; a network learns the difference.

A source or a drawing gets another contrast and shading, is turned, stretched and put in every pose of a
trajectory. A smooth phase makes its spectra those of no real picture; their lines are put together and a scan
makes pictures of them. Nothing of it was fitted to the series of a test. All numbers are choices (E).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from models.mr.motion_picture import SIDE, levelled
from models.training.mr import sources
from models.training.mr.scanner import scan, to_k
from models.training.mr.sources import BRIGHTEST, Picture, Source
from models.training.mr.trajectories import Numbers, Random, Trajectory, trajectory

LEAST = 0.01
"""Change of a scene that is kept: less cannot be seen, and would teach that stillness is motion."""
_DRAWN = 0.15
"""Share of drawings, beside those of the sources."""
_LINES = (256, 256, 224, 192, 160, 128, 96)
_SIZES = (0.85, 1.45)
"""The field over the source, each side for itself."""
_CLOSE, _CLOSE_SIZES, _CLOSE_STRETCH, _CLOSE_SHIFT = 0.25, (0.5, 0.85), (0.9, 1.1), 0.45
"""How often a field lies inside the body, as at a joint or a spine: its size, its sides, its shift."""
_COIL = (0.5, 1.5)
"""Depth, in half fields, at which a coil beside a close field hears half."""
_Y, _X = np.meshgrid(*[np.linspace(-1, 1, sources.SIDE, dtype=np.float32)] * 2, indexing="ij")
_DOWN, _ACROSS = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
"""The scan's field."""
_AIR = 0.04
_SOFT = 0.08
"""Level up to which an edge fades, where the body is not cut out sharply."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Two pictures (256, 256) as the network sees them (:func:`models.mr.motion_picture.levelled`)."""

    still: Picture
    moved: Picture
    change: float
    """Root mean square of the difference over that of the still picture, both without noise and ghosts."""


def scene(found: Sequence[Source], random: Random) -> Scene:
    """One drawn at random, again until its change is at least :data:`LEAST`."""
    while True:
        lines = int(random.choice(_LINES))
        made = scanned(shown(_chosen(found, random), random), trajectory(lines, random), random)
        if made.change >= LEAST:
            return made


def _chosen(found: Sequence[Source], random: Random) -> Picture:
    shares = np.array([_DRAWN, *(source.share for source in found)])
    number = int(random.choice(len(shares), p=shares / shares.sum()))
    if not number:
        return drawn(random)
    pictures = found[number - 1].pictures
    return np.asarray(pictures[int(random.integers(len(pictures)))], np.float32)


def drawn(random: Random) -> Picture:
    """A body of superellipses of any grey (320, 320), often with a fine wave over it."""
    out = np.zeros(_X.shape, np.float32)
    body = np.ones(_X.shape, bool)
    for number in range(int(random.integers(4, 25))):
        y, x = random.normal(0, 0.35, 2) if number else (0.0, 0.0)
        radii = np.exp(random.normal(-2, 0.7, 2)) if number else random.uniform(0.5, 0.9, 2)
        angle, power = random.uniform(0, math.pi), random.uniform(1.5, 5)
        along = (_X - x) * math.cos(angle) + (_Y - y) * math.sin(angle)
        across = (_Y - y) * math.cos(angle) - (_X - x) * math.sin(angle)
        inside = np.abs(along / radii[0]) ** power + np.abs(across / radii[1]) ** power < 1
        body = body if number else inside
        out[inside & body] = random.uniform(0.02, 1)
    if random.random() < 0.6:
        waves = random.uniform(5, 60) * (_X * math.cos(angle) + _Y * math.sin(angle))
        out *= 1 + random.uniform(0, 0.25) * np.sin(waves)
    return out


def shown(picture: Picture, random: Random) -> Picture:
    """A body in another contrast (its levels along a random curve) and under a coil's shading; 0..1."""
    knots = np.linspace(0, BRIGHTEST, int(random.integers(4, 8)))
    levels = random.uniform(0.05, 1, len(knots))
    if random.random() < 0.5:
        levels = np.sort(levels)
    mix = random.uniform(0, 1)
    out = (1 - mix) * picture + mix * np.interp(picture, knots, levels)
    out *= picture > _AIR if random.random() < 0.7 else np.clip(picture / _SOFT, 0, 1)
    slopes = 0.5 * random.uniform(0, 1) * random.normal(0, 1, 4)
    shading = 1 + sum(slope * term for slope, term in zip(slopes, (_X, _Y, _X * _Y, _X**2), strict=True))
    out *= np.clip(shading, 0.15, 3)
    return np.asarray(out / max(float(out.max()), 1e-3), np.float32)


def scanned(picture: Picture, path: Trajectory, random: Random) -> Scene:
    """A body (320, 320) that lies still, and one that moves along a path, in the same scan."""
    lines = len(path.of_line)
    # Poses that no line has, or that are equal, are scanned once: each costs a Fourier transform.
    poses, of_line = np.unique(path.poses[path.of_line], axis=0, return_inverse=True)
    rest = int(of_line[lines // 2])
    close = random.random() < _CLOSE
    bodies = _posed(picture, poses, _placed(random, close))
    if close:
        bodies = bodies * _coil(random)
    spectra = to_k(bodies * _smooth_phase(random))
    still, moving = spectra[rest], by_line(spectra, of_line, rest)
    how = scan(bodies[rest], float(still.abs().max()), lines, random)
    # Parseval: the transform is unitary, so that the pictures' differences need not be looked at.
    change = ((moving - still) * how.window).abs().square().sum() / (still * how.window).abs().square().sum()
    return Scene(levelled(how.picture(still)), levelled(how.picture(moving)), float(change.sqrt()))


def by_line(spectra: Tensor, of_line: NDArray[np.intp], rest: int) -> Tensor:
    """One spectrum from several (k, 256, 256): line ``i`` of those in the middle is that of ``of_line[i]``.

    Lines outside, which no scan takes, are those of ``rest``.
    """
    out = spectra[rest].clone()
    first = SIDE // 2 - len(of_line) // 2
    rows = torch.arange(first, first + len(of_line))
    out[rows] = spectra[torch.from_numpy(of_line), rows]
    return out


def _placed(random: Random, close: bool) -> Tensor:
    """3 by 3, from the scan's field (-1..1) to the source's: a quarter turn, tilt, stretch, shear and mirror."""
    angle = math.radians(float(random.choice((0, 90, 180, 270))) + random.normal(0, 8))
    down, across = random.uniform(*_SIZES, 2).tolist()
    shear, mirror = random.normal(0, 0.03), float(random.choice((-1, 1)))
    x = y = 0.0
    if close:
        down, across = (random.uniform(*_CLOSE_SIZES) * random.uniform(*_CLOSE_STRETCH, 2)).tolist()
        x, y = random.uniform(-_CLOSE_SHIFT, _CLOSE_SHIFT, 2).tolist()
    c, s = math.cos(angle), math.sin(angle)
    return torch.tensor(
        [[c * across * mirror, -s * down, x], [s * across * mirror, c * down + shear, y], [0, 0, 1]]
    )


def _coil(random: Random) -> Tensor:
    """Sensitivity (256, 256) of a coil at the edge of the field, which lies still: 1 beside it."""
    angle = random.uniform(0, 2 * math.pi)
    far = (_ACROSS - math.cos(angle)).square() + (_DOWN - math.sin(angle)).square()
    return 1 / (1 + far / random.uniform(*_COIL) ** 2)


def _posed(picture: Picture, poses: Numbers, placed: Tensor) -> Tensor:
    """(k, 256, 256), by bicubic interpolation: every pose is smoothed alike, the one at rest too."""
    grids = torch.stack([(placed @ _pose(*pose))[:2] for pose in poses.tolist()])
    grid = affine_grid(grids, [len(poses), 1, SIDE, SIDE], align_corners=False)
    body = torch.from_numpy(picture)[None, None].expand(len(poses), -1, -1, -1)
    return grid_sample(body, grid, mode="bicubic", padding_mode="zeros", align_corners=False)[:, 0].clamp(min=0)


def _pose(degrees: float, down: float, across: float) -> Tensor:
    """3 by 3 in the scan's field (-1..1): a pixel is 2 / 256 of it."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return torch.tensor([[c, -s, 2 * across / SIDE], [s, c, 2 * down / SIDE], [0, 0, 1]])


def _smooth_phase(random: Random) -> Tensor:
    """exp(i phase) of a second-order polynomial, as :func:`models.training.mr.kspace.smooth_phase`."""
    y, x = _DOWN, _ACROSS
    a, b, c, d, e = random.normal(0, 1, 5).tolist()
    return torch.exp(1j * (a * x + b * y + c * x * y + d * x**2 + e * y**2))
