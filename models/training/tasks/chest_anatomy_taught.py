"""Self-training: what a network says about films without masks, where it agrees with itself, teaches the next.

Each film is seen several ways (mirrored, zoomed, processed otherwise). The mean of what is seen is the soft truth
of a structure, if the views agree on it and its shape can be; else that structure stays unknown on that film.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.anatomy.canvas import canvas_of
from models.anatomy.structures import ORGANS, SIDE
from models.training.films import Bytes, Plate, read_picture, warped
from models.training.manifest import Film
from models.training.task import Run
from models.training.tasks.chest_anatomy_samples import PLATE_PX
from models.training.tasks.chest_anatomy_truth import by_name
from models.training.tasks.chest_anatomy_variety import mirrored, processed

Maps = NDArray[np.float32]
FOLDER = "taught"

AGREE = {"lung": 0.93, "heart": 0.85, "clavicle": 0.70, "scapula": 0.75, "spine": 0.80}
"""Least mean Dice of the single views with their mean (E; chosen by looking at films of the training part)."""
_LEAST_AREA = {"lung": 0.025, "heart": 0.015, "clavicle": 0.001, "scapula": 0.003, "spine": 0.008}
"""Of the film."""
_ONE_PIECE = 0.9
_LUNG_RATIO = (0.45, 2.2)
_ZOOMS = ((1.0, False), (1.0, True), (0.85, False), (0.92, True))


def teach(run: Run, films: Sequence[Film], folder: Path, names: Sequence[str] = ORGANS) -> Mapping[str, int]:
    """Write what the network says about the films where it can be believed; how often each structure was.

    ``names``: the structures that the network has learnt. :func:`taught_plates` reads what is written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    believed = dict.fromkeys(names, 0)
    for film in films:
        values = read_picture(film.path, PLATE_PX)
        maps = {name: m for name, m in believable(seen_ways(run, values)).items() if name in believed}
        np.savez_compressed(_file(folder, film), **maps)  # type: ignore[arg-type]  # numpy has allow_pickle there
        for name in maps:
            believed[name] += 1
    return believed


def taught_plates(folder: Path, films: Sequence[Film]) -> list[Plate]:
    """The films that were taught, with the structures believed on them."""
    plates = []
    for film in films:
        file = _file(folder, film)
        if file.is_file():
            with np.load(file) as stored:
                maps: dict[str, Bytes] = {name: stored[name] for name in stored.files}
            if maps:
                plates.append(Plate(read_picture(film.path, PLATE_PX), maps))
    return plates


def _file(folder: Path, film: Film) -> Path:
    return folder / f"{film.source}-{film.path.stem}.npz"


def seen_ways(run: Run, values: NDArray[np.float32]) -> dict[str, Maps]:
    """Every channel of one picture as each view shows it, (views, rows, columns) of the picture."""
    rng = np.random.default_rng(0)
    found: list[Mapping[str, Maps]] = []
    for zoom, flip in _ZOOMS:
        found.append(_seen(run, Plate(values), zoom, flip))
    found.append(_seen(run, Plate(processed(values, rng)), 1.0, False))
    return {name: np.stack([view[name] for view in found]) for name in found[0]}


def _seen(run: Run, plate: Plate, zoom: float, flip: bool) -> Mapping[str, Maps]:
    columns, rows = plate.size
    if flip:
        plate = mirrored(plate)
    middle = np.asarray([columns, rows]) * (1 - zoom) / 2
    matrix = np.asarray([[zoom, 0, middle[0]], [0, zoom, middle[1]]], np.float32)
    canvas = canvas_of(warped(plate, matrix, (columns, rows), outside=0.0).values, SIDE)
    outputs = run(canvas.image[None, None])
    back = np.asarray([[zoom, 0, middle[0]], [0, zoom, middle[1]]]) / canvas.scale
    back[:, 2] += back[:, :2] @ np.full(2, 0.5) - 0.5
    whole = by_name(outputs["structures"][0], outputs["points"][0])
    maps = {
        name: np.asarray(
            cv2.warpAffine(m, back, (columns, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP), np.float32
        )
        for name, m in whole.items()
    }
    return mirrored_maps(maps) if flip else maps


def mirrored_maps(maps: Mapping[str, Maps]) -> dict[str, Maps]:
    """Maps of a mirrored film as those of the film."""
    blank = np.zeros(next(iter(maps.values())).shape, np.float32)
    # Plate.maps are bytes by contract, but mirroring does not look at the values.
    return dict(mirrored(Plate(blank, maps)).maps)  # type: ignore[arg-type]


def believable(ways: Mapping[str, Maps]) -> dict[str, Bytes]:
    """The structures on which the views agree and that have a shape, as soft masks 0..255."""
    found = {}
    for name in ORGANS:
        kind = name.split("_")[0]
        mean = ways[name].mean(0)
        if _agreement(ways[name], mean) >= AGREE[kind] and _in_one_piece(mean > 0.5, _LEAST_AREA[kind]):
            found[name] = np.asarray((np.clip(2 * mean - 0.5, 0, 1) * 255).round(), np.uint8)
    lungs = [found.get(name) for name in ORGANS[:2]]
    if not _pair(lungs):
        return {}
    return found


def _agreement(views: Maps, mean: Maps) -> float:
    common = mean > 0.5
    total = [2 * (common & (view > 0.5)).sum() / max(1, common.sum() + (view > 0.5).sum()) for view in views]
    return float(np.mean(total))


def _in_one_piece(mask: NDArray[np.bool_], least: float) -> bool:
    if mask.mean() < least:
        return False
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    return bool(stats[1:, cv2.CC_STAT_AREA].max() >= _ONE_PIECE * mask.sum())


def _pair(lungs: Sequence[Bytes | None]) -> bool:
    """Two lungs side by side, neither much smaller than the other; a film without them teaches nothing."""
    left, right = lungs
    if left is None or right is None:
        return False
    areas = [float((lung > 127).sum()) for lung in (left, right)]
    centres = [float(np.nonzero(lung > 127)[1].mean()) for lung in (left, right)]
    return centres[0] < centres[1] and _LUNG_RATIO[0] < areas[0] / areas[1] < _LUNG_RATIO[1]
