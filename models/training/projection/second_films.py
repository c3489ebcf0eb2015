"""``python -m models.training.projection.second_films --ct SDIST --out DIR``: films of the second patient.

For testing: the patient as he is (no deformation), turned by up to 10 degrees either way. ``lain``: arms raised as
in the CT, clavicles and scapulae his own, where they lie. ``posed``: scapulae lowered, arms and clavicles drawn
as in the films that the network learns from. Written as :mod:`.generate` writes, everything in the part ``test``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from models.training.projection.body import Body, build, places, squared
from models.training.projection.deformation import Deformation
from models.training.projection.film import random_field, random_look
from models.training.projection.generate import Plan, row, save, write_index
from models.training.projection.patient import Patient
from models.training.projection.second_patient import read_second
from models.training.projection.shape import Shape, random_shape
from models.training.projection.view import aimed, random_stand, shoot

Series = Literal["lain", "posed"]
_PER_POSTURE = 12
_MOST_DEG = 10.0
_WHOLE = (40.0, 45.0, 40.0, 35.0)


def undeformed(random: np.random.Generator, *, arms: bool) -> Shape:
    """The patient's own proportions in a posture drawn at random."""
    drawn = random_shape(random, arms=arms)
    return replace(
        drawn,
        scale=(1.0, 1.0, 1.0),
        elastic=np.zeros_like(drawn.elastic),
        heart=0.0,
        fat=0.0,
        breast=0.0,
        sternum=(0.0, 0.0),
        swap=False,
    )


def bodies(patient: Patient, series: Series, count: int, seed: int) -> Iterator[Body]:
    """One body for every posture; ``lain`` has but one."""
    if series == "lain":
        shape = undeformed(np.random.default_rng(seed), arms=False)
        matrix, _ = squared(places(patient, shape, Deformation(patient, shape)))
        own = {part.name.lower(): bone.moved(matrix) for part, bone in patient.girdle.items()}
        yield replace(build(patient, shape), girdle=own)
        return
    for posture in range(-(-count // _PER_POSTURE)):
        yield build(patient, undeformed(np.random.default_rng([seed, posture]), arms=True))


def generate(patient: Patient, out: Path, series: Series, count: int, seed: int) -> None:
    """Writes ``count`` PA films and their index."""
    out.mkdir(parents=True, exist_ok=True)
    rows = []
    yaws = np.linspace(-_MOST_DEG, _MOST_DEG, count)
    np.random.default_rng(seed).shuffle(yaws)
    for number, body in enumerate(bodies(patient, series, count, seed)):
        first = number * _PER_POSTURE
        for view in range(first, count if series == "lain" else min(count, first + _PER_POSTURE)):
            random = np.random.default_rng([seed, view, 3])
            stand = replace(random_stand("PA", random), yaw=float(yaws[view]), margins=_WHOLE)
            camera = aimed(body, stand)
            film = shoot(
                body, stand, random_look(random), random_field((camera.width, camera.height), random), random
            )
            plan = Plan(f"{series}_{view:03d}.npz", number, ("PA",), (view, 3))
            save(out / plan.file, film)
            rows.append(row(plan, stand, film, body.neutral) | {"split": "test"})
    write_index(out / "index.csv", rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--ct", type=Path, required=True, help="totalsegmentator-2.18.0.tar.gz, or the folder it was unpacked into"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=48)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--series", choices=("lain", "posed"), default="posed")
    chosen = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    generate(read_second(chosen.ct), chosen.out, chosen.series, chosen.count, chosen.seed)


if __name__ == "__main__":
    main()
