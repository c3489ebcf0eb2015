"""A DICOM object's picture without the patient that may be burned into it.

BurnedInAnnotation is not believed when it says NO: it is missing or wrong on many devices. Where text may stand is
told by a taught screen or by the regions of an ultrasound frame. Without either, a picture leaves only when
nothing but side markers is found on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from capture.acquisition import Acquisition
from capture.arrival import Arrival
from capture.dicom.options import ReadOptions
from capture.dicom.pixels import rendered
from capture.dicom.reader import read
from capture.dicom.regions import ultrasound_regions
from capture.redaction.answer import Area, Bgr, Net, Redacted, Refused, Text
from capture.redaction.cover import cover
from capture.screen.redact import UNKNOWN_SCREEN, redact
from capture.screen.template import Template
from capture.text import Bilingual

_WHOLE = 16384
"""Pixels: the picture is not scaled down."""
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_PLAIN = frozenset({"CR", "DX", "MG", "CT", "MR", "XA", "RF", "PX", "IO", "RG", "NM", "PT"})
"""Modalities whose detector's picture holds no text of its own."""
_MOST_OF_A_MARKER = 3
"""Characters of a side or view marker: L, R, PA, LAT."""
_MOST_OF_A_REGION = 0.95
"""A region as large as the frame says nothing of where text stands."""


def redact_object(
    path: Path,
    arrival: Arrival,
    templates: Sequence[Template],
    known: Sequence[str],
    net: Net,
    options: ReadOptions = ReadOptions(),  # noqa: B008 - frozen
) -> Redacted | Refused:
    """The picture of the object's middle frame, 8 bits, at its own size.

    Raises:
        SetAside, OSError: as :func:`capture.dicom.reader.read`.
    """
    acquisition = read(path, arrival, options)
    shown = rendered(acquisition, _WHOLE)
    if shown is None:
        return NO_PICTURE
    bgr = np.asarray(cv2.cvtColor(shown, cv2.COLOR_GRAY2BGR) if shown.ndim == 2 else shown, np.uint8)
    known = (*known, *_known(acquisition))
    for template in templates:
        if (answer := redact(bgr, template, known, net)) != UNKNOWN_SCREEN:
            return answer
    if regions := _regions(path, bgr, options):
        return _inside(bgr, regions, known, net)
    return _unknown_layout(acquisition, bgr, known, net)


def _known(acquisition: Acquisition) -> Iterator[str]:
    who = acquisition.identity
    values = (who.PatientName, who.PatientID, who.PatientBirthDate, who.AccessionNumber, who.OperatorsName)
    yield from filter(None, (*values, acquisition.device.InstitutionName))


def _regions(path: Path, bgr: Bgr, options: ReadOptions) -> tuple[Area, ...]:
    """Those of the frame; () when there are none, or when they are the whole frame."""
    rows, columns = bgr.shape[:2]
    areas = tuple(
        Area(left, top, min(right + 1, columns), min(bottom + 1, rows))
        for left, top, right, bottom in ultrasound_regions(path, options)
        if left < columns and top < rows
    )
    shown = np.zeros((rows, columns), np.bool_)
    for area in areas:
        shown[area.top : area.bottom, area.left : area.right] = True
    return areas if shown.mean() < _MOST_OF_A_REGION else ()


def _inside(bgr: Bgr, regions: Sequence[Area], known: Sequence[str], net: Net) -> Redacted | Refused:
    """All but the regions black. The net sees the whole frame: half a line reads badly at a region's edge."""

    def in_a_region(seen: Bgr) -> list[Text]:
        return [text for text in net(seen) if any(text.area.meets(area) for area in regions)]

    answer = cover(bgr, (), (), known, in_a_region)
    if isinstance(answer, Refused):
        return answer
    cut = np.zeros_like(bgr)
    for area in regions:
        place = slice(area.top, area.bottom), slice(area.left, area.right)
        cut[place] = answer.bgr[place]
    return Redacted(cut, answer.covered)


def _unknown_layout(acquisition: Acquisition, bgr: Bgr, known: Sequence[str], net: Net) -> Redacted | Refused:
    exam = acquisition.exam
    captured = (exam.SOPClassUID or "").startswith(_SECONDARY_CAPTURE)
    plain = exam.Modality in _PLAIN and not captured and exam.BurnedInAnnotation != "YES"
    if not plain or any(len(text.text) > _MOST_OF_A_MARKER for text in net(bgr)):
        return BURNED_IN
    return cover(bgr, (), (), known, net)


NO_PICTURE = Refused(
    "redaction.no_picture",
    Bilingual("对象中没有可解码的图像", "There is no picture in it that can be decoded"),
    Bilingual("在阅片系统中查看该对象", "Look at it in a viewer"),
)
BURNED_IN = Refused(
    "redaction.unknown_layout",
    Bilingual("图像上可能有患者信息，而其位置未知", "The patient may be written on it, and nobody taught where"),
    Bilingual(
        "为该设备的画面示教一个模板，标出身份字段",
        "Teach a template of this device's picture with what identifies",
    ),
)
