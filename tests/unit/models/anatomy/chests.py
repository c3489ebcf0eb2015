"""Chests for tests: a drawing seen by the measures, with the field and the scale that a test wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from models.anatomy import framing, margins, trunk
from models.anatomy.canvas import Canvas
from models.anatomy.chest import Chest, Plane
from models.anatomy.structures import SIDE, structures_of
from models.measurement import Measured, Measurement, Measurements, NotMeasured, Reason
from models.reporting import Missing
from tests.unit.models.anatomy.drawn import Drawing, DrawnNetwork

NAMES = margins.NAMES | framing.NAMES | trunk.NAMES


def canvas_for(drawing: Drawing) -> Canvas:
    """The canvas that the film fills; its picture does not matter to a network that has been told."""
    scale = max(drawing.width, drawing.height) / SIDE
    return Canvas(
        np.zeros((SIDE, SIDE), np.float32), round(drawing.width / scale), round(drawing.height / scale), 1
    )


def chest(
    drawing: Drawing,
    *,
    field: tuple[float, float, float, float] | None = None,
    turned: float = 0.0,
    spacing: bool = True,
    **changes: Any,
) -> Chest:
    """``field``: left, top, right, bottom in mm of the film (the whole film if None), ``turned`` clockwise in
    degrees about its middle."""
    canvas = canvas_for(drawing)
    per_px = drawing.width / canvas.width, drawing.height / canvas.height
    left, top, right, bottom = field or (0, 0, drawing.width, drawing.height)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)], np.float64)
    turn, middle = np.radians(turned), corners.mean(axis=0)
    rotate = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    corners = (corners - middle) @ rotate + middle
    mm = Plane("mm", *per_px)
    values: dict[str, Any] = {
        "structures": structures_of(canvas, DrawnNetwork(drawing).run({"image": canvas.image[None, None]})),
        "corners": corners / per_px,
        "sure_of_side": dict.fromkeys(("left", "right", "top", "bottom"), 1.0),
        "mm": mm if spacing else Missing(Reason.NO_SPACING),
        "percent": Plane("percent", 100 / canvas.width, 100 * per_px[1] / drawing.width),
        "offset": (0.0, 0.0),
        "step": (1 / canvas.width, 1 / canvas.height),
    }
    return Chest(**(values | changes))


def facts(of: Chest) -> Measurements:
    """All measures of the chest, each exactly once."""
    found = [fact for look in (margins.look, framing.look, trunk.look) for fact in look(of)]
    assert sorted(fact.name for fact in found) == sorted(NAMES)
    return Measurements(found)


def number(of: Measurements, name: str) -> float:
    value = of.number(f"chest.{name}")
    assert value is not None, of.get(f"chest.{name}")
    return value


def fact(of: Measurements, name: str) -> Measurement:
    found = of.get(f"chest.{name}")
    assert isinstance(found, Measurement), found
    return found


def reasons(of: Measurements, names: Iterable[str]) -> set[Reason]:
    """Why these were not measured; none of them may have been."""
    found: list[Measured] = [of.get(name) for name in names]
    assert all(isinstance(one, NotMeasured) for one in found), found
    return {one.reason for one in found if isinstance(one, NotMeasured)}
