"""Where the picture lies on an ultrasound frame: the calibrated regions it declares (PS3.3 C.8.5.5)."""

from __future__ import annotations

from pathlib import Path

from capture.dicom.fields import Header
from capture.dicom.options import ReadOptions
from capture.dicom.part10 import open_object
from capture.dicom.places import charset_of

_EDGES = ("RegionLocationMinX0", "RegionLocationMinY0", "RegionLocationMaxX1", "RegionLocationMaxY1")


def ultrasound_regions(path: Path, options: ReadOptions = ReadOptions()) -> tuple[tuple[int, int, int, int], ...]:  # noqa: B008 - frozen
    """(left, top, right, bottom) in pixels of each region that makes sense, ``right`` and ``bottom`` included.

    Raises:
        SetAside, OSError: as :func:`capture.dicom.reader.read`.
    """
    top = open_object(path, options.max_inflated, options.max_elements).data_set
    texts = charset_of(top, options.default_charset)
    found = []
    for item in Header((top,), texts).sequence("SequenceOfUltrasoundRegions"):
        header = Header((item,), texts)
        left, above, right, below = (header.integer(keyword) for keyword in _EDGES)
        if left is None or above is None or right is None or below is None:
            continue
        if 0 <= left < right and 0 <= above < below:
            found.append((left, above, right, below))
    return tuple(found)
