"""The pool of radiograph-view: what every picture of the manifest teaches, and what it says nothing about."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from models.image.picture import Picture
from models.training.films import Bytes, read_mask, read_picture
from models.training.manifest import Film
from models.training.split import films_of
from models.training.task import Part

Family = Literal["frontal", "lateral", "other", "slice", "picture"]

PICTURES_LEFT_OUT = frozenset({"skimage", "scipy", "sklearn", "imgaug", "gradio", "mate", "matplotlib"})
"""Sources of photographs that the network never learns from: what is refused in the test are unseen pictures."""
UPSIDE_DOWN = frozenset({"00003490_011"})
"""Films of ChestX-ray14 that are stored upside down, seen by eye after the network had said so on ``tune``."""
LONG_SIDE = 240
_CHEST = "CHEST"
_NO_RADIOGRAPH = "NONE"


@dataclass(frozen=True, slots=True)
class Item:
    """One picture and its truth. Of a slice (CT, MR, ultrasound) both refusals are right."""

    film: Film
    family: Family

    @property
    def kinds(self) -> tuple[str, ...]:
        """Which answers are right."""
        if self.family == "frontal":
            return {"PA": ("chest_pa",), "AP": ("chest_ap",)}.get(self.film.view, ("chest_pa", "chest_ap"))
        if self.family == "slice":
            return "other_body_part", "not_a_radiograph"
        return {"lateral": ("chest_lateral",), "other": ("other_body_part",)}.get(
            self.family, ("not_a_radiograph",)
        )

    @property
    def upright(self) -> bool:
        """Whether it is known to be upright: a hand or a slice may lie any way."""
        return self.family in ("frontal", "lateral") or "SPINE" in self.film.body_part

    @property
    def child(self) -> bool | None:
        return {"child": True, "adult": False}.get(self.film.age_group) if self.family == "frontal" else None


def item_of(film: Film) -> Item:
    """The body part tells: ``CHEST``, ``NONE`` for what is no radiograph, ``HEAD (CT slice)`` for slices."""
    part = film.body_part.upper()
    if part == _CHEST:
        return Item(film, "lateral" if film.view == "L" else "frontal")
    if part == _NO_RADIOGRAPH:
        return Item(film, "picture")
    return Item(film, "slice" if part.endswith("SLICE)") else "other")


def pool(films: Iterable[Film], part: Part, left_out: frozenset[str]) -> list[Item]:
    """The items of one part of the split."""
    kept = films_of(films, part, left_out | PICTURES_LEFT_OUT)
    return [item_of(film) for film in kept if film.path.stem not in UPSIDE_DOWN]


def by_source(items: Sequence[Item], family: Family) -> tuple[list[Item], NDArray[np.float64]]:
    """The items of a family and how often each is drawn: a source counts by the root of its size."""
    kept = [item for item in items if item.family == family]
    count: dict[str, int] = {}
    for item in kept:
        count[item.film.source] = count.get(item.film.source, 0) + 1
    weight = np.asarray([1 / math.sqrt(count[item.film.source]) for item in kept])
    return kept, weight / max(float(weight.sum()), 1e-9)


def picture_of(item: Item) -> Picture:
    """Float32, 0..1, long side at most :data:`LONG_SIDE`; kept in memory as bytes."""
    return np.asarray(_bytes_of(item.film.path) / np.float32(255), np.float32)


@lru_cache(maxsize=12_000)
def _bytes_of(path: Path) -> Bytes:
    return np.asarray(np.round(read_picture(path, LONG_SIDE) * 255), np.uint8)


def lungs_of(item: Item) -> NDArray[np.bool_] | None:
    """Both lungs on :func:`picture_of`'s pixels, where there is a mask."""
    if item.film.lungs is None:
        return None
    size = _bytes_of(item.film.path).shape[::-1]
    return np.asarray(read_mask(item.film.lungs, (int(size[0]), int(size[1]))) == 255)


def enlarged(picture: Picture, side: int) -> Picture:
    """At least ``side`` pixels long: a slice of 64 pixels is looked at like a film of 3000."""
    scale = side / max(picture.shape)
    if scale <= 1:
        return picture
    size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.float32)
