"""Faults of an MR acquisition, put where they arise: between the lines of k-space, along the phase axis.

A magnitude picture has lost its phase. It is given a smooth one first, so that its k-space is not symmetric about
the centre as no real one is. Strength 0 takes the picture through the same transforms, unchanged to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.mr.plane import Axis

Picture = NDArray[np.float32]
Complex = NDArray[np.complex128]
Random = np.random.Generator
Pose = tuple[float, float, float]
"""Degrees of turn, pixels down, pixels across."""
_NODS = 10
"""Poses that a slow sway is cut into."""
_DEGREES_A_MM = 0.5
"""Of turn with a shift: what turns about a point 115 mm away moves so (closed form)."""


def moved(picture: Picture, phase: Axis, degrees: float, pixels: float, random: Random) -> Picture:
    """Rigid motion in the plane: the lines of k-space are taken from the object in several poses.

    Two to five sudden moves during the scan; each pose is drawn from normal distributions of these deviations.
    The centre of k-space has the first pose, so that the picture stays where it was.
    """
    lines = picture.shape[phase]
    cuts = np.sort(random.choice(np.arange(4, lines - 4), int(random.integers(2, 6)), replace=False))
    poses = [
        (random.normal(0, degrees), random.normal(0, pixels), random.normal(0, pixels))
        for _ in range(len(cuts) + 1)
    ]
    of_line = np.searchsorted(cuts, np.arange(lines), side="right")
    poses[of_line[lines // 2]] = (0.0, 0.0, 0.0)
    return in_poses(picture, phase, poses, of_line, random)


def nodded(picture: Picture, phase: Axis, mm: float, mm_per_pixel: float, random: Random) -> Picture:
    """Slow swaying about the pose at the centre of k-space: half to three times to and fro during the scan.

    Args:
        mm: mean shift of the lines from that pose; with it goes a turn of half a degree a millimetre.
        mm_per_pixel: of the picture.
    """
    lines = picture.shape[phase]
    sway = np.sin(2 * np.pi * (np.arange(lines) / lines * random.uniform(0.5, 3) + random.random()))
    sway = sway - sway[lines // 2]
    edges = np.linspace(sway.min(), sway.max(), _NODS + 1)
    of_line = np.clip(np.searchsorted(edges, sway) - 1, 0, _NODS - 1)
    middles = (edges[1:] + edges[:-1]) / 2
    middles = middles - middles[of_line[lines // 2]]
    far = mm / np.abs(middles[of_line]).mean() * middles
    angle = random.uniform(0, 2 * np.pi)
    poses = [_shifted(part, angle, mm_per_pixel, part * _DEGREES_A_MM) for part in far.tolist()]
    return in_poses(picture, phase, poses, of_line, random)


def twitched(picture: Picture, phase: Axis, mm: float, mm_per_pixel: float, random: Random) -> Picture:
    """Two to four short moves out of the pose and back; the first one near the centre of k-space.

    Args:
        mm: half of the mean shift during a twitch; with it goes a turn of half a degree a millimetre of shift.
        mm_per_pixel: of the picture.
    """
    lines = picture.shape[phase]
    time = np.arange(lines) / lines
    of_line, poses = np.zeros(lines, np.intp), [(0.0, 0.0, 0.0)]
    for number in range(int(random.integers(2, 5))):
        start = random.uniform(0.25, 0.7) if number == 0 else random.uniform(0.02, 0.9)
        of_line[(time >= start) & (time < start + random.uniform(0.04, 0.15))] = len(poses)
        angle, far = random.uniform(0, 2 * np.pi), 2 * mm * random.uniform(0.7, 1.3)
        poses.append(_shifted(far, angle, mm_per_pixel, far * _DEGREES_A_MM * float(random.choice((-1, 1)))))
    return in_poses(picture, phase, poses, of_line, random)


def in_poses(
    picture: Picture, phase: Axis, poses: Sequence[Pose], of_line: NDArray[np.intp], random: Random
) -> Picture:
    """Each line of k-space taken from the object in the pose that ``of_line`` names for it."""
    turn = smooth_phase(picture.shape, random)
    out = np.zeros(picture.shape, complex)
    for number in np.unique(of_line).tolist():
        there = to_k(_posed(picture, *poses[number]) * turn)
        lines = np.flatnonzero(of_line == number)
        where = (lines, slice(None)) if phase == 0 else (slice(None), lines)
        out[where] = there[where]
    return magnitude(out)


def _shifted(mm: float, angle: float, mm_per_pixel: float, degrees: float) -> Pose:
    return degrees, mm * math.cos(angle) / mm_per_pixel, mm * math.sin(angle) / mm_per_pixel


def ghosted(picture: Picture, phase: Axis, share: float, ghosts: int, random: Random) -> Picture:
    """Every ``ghosts``-th line of k-space differs by a factor: copies at multiples of 1/``ghosts`` of the field.

    ``share``: amplitude of the first copy over the object, e.g. 0.05 for a ghost of 5 %.
    """
    lines = np.arange(picture.shape[phase])
    wave = 1 + 2 * share * np.cos(2 * np.pi * lines / ghosts + random.uniform(0, 2 * np.pi))
    if ghosts == 2:
        wave = 1 + share * np.cos(np.pi * lines) * np.exp(1j * random.uniform(0, 2 * np.pi))
    k = to_k(picture * smooth_phase(picture.shape, random))
    return magnitude(k * (wave[:, None] if phase == 0 else wave[None, :]))


def spiked(picture: Picture, strength: float, random: Random) -> Picture:
    """One stray sample away from the centre; ``strength`` over the largest sample of k-space."""
    k = to_k(picture * smooth_phase(picture.shape, random))
    rows, columns = k.shape
    down = int(random.integers(rows // 10, rows * 4 // 10)) * int(random.choice((-1, 1)))
    across = int(random.integers(columns // 10, columns * 4 // 10)) * int(random.choice((-1, 1)))
    k[rows // 2 + down, columns // 2 + across] += (
        strength * np.abs(k).max() * np.exp(1j * random.uniform(0, 2 * np.pi))
    )
    return magnitude(k)


def wrapped(picture: Picture, phase: Axis, share: float, random: Random) -> Picture:
    """The field is too small by ``share`` along the phase axis: what is outside comes in on the other side."""
    field = picture.shape[phase]
    kept = round(field * (1 - share))
    shift = (field - kept) // 2
    turned = picture * smooth_phase(picture.shape, random)
    folded = np.zeros((kept, picture.shape[1 - phase]), complex)
    for at, line in enumerate(np.moveaxis(turned, phase, 0)):
        folded[(at - shift) % kept] += line
    return np.moveaxis(np.abs(folded), 0, phase).astype(np.float32)


def noisy(picture: Picture, sigma: float, random: Random) -> Picture:
    """Noise of ``sigma`` in each of both channels."""
    noise = random.normal(0, sigma, picture.shape) + 1j * random.normal(0, sigma, picture.shape)
    return magnitude(to_k(picture * smooth_phase(picture.shape, random)) + to_k(noise))


def smooth_phase(shape: tuple[int, ...], random: Random) -> Complex:
    """exp(i phase) of a second-order polynomial of up to about one turn over the picture."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
    c = random.normal(0, 1.0, 5)
    return np.asarray(np.exp(1j * (c[0] * x + c[1] * y + c[2] * x * y + c[3] * x**2 + c[4] * y**2)))


def to_k(picture: Complex) -> Complex:
    """Centred Fourier transform, unitary."""
    return np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(picture), norm="ortho"))


def magnitude(k: Complex) -> Picture:
    """Back to a magnitude picture."""
    return np.abs(np.fft.fftshift(np.fft.ifft2(np.fft.ifftshift(k), norm="ortho"))).astype(np.float32)


def _posed(picture: Picture, degrees: float, down: float, across: float) -> Picture:
    """Turned by three shears and shifted, all in Fourier space: without interpolation nothing is smoothed.

    A smoothed pose would be told by its missing noise, and a score would learn that instead of motion.
    """
    if degrees == down == across == 0:
        return picture
    half = np.tan(np.deg2rad(degrees) / 2)
    out = _sheared(picture.astype(np.float64), 1, -half, across)
    out = _sheared(out, 0, np.sin(np.deg2rad(degrees)), down)
    return _sheared(out, 1, -half, 0.0).astype(np.float32)


def _sheared(picture: NDArray[np.float64], axis: Axis, slope: float, shift: float) -> NDArray[np.float64]:
    """Each line along ``axis`` moved by ``slope`` times its distance from the middle, plus ``shift``."""
    other = picture.shape[1 - axis]
    by = slope * (np.arange(other) - (other - 1) / 2) + shift
    turns = np.fft.rfftfreq(picture.shape[axis])
    ramp = np.exp(-2j * np.pi * np.outer(turns, by))
    lines = np.fft.rfft(picture, axis=axis) * (ramp if axis == 0 else ramp.T)
    return np.asarray(np.fft.irfft(lines, picture.shape[axis], axis=axis))
