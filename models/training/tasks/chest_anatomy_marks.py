"""Lungs outlined by hand on films that came without a mask.

``marks.csv`` beside the manifest: ``source,film,structure,points``; ``film`` is the file's name without ending,
``points`` are ``x,y`` pairs in percent of the picture's width and height. A hand's line is good to one or two
percent: the pixels beside it are not trusted, there a network goes by what it learnt from finer masks.

``chest_anatomy_marks.csv`` beside this file are the outlines that the shipped weights learnt from (who drew them:
see the card); copied into the folder as ``marks.csv`` they fit the films of NIH ChestX-ray14 and of Hannover.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from models.training.films import Bytes, Plate, read_picture
from models.training.manifest import Film
from models.training.tasks.chest_anatomy_samples import PLATE_PX

NAME = "marks.csv"
_UNSURE = 0.015
"""Half the width of the untrusted band, as a share of the picture's long side."""
_FINE = 4
"""Bits of a pixel's fraction that OpenCV draws with."""
Outlines = Mapping[str, str]


def marked_plates(file: Path, films: Sequence[Film]) -> list[Plate]:
    """The films that have outlines in the file; none where there is no file."""
    if not file.is_file():
        return []
    outlines: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    with file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            outlines[row["source"], row["film"]][row["structure"]] = row["points"]
    wanted = ((film, outlines.get((film.source, film.path.stem))) for film in films)
    return [_plate(film, marks) for film, marks in wanted if marks]


def _plate(film: Film, outlines: Outlines) -> Plate:
    values = read_picture(film.path, PLATE_PX)
    maps = {name: _filled(points, values.shape) for name, points in outlines.items()}
    band = np.full(values.shape, 255, np.uint8)
    width = 2 * round(_UNSURE * max(values.shape)) + 1
    for points in outlines.values():
        cv2.polylines(band, [_pixels(points, values.shape)], True, 0, width, cv2.LINE_8, _FINE)
    return Plate(values, maps, {}, band)


def _filled(points: str, shape: tuple[int, ...]) -> Bytes:
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [_pixels(points, shape)], 255, cv2.LINE_8, _FINE)
    return mask


def _pixels(points: str, shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    pairs = np.array([[float(number) for number in pair.split(",")] for pair in points.split()])
    return np.asarray(((pairs / 100 * shape[1::-1] - 0.5) * 2**_FINE).round(), np.int32)
