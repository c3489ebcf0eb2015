"""An ultrasound probe for the consoles of :mod:`tests.screens`."""

from __future__ import annotations

import cv2
import numpy as np

from capture.screen.template import Box
from tests.screens import ULTRASOUND, Grey, clouds


class Probe:
    """Live pictures of an ultrasound sector. ``still``: nobody moves the probe, only its noise moves."""

    def __init__(self, seed: int, *, still: bool, box: Box = ULTRASOUND.image) -> None:
        self._rng, self._still = np.random.default_rng(seed), still
        rows, columns = np.mgrid[0 : box.h, 0 : box.w].astype(np.float32)
        radius = np.hypot(rows + 60, columns - box.w / 2)
        angle = np.abs(np.arctan2(columns - box.w / 2, rows + 60))
        self._sector = (radius > 110) & (radius < box.h) & (angle < 0.6)
        tissue = 90 + 45 * (clouds(self._rng, box, 5) + clouds(self._rng, box, 11) / 2)
        speckle = cv2.GaussianBlur(self._rng.rayleigh(1, (box.h, box.w)).astype(np.float32), (0, 0), 1.6)
        self._tissue = np.asarray(tissue * speckle / float(speckle.mean()), np.float32)
        self._noise = cv2.GaussianBlur(self._rng.normal(0, 1, (box.h, box.w)).astype(np.float32), (0, 0), 1.6)
        self._at = 0.0

    def next(self) -> Grey:
        """The picture of the next moment."""
        shift = self._rng.integers(0, 400, 2)
        noise = np.roll(self._noise, shift, (0, 1)) * 28
        if not self._still:
            self._at += float(self._rng.uniform(2, 9))
        there = np.roll(self._tissue, (int(self._at) // 3, int(self._at)), (0, 1))
        return np.asarray(np.clip(np.where(self._sector, there + noise, 0), 0, 255), np.uint8)
