"""Medical devices that stay on or in the patient: a class of their own, never a reason to repeat an exposure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.training.objects.removable import metal
from models.training.objects.sheet import Disc, Draw, Path, Plate, Sheet, along, polygon, wander

Curve = NDArray[np.float64]


def _cable(rng: np.random.Generator, longest: float, bend: float = 1.0) -> Curve:
    path = wander(rng, (0, 0), rng.uniform(0, 2 * np.pi), rng.uniform(0.4, 1) * longest, bend)
    return np.asarray(path - (path.max(0) + path.min(0)) / 2, np.float64)


def _around(path: Curve) -> Sheet:
    width, height = np.ptp(path, axis=0) + 30
    return Sheet(float(width), float(height))


def catheter(rng: np.random.Generator) -> Sheet:
    """A central line, a stomach tube or a bare cable: long, smooth, even."""
    path = _cable(rng, 320, 0.9)
    sheet, width = _around(path), rng.uniform(0.9, 2.5)
    sheet.add(rng.uniform(0.08, 0.5), Path(path, width))
    if rng.random() < 0.3:
        sheet.add(rng.uniform(0.3, 0.8), *(Disc((x, y), width) for x, y in path[-6::3]))
    return sheet


def wide_tube(rng: np.random.Generator) -> Sheet:
    """An endotracheal tube or a chest drain: two walls and a dense stripe, broken at its side holes."""
    path = _cable(rng, 220, 0.5)
    sheet, half, wall = _around(path), rng.uniform(2.5, 5), rng.uniform(0.03, 0.15)
    normal = np.gradient(path, axis=0)[:, ::-1] * (1, -1)
    normal /= np.hypot(*normal.T)[:, None] + 1e-9
    sheet.add(wall, Path(path + normal * half, 1), Path(path - normal * half, 1)).add(
        wall / 3, Path(path, 2 * half)
    )
    stripe = path + normal * rng.uniform(-0.8, 0.8) * half
    sheet.add(rng.uniform(0.15, 0.7), Path(stripe, rng.uniform(0.8, 1.6)))
    if rng.random() < 0.4:
        sheet.cut(*(Disc((x, y), 2) for x, y in along(stripe[-20:], 12)))
    return sheet


def lead(rng: np.random.Generator) -> Sheet:
    """A monitoring electrode with its clip and cable."""
    path = _cable(rng, 300, 1.2)
    sheet, cable = _around(path), rng.uniform(0.12, 0.6)
    sheet.add(cable, Path(path, rng.uniform(0.9, 2.2)))
    (x, y), (dx, dy) = path[0], (path[3] - path[0]) / (np.hypot(*(path[3] - path[0])) + 1e-9)
    depth, size, reach = metal(rng), rng.uniform(2.5, 4.5), rng.uniform(8, 18)
    sheet.add(rng.uniform(0.02, 0.1), Disc((x, y), rng.uniform(7, 16)))
    sheet.add(depth, Disc((x, y), size), Disc((x, y), size * 1.5, 0.8))
    sides = np.array([(-dy, dx), (dy, -dx)]) * rng.uniform(2, 3.5)
    clip = [
        Path([(x + a, y + b), (x + a + dx * reach, y + b + dy * reach)], rng.uniform(0.8, 1.5)) for a, b in sides
    ]
    return sheet.add(depth * 0.7, *clip) if rng.random() < 0.7 else sheet


def pacemaker(rng: np.random.Generator) -> Sheet:
    half, depth = rng.uniform(18, 28), rng.uniform(0.6, 1.6)
    path = np.concatenate([wander(rng, (0, -half), -0.7, 90, 1), wander(rng, (60, -half - 30), 1.4, 140, 1)])
    sheet = Sheet(320, 320).add(rng.uniform(0.25, 0.9), Path(path, rng.uniform(0.9, 1.8)))
    sheet.add(metal(rng), Path(path[-4:], 2.2))
    can = polygon(24, half, 0, rng.uniform(0.8, 1.2))
    can[:, 1] = np.maximum(can[:, 1], -half * 0.7)
    sheet.add(depth * 0.4, Plate(can)).add(depth, Plate(can * 0.8 * (1, 0.6) + (0, half * 0.3)))
    pins = [Path([(x, -half * 0.6), (x, -half * 0.3)], 2) for x in np.linspace(-half / 2, half / 2, 4)]
    return sheet.add(depth * 0.8, *pins)


def port(rng: np.random.Generator) -> Sheet:
    radius, depth = rng.uniform(10, 15), rng.uniform(0.2, 0.9)
    path = wander(rng, (0, -radius), -np.pi / 2 + rng.normal(0, 0.4), rng.uniform(80, 160), 1.6)
    sheet = Sheet(2 * float(np.abs(path).max()) + 40, 2 * float(np.abs(path).max()) + 40)
    sheet.add(depth * 0.5, Plate(polygon(3, radius * 1.3, rng.uniform(0, 6)))).add(depth, Disc((0, 0), radius, 2))
    return sheet.add(depth * 0.7, Disc((0, 0), radius * 0.6)).add(rng.uniform(0.15, 0.5), Path(path, 2))


def sternal_wires(rng: np.random.Generator) -> Sheet:
    count, pitch, width = int(rng.integers(4, 8)), rng.uniform(18, 30), rng.uniform(0.8, 1.3)
    sheet, depth = Sheet(60, pitch * count + 20), metal(rng)
    t = np.linspace(0, 2 * np.pi, 30)
    for row in range(count):
        y = (row - (count - 1) / 2) * pitch
        wide, tall, lean = rng.uniform(6, 14), rng.uniform(2, 7), rng.normal(0, 0.3)
        loop = np.stack([np.cos(t) * wide, y + np.sin(t + lean) * tall], 1)
        end = loop[0] + rng.uniform(-3, 3, 2)
        sheet.add(depth, Path(loop, width), Path([loop[0], end], width * 1.6))
    return sheet


def surgical_clips(rng: np.random.Generator) -> Sheet:
    places = rng.normal(0, 1, (int(rng.integers(2, 10)), 2)) * rng.uniform(6, 22)
    span = 2 * float(np.abs(places).max()) + 16
    sheet, depth, half = Sheet(span, span), metal(rng), rng.uniform(1.8, 4)
    for x, y in places:
        turn = rng.uniform(0, np.pi)
        dx, dy = np.cos(turn) * half, np.sin(turn) * half
        sheet.add(depth, Path([(x - dx, y - dy), (x + dx, y + dy)], 1))
    return sheet


def valve(rng: np.random.Generator) -> Sheet:
    radius, depth = rng.uniform(10, 16), metal(rng)
    ring = polygon(30, radius, 0, rng.uniform(0.25, 1))
    sheet = Sheet(2 * radius + 8, 2 * radius + 8).add(depth * 0.5, Path(ring, rng.uniform(1, 2.5), closed=True))
    if rng.random() < 0.5:
        return sheet.add(depth * 0.5, Path([(0, -radius * 0.8), (0, radius * 0.8)], 1))
    return sheet.add(depth * 0.5, *(Path([ring[i], ring[(i + 13) % 30]], 0.8) for i in range(0, 30, 5)))


def spinal_rods(rng: np.random.Generator) -> Sheet:
    count, pitch, half, depth = int(rng.integers(2, 6)), rng.uniform(22, 34), rng.uniform(12, 20), metal(rng)
    tall = pitch * count
    sheet = Sheet(4 * half, tall + 30)
    for side in (-half, half):
        sheet.add(depth, Path([(side, -tall / 2), (side + rng.normal(0, 2), tall / 2)], 5))
        for row in range(count):
            y = (row + 0.5) * pitch - tall / 2
            sheet.add(depth * 0.8, Disc((side, y), 5), Path([(side, y), (side * 0.3, y + rng.normal(0, 3))], 4))
    return sheet


FAMILIES: dict[str, Draw] = {
    "catheter": catheter,
    "wide_tube": wide_tube,
    "lead": lead,
    "pacemaker": pacemaker,
    "port": port,
    "sternal_wires": sternal_wires,
    "surgical_clips": surgical_clips,
    "valve": valve,
    "spinal_rods": spinal_rods,
}
"""Drawn ones teach the shape; films from intensive care add real ones as negatives for objects to remove."""
