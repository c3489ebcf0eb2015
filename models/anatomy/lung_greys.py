"""Lungs burnt out: pixels of the lungs on the dark plateau of the film (PA13 of image-qc.md 6.1).

Where a film is too dark, lungs and open air run into one plateau, and air does so by right. The lungs' outlines
tell what of it was anatomy.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.anatomy.chest import Chest, Lungs, none_of, unreliable
from models.image.clipping import certainty, end_of, exposed_sign, plateau_width, regions_of, slack_of
from models.image.metric import Radiograph
from models.image.picture import Mask
from models.measurement import Measured, Measurement

_NAME = "lungs.burnt_out_percent"
NAMES = frozenset({_NAME})


def look(radiograph: Radiograph, chest: Chest) -> list[Measured]:
    """Share of both lungs' pixels that are as dark as the darkest of the field."""
    lungs, views = chest.lungs(), radiograph.views
    if lungs is None:
        return none_of(NAMES, unreliable("not both lungs are seen"))
    inside = _on_views(chest, lungs, views.small.shape) & views.exposed
    if not inside.any():
        return none_of(NAMES, unreliable("the lungs lie outside the field"))
    darkness = views.small * np.float32(exposed_sign(radiograph))
    end, other = end_of(darkness[views.exposed]), float(darkness[views.exposed].min())
    burnt = inside & (darkness >= end - slack_of(end, other, plateau_width(radiograph)))
    share = 100 * float(burnt.sum() / inside.sum())
    return [Measurement(_NAME, share, confidence=certainty(radiograph), regions=regions_of(burnt, radiograph))]


def _on_views(chest: Chest, lungs: Lungs, shape: tuple[int, ...]) -> Mask:
    """Both lungs on the small picture that the greys are taken from."""
    canvas = chest.structures.canvas
    either = np.maximum(lungs[0].probability, lungs[1].probability)[: canvas.height, : canvas.width]
    size = shape[1], shape[0]
    return np.asarray(cv2.resize(either, size, interpolation=cv2.INTER_LINEAR) >= 0.5)
