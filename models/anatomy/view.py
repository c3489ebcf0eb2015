"""View: what the network ``radiograph-view`` says of a whole picture, asked in a way that mirror images agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.anatomy.canvas import canvas_of
from models.image.picture import Mask, Picture

BUNDLE = "radiograph-view"
SIDE = 192
"""Of the canvas that the network sees, in pixels."""
KINDS = ("chest_pa", "chest_ap", "chest_lateral", "other_body_part", "not_a_radiograph")
"""Channels of the output ``kind``, in order."""
ORIENTATIONS = tuple((turn, mirrored) for turn in range(4) for mirrored in (False, True))
"""Channels of the output ``orientation``: mirrored first, then turned clockwise by so many quarters."""

Run = Callable[[NDArray[np.float32]], Mapping[str, NDArray[np.float32]]]
"""A batch of canvases (n, 1, side, side) to the network's named outputs."""
_LEAST = 1e-6


@dataclass(frozen=True, slots=True)
class View:
    """Probabilities; ``kind`` by :data:`KINDS`, ``turn`` for 0 to 3 quarters clockwise."""

    kind: Mapping[str, float]
    turn: tuple[float, ...]
    mirrored: float
    """Of the picture turned upright. Dextrocardia looks the same."""
    inverted: float
    child: float
    white_lung: float

    @property
    def frontal(self) -> float:
        return self.kind["chest_pa"] + self.kind["chest_ap"]

    @property
    def likeliest(self) -> str:
        return max(self.kind, key=lambda name: self.kind[name])

    @property
    def quarters(self) -> int:
        """By which the picture is turned clockwise, most likely."""
        return int(np.argmax(self.turn))

    def orientation(self, turn: int, mirrored: bool) -> float:
        """Probability of one of the eight."""
        return self.turn[turn] * (self.mirrored if mirrored else 1 - self.mirrored)


def view_of(run: Run, values: Picture, *, used: Mask | None = None, inverted: bool = False) -> View:
    """Look at a picture and at its mirror image; a turned one is looked at again upright.

    What does not depend on sides is the mean of the two looks. The mirrored one must say the opposite of the
    other, so half the difference of the log odds is taken: without any sign of a side it is exactly even.
    Two runs of two canvases at most.

    Args:
        values: float32 ``(rows, columns)``, any scale.
        used: False where there is padding; same shape.
        inverted: high values are dark (MONOCHROME1).
    """
    first = _both(run, values, used, inverted)
    quarters = first.quarters
    if quarters == 0:
        return first
    upright = None if used is None else np.ascontiguousarray(np.rot90(used, quarters))
    second = _both(run, np.ascontiguousarray(np.rot90(values, quarters)), upright, inverted)
    return View(second.kind, first.turn, second.mirrored, second.inverted, second.child, second.white_lung)


def _both(run: Run, values: Picture, used: Mask | None, inverted: bool) -> View:
    as_is = canvas_of(values, SIDE, used=used, inverted=inverted).image
    other = np.ascontiguousarray(values[:, ::-1])
    other_used = None if used is None else np.ascontiguousarray(used[:, ::-1])
    flipped = canvas_of(other, SIDE, used=other_used, inverted=inverted).image
    return read(run(np.stack([as_is, flipped])[:, None]))


def read(outputs: Mapping[str, NDArray[np.float32]]) -> View:
    """The view from the outputs for a canvas (row 0) and for its mirror image (row 1)."""
    kind = outputs["kind"].mean(axis=0)
    turned = outputs["orientation"].reshape(2, 4, 2).sum(axis=2)
    # A film turned right is, in the mirror, a mirrored film turned left.
    turn = (turned[0] + turned[1][[0, 3, 2, 1]]) / 2
    odds = [_log_odds(row[:, 1].sum()) for row in outputs["orientation"].reshape(2, 4, 2)]
    return View(
        kind={name: float(p) for name, p in zip(KINDS, kind, strict=True)},
        turn=tuple(float(p) for p in turn),
        mirrored=1 / (1 + math.exp(-(odds[0] - odds[1]) / 2)),
        inverted=_mean(outputs["inverted"]),
        child=_mean(outputs["child"]),
        white_lung=_mean(outputs["white_lung"]),
    )


def _mean(values: NDArray[np.float32]) -> float:
    return float(values.mean())


def _log_odds(probability: float) -> float:
    p = min(max(float(probability), _LEAST), 1 - _LEAST)
    return math.log(p / (1 - p))


def orientation_of(words: Sequence[str]) -> tuple[int, bool] | None:
    """PatientOrientation of a frontal film as (quarters clockwise, mirrored); None where it does not say.

    An upright film has rows towards the patient's left and columns towards the feet, ``L\\F``
    (PS3.3 C.7.6.1.1.1).
    """
    if len(words) != 2:
        return None
    along, down = (word.strip().upper()[:1] for word in words)
    for turn, mirrored in ORIENTATIONS:
        if _edges(turn, mirrored) == (along, down):
            return turn, mirrored
    return None


def _edges(turn: int, mirrored: bool) -> tuple[str, str]:
    """Where the right and the lower edge of such a picture lie in the patient."""
    right, bottom, left, top = ("R", "F", "L", "H") if mirrored else ("L", "F", "R", "H")
    clockwise = (right, bottom, left, top)
    return clockwise[-turn % 4], clockwise[(1 - turn) % 4]
