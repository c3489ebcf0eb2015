"""The canvas of a received radiograph: without its frame of padding, dense anatomy bright."""

from __future__ import annotations

from models.anatomy.canvas import Canvas, canvas_of
from models.image.metric import Radiograph


def canvas_of_radiograph(radiograph: Radiograph, side: int) -> Canvas:
    """For every network alike. It covers ``views.rows`` by ``views.columns`` of the stored picture.

    The header says which end is dark; where the pixels themselves show that it is wrong (``inversion.mismatch``),
    they decide, for anatomy can be measured all the same.
    """
    views = radiograph.views
    end = views.polarity.exposed_end
    inverted = radiograph.pixels.inverted if end is None else end == "high"
    return canvas_of(views.small, side, used=views.used, inverted=inverted)
