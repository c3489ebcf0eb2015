"""Covering what identifies on a picture, and looking again until nothing is left to cover.

Three guards, one after the other: places that are known beforehand are black whatever they hold; a net finds text
elsewhere and covers all of it outside trusted places; then what can still be read must not say who the patient is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from capture.redaction.answer import Area, Bgr, Net, Redacted, Refused, Text
from capture.redaction.known import forms, says
from capture.text import Bilingual

_LOOKS = 4
"""Times the net is asked. Covering text can lay bare its neighbour, so once is not enough."""
_SLACK = 3
"""Pixels that a found box may reach over a trusted one: finders draw their boxes a little large."""
_LEAST_BORDER = 4
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
    work, covered = bgr.copy(), []
    for area in taught:
        covered.append(_blacken(work, area))
    for _ in range(_LOOKS):
        texts = net(work)
        stays, goes = _sorted_out(texts, trusted)
        if not goes:
            told = any(says(line, wanted) for line in _lines(stays))
            return LEFT_KNOWN if told else Redacted(work, tuple(covered))
        for text in goes:
            height = text.area.bottom - text.area.top
            covered.append(_blacken(work, text.area.grown(max(_LEAST_BORDER, round(_BORDER * height)))))
    return LEFT_TEXT


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


def _blacken(work: Bgr, area: Area) -> Area:
    rows, columns = work.shape[:2]
    inside = Area(max(area.left, 0), max(area.top, 0), min(area.right, columns), min(area.bottom, rows))
    if inside.left < inside.right and inside.top < inside.bottom:
        work[inside.top : inside.bottom, inside.left : inside.right] = np.uint8(0)
    return inside


_LOOK = Bilingual("请人工处理,不要外发", "Handle it by hand; do not send it out")
LEFT_TEXT = Refused(
    "redaction.text_left", Bilingual("遮盖之后仍能找到文字", "Text is still found after covering"), _LOOK
)
LEFT_KNOWN = Refused(
    "redaction.known_left",
    Bilingual("保留的文字中能认出患者身份", "What would stay says who the patient is"),
    Bilingual("在模板中将该字段标为身份信息", "Mark that field as identifying in the template"),
)
