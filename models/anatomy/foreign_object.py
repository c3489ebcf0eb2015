"""Foreign objects over the lungs (PA09 of image-qc.md 6.1), as the network ``chest-foreign-object`` sees them.

Only what overlaps a lung counts. Objects elsewhere and medical devices are drawn for information.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import cv2
import numpy as np

from models.anatomy.chest import Chest, Lungs, none_of, unreliable
from models.anatomy.film import ChestsOf, with_chest
from models.anatomy.foreign_object_marks import Spot, maps_of, over, spots_of
from models.anatomy.marks import simplified
from models.anatomy.radiograph import canvas_of_radiograph
from models.image.metric import Radiograph
from models.image.picture import Mask, Picture
from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason, Region
from models.producer import Network
from models.reporting import Missing

BUNDLE = "chest-foreign-object"
SIDE = 384
"""Of the canvas that the network sees, in pixels."""
_PROBABILITY, _RATIO = "chest.foreign_object_probability", "chest.foreign_object_lung_ratio"
NAMES = frozenset({_PROBABILITY, _RATIO})
_SHOWN = 0.2
"""Marks of a smaller probability are not drawn."""
ABSENT, PRESENT = 0.05, 0.85
"""Up to the first there is no object, from the second on there is one; between them nobody is told either. Of the
objects in tuning films that are judged, 0.83 are found so, and one untouched film in six is not judged (card of
chest-foreign-object). From 0.1 on it would be 0.77: a silence would say less than the bar of 0.80."""
_CORE = 0.5
"""Cells of at least this share of a mark's peak are the object itself, for its area."""
_DEVICE = 0.7
"""Peak from which a device is drawn."""
_OUTER = (cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)


def measured(chests: ChestsOf, bundle: Callable[[], Network | None]) -> Callable[[Radiograph], Iterable[Measured]]:
    """The measure of a radiograph: where there is no chest or no network, why."""

    def of(radiograph: Radiograph, chest: Chest) -> Iterable[Measured]:
        network = bundle()
        if network is None:
            return none_of(NAMES, Missing(Reason.NO_MODEL, BUNDLE))
        lungs = chest.lungs()
        if lungs is None:
            return none_of(NAMES, unreliable("not both lungs are seen"))
        return _facts(radiograph, chest, lungs, network)

    return with_chest(chests, NAMES, of)


def told(probability: float) -> bool:
    """Whether it is said that there is an object, or that there is none."""
    return not ABSENT < probability < PRESENT


def _facts(radiograph: Radiograph, chest: Chest, lungs: Lungs, network: Network) -> Iterator[Measured]:
    canvas = canvas_of_radiograph(radiograph, SIDE)
    objects, devices = maps_of(lambda batch: network.run({"image": batch}), canvas.image[None])[0]
    left, right = (_on_map(lung.probability, objects.shape) for lung in lungs)
    either = left | right
    found = [spot for spot in spots_of(objects) if spot.peak >= _SHOWN]
    inside = [spot for spot in over(found, either, objects) if spot.peak >= _SHOWN]
    regions = tuple(_box(chest, spot) for spot in inside)
    marks = (
        *(_heat(chest, "foreign_object", spot) for spot in found),
        *(_heat(chest, "medical_device", spot) for spot in spots_of(devices) if spot.peak >= _DEVICE),
    )
    peak = float(objects[either].max())
    if told(peak):
        yield Measurement(_PROBABILITY, peak, regions=regions, marks=marks)
    else:
        yield NotMeasured(_PROBABILITY, Reason.TOO_CLOSE)
    area = np.any([spot.cells & (objects >= _CORE * spot.peak) for spot in inside] or [~either & either], axis=0)
    ratio = max(float((area & lung).sum() / lung.sum()) for lung in (left, right))
    yield Measurement(_RATIO, ratio, regions=regions)


def _on_map(probability: Picture, shape: tuple[int, ...]) -> Mask:
    """A lung on the network's map: both are squares around the same film."""
    return np.asarray(cv2.resize(probability, (shape[1], shape[0]), interpolation=cv2.INTER_AREA) >= 0.5)


def _heat(chest: Chest, name: str, spot: Spot) -> Mark:
    """The outline of a mark's cells."""
    edge = np.pad(spot.cells.astype(np.uint8), 1)
    outlines, _ = cv2.findContours(cv2.resize(edge, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST), *_OUTER)
    outline = max(outlines, key=cv2.contourArea)[:, 0, :].astype(np.float64)
    points = simplified((outline + 0.5) / 2 - 1)
    return Mark("heat", name, chest.on_picture(points * _cell(chest, spot)), weight=round(spot.peak, 3))


def _box(chest: Chest, spot: Spot) -> Region:
    rows, columns = (np.flatnonzero(spot.cells.any(axis=axis)) for axis in (1, 0))
    corners = np.array([(columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1)], np.float64)
    (left, top), (right, bottom) = chest.on_picture(corners * _cell(chest, spot))
    return Region(left, top, right, bottom)


def _cell(chest: Chest, spot: Spot) -> float:
    """Canvas pixels of the chest per cell of the map."""
    return float(chest.structures.canvas.side / len(spot.cells))
