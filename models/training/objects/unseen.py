"""Families that training never sees: what a network says of these is what it says of a thing it does not know."""

from __future__ import annotations

import numpy as np

from models.training.objects.removable import metal, stuff
from models.training.objects.sheet import Disc, Draw, Path, Plate, Sheet, Text, polygon, wander

_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"


def zip_fastener(rng: np.random.Generator) -> Sheet:
    length, pitch, depth = rng.uniform(50, 160), rng.uniform(1.8, 3.2), stuff(rng)
    y = np.arange(-length / 2, length / 2, pitch)
    drift = wander(rng, (0, 0), np.pi / 2, length, 0.4)[:, 0]
    x = np.interp(np.linspace(0, 1, len(y)), np.linspace(0, 1, len(drift)), drift)
    open_to = rng.uniform(-0.5, 0.4) * length
    part = np.clip((y - open_to) / length, 0, 1) * rng.uniform(0, 30)
    reach = float(np.abs(x).max() + part.max())
    sheet = Sheet(2 * reach + 30, length + 30)
    left = [Path([(a - p - 4, b), (a - p, b)], pitch * 0.5) for a, p, b in zip(x, part, y, strict=True)]
    right = [
        Path([(a + p, b + pitch / 2), (a + p + 4, b + pitch / 2)], pitch * 0.5)
        for a, p, b in zip(x, part, y, strict=True)
    ]
    at = float(np.interp(open_to, y, x))
    grip = [(at - 5, open_to - 6), (at + 5, open_to - 6), (at + 3, open_to + 6), (at - 3, open_to + 6)]
    sheet.add(depth, *left, *right)
    return sheet.add(metal(rng), Plate(grip), Path([(at, open_to), (at + rng.uniform(-6, 6), open_to + 18)], 3))


def coin(rng: np.random.Generator) -> Sheet:
    radius, depth = rng.uniform(8, 14), rng.uniform(0.7, 2.5)
    sheet = Sheet(2 * radius, 2 * radius).add(depth, Disc((0, 0), radius))
    return sheet.add(depth * 0.3, Disc((0, 0), radius * 0.95, radius * 0.08))


def hairpin(rng: np.random.Generator) -> Sheet:
    half, gap, width = rng.uniform(20, 35), rng.uniform(1.5, 5), rng.uniform(0.8, 1.5)
    x = np.linspace(-half, half * 0.9, 40)
    straight = np.stack([x, np.full(40, -gap)], 1)
    wavy = np.stack([x, gap + np.sin(x / rng.uniform(2, 4)) * rng.uniform(0, 1.6) * (np.abs(x) < half / 2)], 1)
    angle = np.linspace(np.pi * 1.5, np.pi / 2, 12)
    bend = np.stack([-half + np.cos(angle) * gap, np.sin(angle) * gap], 1)
    return Sheet(2 * half + 16, 20).add(metal(rng), Path(np.concatenate([straight[::-1], bend, wavy]), width))


def pendant(rng: np.random.Generator) -> Sheet:
    size, depth = rng.uniform(8, 20), stuff(rng)
    sheet = Sheet(3 * size, 3.4 * size).add(depth, Disc((0, -size * 1.15), size * 0.15, size * 0.07))
    kind = rng.integers(4)
    if kind == 0:
        bar = size * rng.uniform(0.2, 0.4)
        return sheet.add(
            depth,
            Path([(0, -size), (0, size)], bar),
            Path([(-size * 0.6, -size * 0.35), (size * 0.6, -size * 0.35)], bar),
        )
    t = np.linspace(0, 2 * np.pi, 60)
    if kind == 1:
        heart = [16 * np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))]
        return sheet.add(depth, Plate(np.stack(heart, 1) * size / 17))
    if kind == 2:
        star = polygon(10, size, -np.pi / 2) * np.where(np.arange(10) % 2, 0.42, 1)[:, None]
        return sheet.add(depth, Plate(star))
    moon = polygon(50, size)
    return sheet.add(depth, Plate(moon)).cut(Disc((size * 0.45, -size * 0.1), size * 0.85))


def glyphs(rng: np.random.Generator) -> Sheet:
    """Printed letters on a shirt, or strokes like a Chinese character."""
    height, depth = rng.uniform(12, 40), stuff(rng)
    stroke = height * rng.uniform(0.08, 0.2)
    if rng.random() < 0.6:
        text = "".join(rng.choice(list(_LETTERS), int(rng.integers(1, 5))))
        return Sheet(height * 5, height * 2).add(depth, Text(text, (0, 0), height, stroke))
    sheet, half = Sheet(height * 1.6, height * 1.6), height / 2
    strokes = []
    for _ in range(int(rng.integers(4, 9))):
        a, b = rng.uniform(-half, half, 2)
        strokes.append(
            [(-half, a), (half, a + b * 0.1)] if rng.random() < 0.5 else [(a, -half), (a + b * 0.3, half)]
        )
    return sheet.add(depth, *(Path(line, stroke * 0.7) for line in strokes))


def paper_clip(rng: np.random.Generator) -> Sheet:
    half, wide = rng.uniform(12, 24), rng.uniform(3, 5)
    outer = [(-half * 0.4, wide), (half, wide), (half + wide, 0), (half, -wide), (-half, -wide)]
    inner = [
        (-half - wide * 0.8, 0),
        (-half, wide * 0.6),
        (half * 0.6, wide * 0.6),
        (half * 0.6, -wide * 0.4),
        (-half * 0.4, -wide * 0.4),
    ]
    return Sheet(2 * half + 20, 20).add(metal(rng), Path(outer + inner, rng.uniform(0.8, 1.4)))


def watch(rng: np.random.Generator) -> Sheet:
    radius, depth = rng.uniform(13, 19), metal(rng)
    sheet = Sheet(10 * radius, 2.4 * radius).add(depth, Disc((0, 0), radius)).cut(Disc((0, 0), radius * 0.35))
    links = np.arange(radius + 2, radius * rng.uniform(2.5, 4.5), 5)
    band = [Path([(s * at, -radius * 0.5), (s * at, radius * 0.5)], 3.4) for at in links for s in (-1, 1)]
    return sheet.add(depth * 0.7, *band)


def buckle(rng: np.random.Generator) -> Sheet:
    half, tall, width, depth = rng.uniform(14, 26), rng.uniform(10, 20), rng.uniform(3, 5), metal(rng)
    frame = np.array([(-half, -tall), (half, -tall), (half, tall), (-half, tall)])
    sheet = Sheet(2 * half + 20, 2 * tall + 12).add(depth, Path(frame, width, closed=True))
    return sheet.add(depth, Path([(-half, 0), (half + 3, 0)], width * 0.7))


FAMILIES: dict[str, Draw] = {
    "zip_fastener": zip_fastener,
    "coin": coin,
    "hairpin": hairpin,
    "pendant": pendant,
    "glyphs": glyphs,
    "paper_clip": paper_clip,
    "watch": watch,
    "buckle": buckle,
}
