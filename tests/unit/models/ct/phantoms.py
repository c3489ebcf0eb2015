"""Digital patients in millimetres: a chest and a head whose truth is known in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from models.ct.lungs import LEAST_MM2
from models.ct.scan import Scan

Values = NDArray[np.float32]
Plane = NDArray[np.float64]
AIR, FAT, TISSUE, LUNG, BONE = -1000.0, -100.0, 50.0, -850.0, 700.0


@dataclass(frozen=True)
class Ellipse:
    """In a slice; ``turned`` degrees, its lower end to the picture's right."""

    x: float
    y: float
    a: float
    b: float
    turned: float = 0.0

    def paint(self, values: Plane, grid: tuple[Plane, Plane], hu: float) -> None:
        """With the partial volume that a pixel at its border has."""
        if self.a <= 0 or self.b <= 0:
            return
        xs, ys = grid
        turn = np.radians(self.turned)
        dx, dy = xs - self.x, ys - self.y
        u, v = dx * np.cos(turn) - dy * np.sin(turn), dx * np.sin(turn) + dy * np.cos(turn)
        r = np.sqrt((u / self.a) ** 2 + (v / self.b) ** 2)
        slope = np.sqrt((u / self.a**2) ** 2 + (v / self.b**2) ** 2) / np.maximum(r, 1e-6)
        share = np.clip(0.5 - (r - 1) / np.maximum(slope, 1e-9) / PIXEL, 0, 1)
        values += share * (hu - values)


PIXEL = 3.0
FIELD = 126


@dataclass(frozen=True)
class Chest:
    """Lungs are half ellipsoids above and below their middle; z runs from the head, in mm."""

    off_across: float = 0.0
    off_down: float = 0.0
    lung_top: float = 60.0
    lung_long: float = 240.0
    body: tuple[float, float] = (165.0, 105.0)
    lungs_hu: float = LUNG
    arms: int = 0
    extra: Callable[[Plane, tuple[Plane, Plane], float], None] = field(default=lambda values, grid, z: None)

    def lung(self, z: float, side: int) -> Ellipse:
        """Both lungs shrink to nothing at their ends."""
        half = self.lung_long / 2
        share = np.sqrt(max(0.0, 1 - ((z - self.lung_top - half) / half) ** 2))
        x, y = self.off_across + side * 0.48 * self.body[0], self.off_down
        return Ellipse(x, y, 0.36 * self.body[0] * share, 0.68 * self.body[1] * share)

    def shows_lung(self, z: float) -> bool:
        """Both together are as large as what counts as lung."""
        areas = [np.pi * one.a * one.b for one in (self.lung(z, -1), self.lung(z, 1))]
        return sum(areas) >= LEAST_MM2

    def slice(self, z: float, grid: tuple[Plane, Plane]) -> Plane:
        values = np.full(grid[0].shape, AIR)
        # A table of two sheets, and a blanket in the air over the patient.
        for y, hu in ((self.body[1] + 14, 200.0), (self.body[1] + 34, 200.0), (-self.body[1] - 12, -500.0)):
            values[np.abs(grid[1] - y - self.off_down) < 1.6] = hu
        x, y = self.off_across, self.off_down
        Ellipse(x, y, *self.body).paint(values, grid, FAT)
        Ellipse(x, y, self.body[0] - 14, self.body[1] - 12).paint(values, grid, TISSUE)
        for side in (-1, 1):
            self.lung(z, side).paint(values, grid, self.lungs_hu)
        Ellipse(x, y + 0.75 * self.body[1], 16, 16).paint(values, grid, BONE)
        if z < self.lung_top + 0.4 * self.lung_long:
            Ellipse(x, y + 10, 9, 9).paint(values, grid, AIR)
        if z > self.lung_top + 0.9 * self.lung_long:
            Ellipse(x + 50, y - 0.7 * self.body[1], 22, 14).paint(values, grid, AIR)
        for side in (-1, 1)[: self.arms]:
            Ellipse(x + side * (self.body[0] + 45), y, 35, 35).paint(values, grid, TISSUE)
            Ellipse(x + side * (self.body[0] + 45), y, 11, 11).paint(values, grid, BONE)
        self.extra(values, grid, z)
        return values


@dataclass(frozen=True)
class HeadPhantom:
    """An egg-shaped skull with a brain in it, turned about its long axis and leaned to a shoulder."""

    yaw: float = 0.0
    roll: float = 0.0
    top: float = 20.0
    """mm from the first slice to the top of the brain."""
    off_across: float = 0.0
    off_down: float = 0.0
    jump_at: float = 1e9
    jump_mm: float = 0.0
    brain_long: float = 150.0

    def slice(self, z: float, grid: tuple[Plane, Plane]) -> Plane:
        values = np.full(grid[0].shape, AIR)
        deep = z - self.top
        # Widest at 80 mm under the top; at brain_long the brain has shrunk to the foramen magnum's 32 mm.
        share = float(np.sqrt(max(0.0, 1 - ((deep - 80) / 80) ** 2))) if deep < 80 else 1 - 0.75 * (deep - 80) / 70
        if deep > self.brain_long:
            share = 0.0
        lean = np.tan(np.radians(self.roll)) * (z - self.top - 80)
        x = self.off_across + lean + (self.jump_mm if z >= self.jump_at else 0.0)
        y = self.off_down
        neck = 60.0 if deep > self.brain_long - 20 else 0.0
        skull = max(share, 0.0)
        if neck or skull:
            Ellipse(x, y, max(72 * skull + 11, neck), max(88 * skull + 11, neck), self.yaw).paint(
                values, grid, TISSUE
            )
        if skull:
            Ellipse(x, y, 72 * skull + 6, 88 * skull + 6, self.yaw).paint(values, grid, BONE)
            Ellipse(x, y, 72 * skull, 88 * skull, self.yaw).paint(values, grid, 35.0)
        if skull > 0.6:
            # The falx and two ventricles tell the plane of symmetry of an oval from another.
            Ellipse(x, y, 1.6, 80 * skull, self.yaw).paint(values, grid, 60.0)
        return values


def grid_of(pixel: float = PIXEL, count: int = FIELD) -> tuple[Plane, Plane]:
    """(x, y) of the centres of pixels in mm from the isocentre."""
    at = (np.arange(count) - (count - 1) / 2) * pixel
    xs, ys = np.meshgrid(at, at)
    return xs, ys


def scanned(phantom: Chest | HeadPhantom, z_mm: NDArray[np.float64], pixel: float = PIXEL) -> Scan:
    """Slices at these places, the isocentre in the middle of the picture."""
    grid = grid_of(pixel)
    hu = np.stack([phantom.slice(float(z), grid) for z in z_mm]).astype(np.float32)
    middle = (FIELD - 1) / 2 * pixel
    return Scan(hu, z_mm - z_mm[0], (pixel, pixel), (middle, middle))


def noise(rng: np.random.Generator, kind: str, shape: tuple[int, int], width: float) -> Values:
    """Of unit standard deviation: ``white``; ``gauss`` (blurred by ``width`` pixels); ``ramp``, the shape of
    filtered back projection with its cut at 1 / ``width`` per pixel."""
    white = rng.normal(size=shape).astype(np.float32)
    if kind == "gauss":
        white = np.asarray(cv2.GaussianBlur(white, (0, 0), width), np.float32)
    elif kind == "ramp":
        f = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.fftfreq(shape[1])[None])
        shaped = np.fft.fft2(white) * np.sqrt((f + 0.005) * np.exp(-((f * width) ** 2)))
        white = np.real(np.fft.ifft2(shaped)).astype(np.float32)
    return np.asarray(white / white.std(), np.float32)
