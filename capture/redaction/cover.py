"""Covering what identifies on a picture, and looking again until nothing is left to cover.

Three guards, one after the other: places that are known beforehand are black whatever they hold; a net finds text
elsewhere and covers all of it outside trusted places; then what can still be read must not say who the patient is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.redaction.answer import Area, Bgr, Net, Redacted, Refused, Text
from capture.redaction.known import forms, says
from capture.text import Bilingual

_LOOKS = 4
"""Times the net is asked. Covering text can lay bare its neighbour, so once is not enough."""
_SLACK = 3
"""Pixels that a found box may reach over a trusted one: finders draw their boxes a little large."""
_LEAST_BORDER = 4
_READABLE = 0.5
"""Mean probability of the characters: text has 0.74 and more, most of what is none less (shared consoles)."""
_SMALLEST = 8
"""Pixels of a found box, its border included: its letters would have five."""
_HIGHEST = 0.5
"""Of the picture's rows: nothing higher is a line."""
_WORD = 3
"""Characters."""
_COARSE = 8
"""Times that a picture is reduced to fill hidden places."""
_BORDER = 0.25
"""Of the height of a line, around it: accents, descenders, and the blur of scaling."""


def cover(
    bgr: Bgr, taught: Sequence[Area], trusted: Sequence[Area], known: Iterable[str], net: Net
) -> Redacted | Refused:
    """A copy without identity, or why there is none.

    Args:
        bgr: The picture; it is not changed.
        taught: Always covered.
        trusted: Text may stay where its line lies within one of these.
        known: Names, numbers and dates of the patient.
        net: Finds and reads text.
    """
    wanted = forms(known)
    rows, columns = bgr.shape[:2]
    hidden = np.zeros((rows, columns), np.uint8)
    covered = [_hide(hidden, area) for area in taught]
    for look in range(_LOOKS):
        found = [text for text in net(_smoothed(bgr, hidden)) if _counts(text, rows, first=look == 0)]
        stays, goes = _sorted_out(found, trusted)
        if not goes:
            told = any(says(line, wanted) for line in _lines(stays))
            return LEFT_KNOWN if told else Redacted(_blackened(bgr, hidden), tuple(covered))
        for text in goes:
            height = text.area.bottom - text.area.top
            covered.append(_hide(hidden, text.area.grown(max(_LEAST_BORDER, round(_BORDER * height)))))
    return LEFT_TEXT


def _counts(text: Text, rows: int, *, first: bool) -> bool:
    """Whether a found line is taken for text: at the first look nearly all, later what can be read.

    Where no text is left, a finder sees some in speckle and vessels; what nobody can read there tells nothing.
    """
    height = text.area.bottom - text.area.top
    a_line = height <= _HIGHEST * rows or len(text.text) >= _WORD
    if first:
        return a_line or text.sure >= _READABLE
    return a_line and text.sure >= _READABLE and min(height, text.area.right - text.area.left) >= _SMALLEST


def _sorted_out(texts: Sequence[Text], trusted: Sequence[Area]) -> tuple[list[Text], list[Text]]:
    """(may stay, must go)."""
    stays: list[Text] = []
    goes: list[Text] = []
    for text in texts:
        (stays if any(text.area.within(place, _SLACK) for place in trusted) else goes).append(text)
    return stays, goes


def _lines(texts: Sequence[Text]) -> Iterator[str]:
    """Every text, and those beside each other as one: a finder cuts a number with a gap in two."""
    for text in texts:
        yield text.text
    rest = sorted(texts, key=lambda one: one.area.left)
    while rest:
        first = rest[0]
        middle = (first.area.top + first.area.bottom) // 2
        row = [one for one in rest if one.area.top <= middle < one.area.bottom]
        rest = [one for one in rest if one not in row]
        if len(row) > 1:
            yield " ".join(one.text for one in row)


def _hide(hidden: NDArray[np.uint8], area: Area) -> Area:
    rows, columns = hidden.shape
    inside = Area(max(area.left, 0), max(area.top, 0), min(area.right, columns), min(area.bottom, rows))
    if inside.left < inside.right and inside.top < inside.bottom:
        hidden[inside.top : inside.bottom, inside.left : inside.right] = 1
    return inside


def _smoothed(bgr: Bgr, hidden: NDArray[np.uint8]) -> Bgr:
    """What the net is shown: hidden places as a continuation of what lies around them.

    A net takes black bars for lines of text, covers more around them, and ends with the whole picture.
    """
    rows, columns = hidden.shape
    size = max(columns // _COARSE, 1), max(rows // _COARSE, 1)
    small = cv2.resize(bgr, size, interpolation=cv2.INTER_AREA)
    gone = cv2.dilate(cv2.resize(hidden * 255, size, interpolation=cv2.INTER_AREA), np.ones((3, 3), np.uint8))
    filled = cv2.resize(cv2.inpaint(small, gone, 3, cv2.INPAINT_TELEA), (columns, rows))
    return np.asarray(np.where(hidden[:, :, None] != 0, filled, bgr), np.uint8)


def _blackened(bgr: Bgr, hidden: NDArray[np.uint8]) -> Bgr:
    return np.asarray(bgr * (1 - hidden)[:, :, None], np.uint8)


_LOOK = Bilingual("请人工处理，不要外发", "Handle it by hand; do not send it out")
LEFT_TEXT = Refused(
    "redaction.text_left", Bilingual("遮盖之后仍能找到文字", "Text is still found after covering"), _LOOK
)
LEFT_KNOWN = Refused(
    "redaction.known_left",
    Bilingual("保留的文字中能认出患者身份", "What would stay says who the patient is"),
    Bilingual("在模板中将该字段标为身份信息", "Mark that field as identifying in the template"),
)
