"""Scanner: spectra of a body in several poses become pictures, with the faults that no motion makes.

What a scan does is drawn once (:func:`scan`) and done to the still and to the moved spectrum alike, noise and all:
the one thing that differs between the two pictures is motion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, max_pool2d

from models.mr.motion_picture import SIDE
from models.training.mr.trajectories import Random, Range, log_uniform

_PLANE = (-2, -1)
_COLUMNS = (256, 256, 224, 192, 128)
_FEW_LINES, _FEW_COLUMNS = 128, (96, 128, 192)
"""A scan of few lines seldom has many columns."""
_FILTERED, _FILTER = 0.4, (0.1, 0.9)
"""How often, and by how much of one, the outermost lines are weakened."""
_PARTIAL, _UNSAMPLED = 0.12, (0.12, 0.4)
"""How often, and what share of the lines at one edge, is not taken."""
_NOISE: Range = (0.004, 0.09)
"""Of the signal, in each channel."""
_FAINT, _SIGNAL, _NO_SIGNAL = 0.05, 0.7, 0.5
"""Level over which is body, the quantile of it that is called signal, and what is where there is none."""
_NYQUIST_GHOSTED, _NYQUIST_GHOST = 0.3, (0.008, 0.12)
_GHOSTED, _GHOST = 0.1, (0.01, 0.1)
"""Of the scans without a ghost at half of the field: copies at thirds or quarters of it."""
_SPIKED, _SPIKE = 0.05, (0.02, 0.2)
_WRAPPED, _FIELD = 0.12, (0.6, 0.95)
_BLANKED, _BODY, _AROUND = 0.15, 0.04, 9
"""How often the air is made black, the level over which is body, and the square in pixels that widens it."""
_BLURRED, _SHARP = 0.12, (0.4, 0.9)


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """One scan; spectra have their centre in the middle and their phase axis downwards."""

    window: Tensor
    """(256, 256) of 0..1: what is sampled, and how it is weighed."""
    noise: Tensor
    """(256, 256), complex."""
    ghost: Tensor
    """(256, 1), complex: a factor for each line."""
    spike: tuple[int, int, float] | None
    """Line, column and height of a stray sample."""
    field: int
    """Lines of the picture that do not fold."""
    air: Tensor | None
    """(256, 256): 0 where the picture is made black."""
    sharp: float
    """1; less: so much of the picture is kept, the rest is the mean of 3 by 3 pixels."""

    def picture(self, spectrum: Tensor) -> NDArray[np.float32]:
        """The magnitudes (256, 256) that the scan gives for a spectrum of (256, 256)."""
        sampled = (spectrum * self.ghost + self.noise) * self.window
        if self.spike is not None:
            line, column, height = self.spike
            sampled[line, column] += height
        seen = _folded(from_k(sampled), self.field).abs()
        if self.sharp < 1:
            seen = avg_pool2d(seen[None], 3, 1, 1)[0] * (1 - self.sharp) + seen * self.sharp
        return np.asarray((seen if self.air is None else seen * self.air).numpy())


def scan(body: Tensor, loudest: float, lines: int, random: Random) -> Scan:
    """One drawn at random.

    Args:
        body: the picture (256, 256) of the body at rest.
        loudest: the largest magnitude of its spectrum.
        lines: that are taken, around the centre of k-space.
    """
    columns = int(random.choice(_COLUMNS))
    if lines <= _FEW_LINES:
        columns = min(columns, int(random.choice(_FEW_COLUMNS)))
    rows = slice(SIDE // 2 - lines // 2, SIDE // 2 - lines // 2 + lines)
    across = slice(SIDE // 2 - columns // 2, SIDE // 2 - columns // 2 + columns)
    shown = body[body > _FAINT]
    signal = float(torch.quantile(shown, _SIGNAL)) if len(shown) else _NO_SIGNAL
    noise = random.standard_normal((2, SIDE, SIDE), np.float32) * (signal * log_uniform(random, _NOISE))
    spike = None
    if random.random() < _SPIKED:
        place = int(random.integers(rows.start, rows.stop)), int(random.integers(across.start, across.stop))
        spike = (*place, random.uniform(*_SPIKE) * loudest)
    field = int(SIDE * random.uniform(*_FIELD)) if random.random() < _WRAPPED else SIDE
    air = None
    if random.random() < _BLANKED:
        air = max_pool2d((body > _BODY).float()[None], _AROUND, 1, _AROUND // 2)[0]
    return Scan(
        window=_window(rows, across, random),
        noise=torch.complex(*torch.from_numpy(noise)),
        ghost=_ghost(random),
        spike=spike,
        field=field,
        air=air,
        sharp=random.uniform(*_SHARP) if random.random() < _BLURRED else 1.0,
    )


def to_k(pictures: Tensor) -> Tensor:
    """Centred Fourier transform of (..., 256, 256), unitary."""
    centred = torch.fft.ifftshift(pictures, dim=_PLANE)
    spectra: Tensor = torch.fft.fftshift(torch.fft.fft2(centred, norm="ortho"), dim=_PLANE)
    return spectra


def from_k(spectra: Tensor) -> Tensor:
    """Back."""
    shifted = torch.fft.ifftshift(spectra, dim=_PLANE)
    pictures: Tensor = torch.fft.fftshift(torch.fft.ifft2(shifted, norm="ortho"), dim=_PLANE)
    return pictures


def _window(rows: slice, columns: slice, random: Random) -> Tensor:
    window = torch.zeros(SIDE, SIDE)
    window[rows, columns] = 1
    if random.random() < _FILTERED:
        weak = random.uniform(*_FILTER)
        window[rows] *= (1 - weak * torch.linspace(-1, 1, rows.stop - rows.start) ** 2)[:, None]
        window[:, columns] *= 1 - weak * torch.linspace(-1, 1, columns.stop - columns.start) ** 2
    if random.random() < _PARTIAL:
        window[rows.start : rows.start + int((rows.stop - rows.start) * random.uniform(*_UNSAMPLED))] = 0
    return window


def _ghost(random: Random) -> Tensor:
    """Every second, third or fourth line differs by a factor (:func:`models.training.mr.kspace.ghosted`)."""
    line = torch.arange(SIDE)[:, None]
    if random.random() < _NYQUIST_GHOSTED:
        size, phase = log_uniform(random, _NYQUIST_GHOST), random.uniform(0, 2 * math.pi)
        return 1 + size * torch.cos(math.pi * line) * complex(math.cos(phase), math.sin(phase))
    if random.random() < _GHOSTED:
        copies = int(random.choice((3, 4)))
        return 1 + 2 * log_uniform(random, _GHOST) * torch.cos(2 * math.pi * line / copies) + 0j
    return torch.ones(SIDE, 1) + 0j


def _folded(picture: Tensor, field: int) -> Tensor:
    """What lies below a field of so many lines comes in at its top; the field is put in the middle."""
    if field == SIDE:
        return picture
    folded = torch.zeros_like(picture)
    folded[:field] = picture[:field]
    folded[: SIDE - field] += picture[field:]
    return folded.roll((SIDE - field) // 2, 0)
