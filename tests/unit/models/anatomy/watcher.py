"""A network that tells pictures by a pattern drawn on them: a stand-in for radiograph-view with real behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from models.anatomy.canvas import canvas_of
from models.anatomy.limits import Band, GateNumbers, Limits, ShapeNumbers, ViewLimits
from models.anatomy.lung_shape import FEATURES
from models.anatomy.view import KINDS, ORIENTATIONS, SIDE, View
from models.image.picture import Picture

Map = NDArray[np.float32]


def pattern() -> Picture:
    """Upright and not mirrored: bright at the upper left, grey at the upper right, dark below."""
    picture = np.full((240, 240), 10.0, np.float32)
    picture[20:100, 20:100] = 200
    picture[30:90, 140:210] = 90
    picture += np.random.default_rng(0).normal(0, 1, picture.shape).astype(np.float32)
    return picture


def placed(turn: int, mirrored: bool) -> Picture:
    """The pattern mirrored, then turned clockwise by so many quarters."""
    picture = pattern()[:, ::-1] if mirrored else pattern()
    return np.ascontiguousarray(np.rot90(picture, -turn))


@dataclass
class Watcher:
    """Compares each canvas with the pattern's eight places and is ``sure`` of the nearest; ``leaning`` is its bias
    towards mirrored, in log odds, which a look in the mirror must take away."""

    kind: Mapping[str, float] = field(default_factory=lambda: {"chest_pa": 0.99})
    sure: float = 0.98
    leaning: float = 0.0
    blind: bool = False
    """Sees no side: as sure of mirrored as of not."""
    inverted: float = 0.01
    child: float = 0.01
    white_lung: float = 0.01
    looks: int = 0

    def __call__(self, batch: Map) -> dict[str, Map]:
        self.looks += 1
        return {
            "kind": np.asarray([[self.kind.get(name, 0.0) for name in KINDS]] * len(batch), np.float32),
            "orientation": np.stack([self._orientation(canvas) for canvas in batch[:, 0]]),
            **{
                name: np.full((len(batch), 1), getattr(self, name), np.float32)
                for name in ("inverted", "child", "white_lung")
            },
        }

    def _orientation(self, canvas: Picture) -> Map:
        places = [canvas_of(placed(*way), SIDE).image for way in ORIENTATIONS]
        nearest = int(np.argmin([np.abs(canvas - place).mean() for place in places]))
        turn, mirrored = ORIENTATIONS[nearest]
        odds = 0.0 if self.blind else np.log(self.sure / (1 - self.sure)) * (1 if mirrored else -1)
        flip = 1 / (1 + np.exp(-(odds + self.leaning)))
        turns = np.full(4, (1 - self.sure) / 3)
        turns[turn] = self.sure
        return np.asarray([turns[t] * (flip if m else 1 - flip) for t, m in ORIENTATIONS], np.float32)


def view(**changes: object) -> View:
    """An upright PA chest of which the network is sure."""
    kind = {
        "chest_pa": 0.99,
        "chest_ap": 0.01,
        "chest_lateral": 0.0,
        "other_body_part": 0.0,
        "not_a_radiograph": 0.0,
    }
    plain: dict[str, object] = {
        "kind": kind,
        "turn": (0.99, 0.004, 0.003, 0.003),
        "mirrored": 0.02,
        "inverted": 0.01,
        "child": 0.01,
        "white_lung": 0.01,
    }
    return View(**(plain | changes))  # type: ignore[arg-type]  # a test's own words


def kinds(**probability: float) -> dict[str, float]:
    return {name: probability.get(name, 0.0) for name in KINDS}


def limits() -> Limits:
    """Wide bands, and a prior about no shape in particular."""
    wide = Band(agrees=0.3, differs=0.95)
    shape = ShapeNumbers(
        features=FEATURES,
        mean=(0.0,) * len(FEATURES),
        precision=tuple(tuple(float(row == column) for column in FEATURES) for row in FEATURES),
        masks=1,
    )
    return Limits(
        view=ViewLimits(
            chest=0.9, projection=0.9, lateral=0.9, child=wide, inverted=wide, orientation=wide, mirrored=wide,
            other_view=wide,
        ),
        gate=GateNumbers(
            frontal=0.9, upright=0.9, inverted=0.5, white_lung=0.5, agreement=0.8, certainty=0.5, contrast=0.3,
            distance=6.0, shape=shape,
        ),
    )  # fmt: skip
