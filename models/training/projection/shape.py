"""What makes one body differ from the patient of the CT, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.training.projection.girdle import Clavicle, Shoulder


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """Everything that makes one body differ from the patient of the CT."""

    scale: tuple[float, float, float]
    elastic: NDArray[np.float64]
    """Displacements (3, 5, 4, 6) in mm on a coarse grid over x, y, z, cubic in between."""
    heart: float
    """Radial growth of the heart, share."""
    fat: float
    """Layer added all round, mm."""
    breast: float
    """Radius of each breast, mm; 0 for none."""
    carriage: tuple[float, float]
    """Height of the neck's foot above the apices (mm) and slope of the shoulders."""
    shoulders: tuple[Shoulder, Shoulder]
    clavicles: tuple[Clavicle, Clavicle]
    sternum: tuple[float, float]
    """How far the clavicles' medial ends lie below (mm) and how much wider apart (share) than in the CT."""
    swap: bool
    """Scapulae changed for the mirrored one of the other side."""
    girth: float
    """Radius of the upper arms, mm."""
    arms: bool
    """False for the raised arms of a lateral view: neither arms nor sloping shoulders are made."""


def random_shape(random: np.random.Generator, *, arms: bool = True) -> Shape:
    """One body drawn at random; plausible ranges by eye against real films, not a population model."""
    stance = random.uniform(0, 1)
    """0: hands on the hips, shoulders rolled forward; 1: arms hanging or supine."""

    def shoulder() -> Shoulder:
        own = float(np.clip(stance + random.normal(0, 0.12), 0, 1))
        shift = (random.normal(22 - 16 * own, 5), random.normal(18 - 14 * own, 6), random.normal(-12, 8))
        turn = random.normal(-4 + 28 * own, 5)
        return Shoulder(turn, random.normal(10 - 34 * own, 6), shift, random.uniform(8, 25) + 30 * (1 - own))

    def bone() -> Clavicle:
        return Clavicle(
            shaft=random.uniform(5.0, 7.2),
            sternal=random.uniform(9.0, 13.0),
            bow=random.uniform(6.0, 15.0),
            cortex=random.uniform(1.3, 2.4),
            fullness=random.uniform(0.85, 1.15),
        )

    right = bone()
    left = Clavicle(right.shaft * random.normal(1, 0.04), right.sternal, right.bow, right.cortex, right.fullness)
    size = random.uniform(0.88, 1.1)
    scale = (size * random.uniform(0.92, 1.1), size * random.uniform(0.88, 1.1), size * random.uniform(0.85, 1.12))
    return Shape(
        scale=scale,
        elastic=random.normal(0, 1, (3, 5, 4, 6)) * np.array([5.0, 4.0, 6.0])[:, None, None, None],
        heart=random.uniform(-0.12, 0.3),
        fat=max(0.0, random.normal(6, 8)),
        breast=random.uniform(45, 75) if random.uniform() < 0.45 else 0.0,
        carriage=(random.uniform(45, 80), random.uniform(0.3, 0.6)),
        shoulders=(shoulder(), shoulder()),
        clavicles=(right, left),
        sternum=(random.uniform(-4, 24), random.uniform(-0.3, 0.2)),
        swap=bool(random.uniform() < 0.5),
        girth=random.uniform(38, 52),
        arms=arms,
    )
