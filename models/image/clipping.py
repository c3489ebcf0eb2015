"""Clipped pixels: detail that is lost because the values ran into an end of their range.

Direct radiation beside the body saturates by right; it is reported apart (image-qc.md 6.1 PA13). Bright is what
little radiation reached, dark what much did, however that is stored. At the dark end body and open air melt into
one plateau and only what is surely body counts: most is missed, so that fact is *unproven* in the catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from models.image.metric import Radiograph
from models.image.picture import Mask, Picture
from models.measurement import Measured, Measurement, NotMeasured, Reason, Region

_BRIGHT, _DARK = "clipping.bright_percent", "clipping.dark_percent"
NAMES = frozenset({_BRIGHT, _DARK, "clipping.background_percent"})
_ROW_STEP = 4
_SPIKE = 4.0
"""A plateau holds this many times the pixels of the fullest of the next few levels."""
_LEAST_SHARE = 0.0002
_HOT_SHARE = 0.00002
_MOST_REGIONS = 4
_COARSE = 0.004
"""Width of a plateau in 8 bits or after lossy compression, whose ringing takes a grey level off a spike [M]."""
_AT_RIM = 0.5
_BACKGROUND_SURE = 0.7
"""Thick anatomy at the border of the field may pass for direct radiation."""


def look(radiograph: Radiograph) -> Iterable[Measured]:
    """Shares of the body's pixels, of every fourth row; the background as a share of the field."""
    views = radiograph.views
    if radiograph.from_screen:
        return [NotMeasured(name, Reason.NOT_RELIABLE, "windowed for a screen") for name in sorted(NAMES)]
    field = int(views.exposed.sum())
    if not field or views.body.sum() < 0.02 * field:
        return [NotMeasured(name, Reason.NOT_RELIABLE, "no body was found") for name in sorted(NAMES)]
    values = radiograph.pixels.values[views.rows, views.columns][::_ROW_STEP]
    body = cv2.resize(views.body.astype(np.uint8), values.shape[::-1], interpolation=cv2.INTER_NEAREST).astype(
        bool
    )
    inside = values[body]
    sure = certainty(radiograph)
    facts: list[Measured] = []
    dark = exposed_sign(radiograph)
    for name, sign in ((_BRIGHT, -dark), (_DARK, dark)):
        level = plateau(inside * sign, plateau_width(radiograph))
        if level is None:
            facts.append(Measurement(name, 0.0, confidence=sure))
            continue
        share = 100 * float((inside * sign >= level).mean())
        clipped = (views.small * sign >= level) & views.body
        certain = _AT_RIM * sure if _at_rim(clipped, views.exposed) else sure
        facts.append(Measurement(name, share, confidence=certain, regions=regions_of(clipped, radiograph)))
    background = 100 * float(views.direct.sum()) / field
    facts.append(Measurement("clipping.background_percent", background, confidence=_BACKGROUND_SURE))
    return facts


def exposed_sign(radiograph: Radiograph) -> float:
    """1 where much radiation is stored as high values, -1 as low ones: as the pixels show, else the header."""
    end = radiograph.views.polarity.exposed_end or ("high" if radiograph.pixels.inverted else "low")
    return 1.0 if end == "high" else -1.0


def plateau_width(radiograph: Radiograph) -> float:
    """Width of a plateau as a share of the range of the values: more than nothing where they are coarse."""
    coarse = radiograph.lossy or (radiograph.acquisition.display.BitsStored or 16) <= 8
    return _COARSE if coarse else 0.0


def certainty(radiograph: Radiograph) -> float:
    """How much is believed of a plateau: lossy compression rings about it."""
    return 0.5 if radiograph.lossy else 1.0


def end_of(values: Picture) -> float:
    """The largest value, hot pixels left out."""
    place = -1 - int(_HOT_SHARE * values.size)
    return float(np.partition(values, place)[place])


def slack_of(top: float, low: float, tolerance: float) -> float:
    """How far below its end a plateau reaches, in values."""
    return max(tolerance * (top - low), 1e-6 * max(abs(top), abs(low)))


def plateau(values: Picture, tolerance: float) -> float | None:
    """Lowest value that belongs to a plateau at the top, or None when the values tail off.

    A plateau is a spike at the largest value: more pixels than in any of the levels just below. That holds
    whether the range ends at what BitsStored can hold or where the maker's look-up table ends.
    ``tolerance``: width of the spike as a share of the range, where the values are coarse.
    """
    top, low = end_of(values), float(values.min())
    if top <= low:
        return None
    slack = slack_of(top, low, tolerance)
    at_top = int((values >= top - slack).sum())
    if at_top < max(16, _LEAST_SHARE * values.size):
        return None
    width = max(tolerance, 1 / 1024) * (top - low)
    near = values[(values < top - slack) & (values >= top - slack - 8 * width)]
    if not near.size:
        return top - slack
    fullest = int(np.histogram(near, bins=8)[0].max())
    return top - slack if at_top >= _SPIKE * fullest else None


def _at_rim(clipped: Mask, exposed: Mask) -> bool:
    """Whether most of it hangs on the border of the field: then it may be air or a shutter that was not seen."""
    count, labels = cv2.connectedComponents(clipped.astype(np.uint8), connectivity=4)
    rim = exposed & ~cv2.erode(exposed.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=0).astype(bool)
    touching = np.bincount(labels[rim], minlength=count) > 0
    touching[0] = False
    return bool(touching[labels].sum() > 0.5 * clipped.sum())


def regions_of(clipped: Mask, radiograph: Radiograph) -> tuple[Region, ...]:
    """Boxes of the largest clipped areas, as shares of the whole picture."""
    views, (height, width) = radiograph.views, radiograph.pixels.values.shape
    count, _, stats, _ = cv2.connectedComponentsWithStats(clipped.astype(np.uint8))
    order = 1 + np.argsort(-stats[1:count, cv2.CC_STAT_AREA])[:_MOST_REGIONS]
    boxes = []
    for x, y, w, h, area in stats[order]:
        if area >= 9:
            left, top = views.columns.start + x * views.scale, views.rows.start + y * views.scale
            right, bottom = left + w * views.scale, top + h * views.scale
            boxes.append(Region(left / width, top / height, min(1.0, right / width), min(1.0, bottom / height)))
    return tuple(boxes)
