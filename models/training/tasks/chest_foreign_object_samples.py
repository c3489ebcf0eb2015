"""Samples: films with objects laid into them, and the same films with none, by one way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from models.anatomy.canvas import canvas_of
from models.image.picture import Mask, Picture, shrink
from models.training.films import read_mask
from models.training.manifest import Film
from models.training.objects import unseen
from models.training.objects.scene import (
    Plan,
    Scene,
    aged,
    random_beam,
    random_plan,
    seen_by_network,
    staged,
    truth,
)

SIDE = 384
MAP = 96
_LONG_SIDE = 416
"""Films are kept a little larger than the canvas: an object is laid in before the film is scaled to it."""
_CHILD_SHARE = 0.35
"""Of the weight of an adult's film: children are many in public sets and few where buttons are."""


def read_film(path: Path) -> Picture:
    """0..1 as stored: unlike in :mod:`models.training.films` nothing is clipped: metal may be the brightest."""
    stored = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if stored is None:
        raise FileNotFoundError(path)
    scale = max(1.0, max(stored.shape) / _LONG_SIDE)
    picture = shrink(
        np.asarray(stored, np.float32), (round(stored.shape[1] / scale), round(stored.shape[0] / scale))
    )
    return picture / np.float32(255)


def long_side_mm(rng: np.random.Generator, film: Film) -> float:
    """What the long side of a film shows, where nobody wrote it down."""
    return float(rng.uniform(180, 300) if film.age_group == "child" else rng.uniform(330, 430))


def weights(films: Sequence[Film]) -> np.ndarray:
    """How often each film is drawn: a source counts by the root of its size, a child's film less."""
    size = Counter(film.source for film in films)
    raw = np.asarray(
        [(_CHILD_SHARE if film.age_group == "child" else 1) / size[film.source] ** 0.5 for film in films]
    )
    return np.asarray(raw / raw.sum(), np.float64)


class Training(Dataset[dict[str, Tensor]]):
    """``length`` scenes of one epoch, each drawn from (seed, index)."""

    def __init__(self, films: Sequence[Film], length: int, seed: int, cache: dict[Path, np.ndarray]) -> None:
        self._films, self._length, self._seed, self._cache = films, length, seed, cache
        self._weights = weights(films)

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((self._seed, index))
        film = self._films[int(rng.choice(len(self._films), p=self._weights))]
        if film.path not in self._cache:
            self._cache[film.path] = np.round(read_film(film.path) * 255).astype(np.uint8)
        picture = turned(rng, self._cache[film.path].astype(np.float32) / np.float32(255))
        beam = random_beam(rng, picture, long_side_mm(rng, film))
        return sample(rng, film, staged(rng, picture, beam, random_plan(rng)))


def turned(rng: np.random.Generator, film: Picture) -> Picture:
    """A film as it might also have been taken: mirrored, a little turned, cut otherwise, in other grey."""
    height, width = film.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), rng.normal(0, 4), np.exp(rng.normal(0.03, 0.09)))
    matrix[:, 2] += rng.normal(0, 0.03, 2) * np.array((width, height))
    film = np.asarray(cv2.warpAffine(film, matrix, (width, height), flags=cv2.INTER_LINEAR), np.float32)
    if rng.random() < 0.5:
        film = film[:, ::-1]
    if rng.random() < 0.2:  # cut to another shape, as a cassette laid across
        height = int(height * rng.uniform(0.75, 1))
        film = film[:height]
    return np.ascontiguousarray(film ** np.float32(np.exp(rng.normal(0, 0.15))))


def sample(rng: np.random.Generator, film: Film, scene: Scene) -> dict[str, Tensor]:
    """``image``, ``objects`` (2 maps) and ``known`` (2 maps: 0 where the truth is not known)."""
    canvas = seen_by_network(aged(rng, scene.film), SIDE)
    removable, sure = truth(scene.removable, canvas, MAP)
    device, sure_device = truth(scene.device, canvas, MAP)
    if not devices_known(film):
        sure_device = device
    return {
        "image": torch.from_numpy(canvas.image[None]),
        "objects": torch.from_numpy(np.stack([removable, device])),
        "known": torch.from_numpy(np.stack([sure, sure_device])),
    }


def devices_known(film: Film) -> bool:
    """Whether an untouched film can be taken as free of devices: not those of bedside and intensive care."""
    return film.source != "hannover" and (film.view != "AP" or film.age_group == "child")


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """One film with objects, or as it is, and where they are on the map."""

    film: Film
    image: Picture
    """The canvas."""
    objects: Picture
    """1 where a removable object was laid in."""
    lung: Mask
    """Cells of the map where objects were laid and marks are counted."""
    names: tuple[str, ...]
    visibility: tuple[float, ...]
    """Contrast to texture of each object."""


def trial(film: Film, lung: Mask, objects: int, strange: bool, seed: int) -> Trial:
    """The film through the whole way with ``objects`` objects over the lungs.

    Args:
        lung: of the film as :func:`read_film` gives it.
        strange: of families that training never saw.
    """
    rng = np.random.default_rng((seed, objects, strange, *film.path.name.encode()))
    picture = read_film(film.path)
    beam = random_beam(rng, picture, long_side_mm(rng, film))
    plan = Plan(objects, families=unseen.FAMILIES if strange else None, where=lung)
    scene = staged(rng, picture, beam, plan)
    canvas = seen_by_network(aged(rng, scene.film), SIDE)
    cells = np.zeros((MAP, MAP), np.uint8)
    size = (round(canvas.width * MAP / SIDE), round(canvas.height * MAP / SIDE))
    cells[: size[1], : size[0]] = cv2.resize(lung.astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    there, _ = truth(scene.removable, canvas, MAP)
    return Trial(film, canvas.image, there, cells > 0, scene.names, scene.visibility)


def lung_area(film: Film) -> Mask:
    """The lungs of a film as :func:`read_film` gives it, good enough to choose places in.

    Where nobody drew them, dark areas inside the chest.
    """
    picture = read_film(film.path)
    size = (picture.shape[1], picture.shape[0])
    if film.lungs is not None:
        return read_mask(film.lungs, size) > 0
    return _dark_inside(picture)


def _dark_inside(picture: Picture) -> Mask:
    height, width = picture.shape
    tone = cv2.GaussianBlur(canvas_of(picture, max(picture.shape)).image[:height, :width], (0, 0), width / 80)
    dark = (tone < 0.42).astype(np.uint8)
    frame = np.zeros_like(dark)
    frame[int(0.1 * height) : int(0.8 * height), int(0.1 * width) : int(0.9 * width)] = 1
    _, labels, stats, _ = cv2.connectedComponentsWithStats(dark * frame)
    large = [n for n in range(1, len(stats)) if stats[n, cv2.CC_STAT_AREA] > 0.03 * picture.size]
    found = np.isin(labels, large)
    if found.mean() > 0.1:
        return found
    rows, columns = np.mgrid[0:height, 0:width] / np.reshape((height, width), (2, 1, 1))
    sides = [((columns - x) / 0.15) ** 2 + ((rows - 0.42) / 0.3) ** 2 < 1 for x in (0.3, 0.7)]
    return np.asarray(sides[0] | sides[1])
