"""Scene: one film with objects laid into it, and the truth about them. Strength zero goes the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from models.anatomy.canvas import Canvas, canvas_of
from models.image.picture import Mask, Picture
from models.training.degradations.nuisance import jpeg, quantise
from models.training.objects import devices, markers, removable
from models.training.objects.exposure import Beam, curve, grain_of, lay, sharpness_of, texture_of
from models.training.objects.sheet import Draw

VISIBLE = 3.0
"""Contrast to texture from which an object counts (compare Rose 1948). Of fainter ones nobody can say."""
_SEEN, _DOUBTFUL = 1.0, 0.3
"""Of a pixel: contrast to texture from which it belongs to an object that counts; below which nothing is there."""
_CLOSE_PX = 5
"""Holes and gaps up to here belong to the object (film pixels)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of each kind; places as fractions of the film."""

    removables: int = 0
    devices: int = 0
    markers: int = 0
    families: Mapping[str, Draw] | None = None
    """Of the removable objects; None: those for training."""
    where: Mask | None = None
    """Film pixels where removable objects may have their centre; None: anywhere but the rim."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A film with what was laid into it."""

    film: Picture
    removable: Picture
    """Contrast to texture of removable objects, pixel by pixel; under 1 where the whole object is too faint."""
    device: Picture
    names: tuple[str, ...]
    """Families of the removable objects, in the order in which they were laid."""
    visibility: tuple[float, ...]
    """Contrast to texture of each of them; 0 for one that lies beside the film."""


def random_plan(rng: np.random.Generator) -> Plan:
    """More objects than in life, for each one teaches; a quarter of the films without any to remove."""
    removables = 0 if rng.random() < 0.25 else int(rng.integers(1, 8))
    others = int(rng.choice([0, 1, 2, 3], p=[0.4, 0.3, 0.2, 0.1]))
    return Plan(removables, others, int(rng.choice([0, 1, 2], p=[0.5, 0.3, 0.2])))


def random_beam(rng: np.random.Generator, film: Picture, long_mm: float) -> Beam:
    """An exposure as it may have been; ``long_mm``: what the film's long side shows."""
    return Beam(
        curve(rng),
        long_mm / max(film.shape),
        scatter=rng.uniform(0.1, 0.5),
        blur=sharpness_of(film) * rng.uniform(0.8, 1.3),
        grain=grain_of(film),
    )


def staged(rng: np.random.Generator, film: Picture, beam: Beam, plan: Plan) -> Scene:
    """Lay what the plan says into the film (float32, 0..1, dense bright)."""
    texture, film = texture_of(film), film.copy()
    visibility: list[float] = []
    seen = {kind: np.zeros_like(film) for kind in ("removable", "device", "marker")}
    chosen = plan.families or removable.FAMILIES
    names = [str(rng.choice(list(chosen))) for _ in range(plan.removables)]
    todo: list[tuple[str, Draw]] = [("removable", chosen[name]) for name in names]
    todo += [("device", _any(rng, devices.FAMILIES)) for _ in range(plan.devices)]
    todo += [("marker", _any(rng, markers.FAMILIES)) for _ in range(plan.markers)]
    for kind, draw in todo:
        place, turn = _place(rng, kind, film, plan.where)
        laid = lay(film, draw(rng), place, turn, beam, rng)
        clear = 0.0
        if laid is not None:
            window, brighter = laid
            contrast = brighter / texture[window]
            clear = _visibility(contrast)
            seen[kind][window] = np.maximum(
                seen[kind][window], contrast if clear >= VISIBLE else contrast.clip(0, 0.9)
            )
        visibility += [clear] if kind == "removable" else []
    return Scene(np.clip(film, 0, 1.3), seen["removable"], seen["device"], tuple(names), tuple(visibility))


def _visibility(contrast: Picture) -> float:
    """Of an object: the upper quartile over its denser half."""
    dense = contrast[contrast > 0.5 * contrast.max()]
    return float(np.percentile(dense, 75)) if dense.size else 0.0


def aged(rng: np.random.Generator, film: Picture) -> Picture:
    """What any film may go through, with objects or without: softness, noise, clipped white, JPEG, 8 bits."""
    if rng.random() < 0.3:
        film = np.asarray(cv2.GaussianBlur(film, (0, 0), rng.uniform(0.4, 1.1)), np.float32)
    if rng.random() < 0.3:
        film = film + rng.normal(0, rng.uniform(0.003, 0.02), film.shape).astype(np.float32)
    film = film / float(rng.uniform(1.0, max(1.0, float(film.max()))))
    return jpeg(film, int(rng.integers(55, 96))) if rng.random() < 0.4 else quantise(film)


def truth(contrast: Picture, canvas: Canvas, side: int) -> tuple[Picture, Picture]:
    """Where an object is (1) on a map of the canvas, and how far to trust that (0: too faint to say)."""
    clear = (contrast > _SEEN).astype(np.uint8)
    there = cv2.morphologyEx(clear, cv2.MORPH_CLOSE, np.ones((_CLOSE_PX, _CLOSE_PX), np.uint8))
    doubt = ((contrast > _DOUBTFUL) & (there == 0)).astype(np.uint8)
    shape = (max(1, round(canvas.width * side / canvas.side)), max(1, round(canvas.height * side / canvas.side)))
    maps = [np.zeros((side, side), np.float32), np.ones((side, side), np.float32)]
    maps[0][: shape[1], : shape[0]] = cv2.resize(there * 255, shape, interpolation=cv2.INTER_AREA) > 50
    maps[1][: shape[1], : shape[0]] -= (cv2.resize(doubt * 255, shape, interpolation=cv2.INTER_AREA) > 50) & (
        maps[0][: shape[1], : shape[0]] == 0
    )
    return maps[0], maps[1]


def seen_by_network(film: Picture, side: int) -> Canvas:
    """The canvas of a film as the box makes it."""
    return canvas_of(np.asarray(film, np.float32), side)


def _any(rng: np.random.Generator, families: Mapping[str, Draw]) -> Draw:
    return families[str(rng.choice(list(families)))]


def _place(
    rng: np.random.Generator, kind: str, film: Picture, where: Mask | None
) -> tuple[tuple[float, float], float]:
    height, width = film.shape
    turn = float(rng.normal(0, 0.5) if rng.random() < 0.6 else rng.uniform(0, 2 * np.pi))
    if kind == "marker":  # near the border, upright or nearly
        x, y = rng.uniform(0.03, 0.97, 2)
        if rng.random() < 0.6:
            x = rng.choice([x * 0.14, 1 - x * 0.14])
        else:
            y = rng.choice([y * 0.1, 1 - y * 0.07])
        return (x * width, y * height), float(rng.normal(0, 0.1))
    if kind == "removable" and where is not None:
        rows, columns = np.nonzero(where)
        pick = int(rng.integers(len(rows)))
        return (float(columns[pick]), float(rows[pick])), turn
    low, high = (0.12, 0.88) if rng.random() < 0.7 else (0.02, 0.98)
    x, y = rng.uniform(low, high, 2)
    return (float(x * width), float(y * height)), turn
