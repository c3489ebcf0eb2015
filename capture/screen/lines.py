"""Lines of text of two exams side by side: which stayed, which changed, and how much room a changing one has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.labels import meaning
from capture.screen.ocr.engine import Bgr
from capture.screen.template import Box
from capture.screen.tokens import plain

_SAME = 40
"""Grey levels by which blurred pixels of an unchanged text may differ."""
_PLAIN = 14
"""Grey levels by which the pixels of free room beside a text differ."""
_LEAST_SHARE = 0.3
_FRAME = 0.8
"""Share of a row or column that differs from the background where it is a frame."""
_EDGE = 4
"""Pixels by which the ends of a text that did not move may differ."""
_GAP, _SPACE = 0.8, 0.3
"""Heights of a line between a label and its value, and between two words."""
_WORDS = 1.5
"""The same between the first word of a value and the rest, where both were found as lines."""
_FAR = 14
"""Heights of a line between the label and the value of a row."""
_WIDEST = 2.0
"""Room is given for a value twice as wide as those seen, and some more."""


@dataclass(frozen=True, slots=True, repr=False)
class Line:
    """A line of text of one picture. ``repr`` shows no text."""

    box: Box
    text: str


_Group = tuple[list[Line], list[Line]]
"""Lines of exam A and of exam B at one place."""


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Pair:
    """The same place in both exams; an empty text where one has none."""

    box: Box
    """Of both."""
    text_a: str
    text_b: str
    changed: bool
    left: int
    """Pixels by which the left edges of the two texts differ."""
    right: int
    head: int
    """Columns of the box, from its left edge, that show the same in both: the literal before a value."""

    @property
    def text(self) -> str:
        """Of exam A, or of B where A has none."""
        return self.text_a or self.text_b

    @property
    def texts(self) -> tuple[str, ...]:
        """Those there are."""
        return tuple(one for one in (self.text_a, self.text_b) if one)


def paired(a: Sequence[Line], b: Sequence[Line], bgr_a: Bgr, bgr_b: Bgr) -> list[Pair]:
    """In reading order. The best overlaps first: rows may have moved a little between the exams.

    The detector may cut a line into parts in one of them: parts of one place stand beside each other, never above.
    """
    groups: list[_Group] = [([line], []) for line in a] + [([], [line]) for line in b]
    meeting = [(share, i, len(a) + j) for i, x in enumerate(a) for j, y in enumerate(b) if (share := _share(x, y))]
    at = list(range(len(groups)))
    for _, i, j in sorted(meeting, reverse=True):
        one, other = groups[at[i]], groups[at[j]]
        if one is not other and _beside(one[0], other[0]) and _beside(one[1], other[1]):
            groups[at[i]] = (one[0] + other[0], one[1] + other[1])
            gone, kept = at[j], at[i]
            at = [kept if place == gone else place for place in at]
    whole = [_pair(*groups[place], bgr_a, bgr_b) for place in dict.fromkeys(at)]
    pairs = [part for pair in whole for part in _parted(pair, _left_of(pair, whole), bgr_a)]
    return sorted(_with_heads(pairs), key=lambda pair: (pair.box.y, pair.box.x))


def room(pair: Pair, pairs: Sequence[Pair], bgr_a: Bgr, bgr_b: Bgr) -> Box:
    """The box of a field: its texts and the free room beside them, up to the next text or line.

    A text that kept its left edge grows to the right, one that kept its right edge to the left.
    """
    box = pair.box
    others = [one.box for one in pairs if one is not pair and _share_rows(one.box, box)]
    reach = round(box.w * (_WIDEST - 1)) + 2 * box.h
    least = max((one.x + one.w for one in others if one.x < box.x), default=0)
    most = min((one.x for one in others if one.x > box.x), default=bgr_a.shape[1])
    to_left = reach if pair.right + _EDGE < pair.left else 0
    to_right = 0 if to_left else reach
    left = _free(bgr_a, bgr_b, box, range(box.x - 1, max(box.x - to_left, least) - 1, -1), box.x)
    end = box.x + box.w
    right = _free(bgr_a, bgr_b, box, range(end, min(end + to_right, most)), end - 1) + 1
    return _inside(bgr_a, bgr_b, Box(x=left, y=box.y, w=right - left, h=box.h))


def level(one: Box, other: Box) -> bool:
    """On the same row: half of the lower one overlaps."""
    return min(one.y + one.h, other.y + other.h) - max(one.y, other.y) > min(one.h, other.h) / 2


def _inside(a: Bgr, b: Bgr, box: Box) -> Box:
    """Without the upper and lower frame of an input field and what lies beyond: a found line may reach over it."""
    crops = [bgr[box.rows, box.columns].astype(np.int16) for bgr in (a, b)]
    away = [np.abs(crop - np.median(crop, axis=(0, 1))).max(2) > _PLAIN for crop in crops]
    if max(float(one.mean()) for one in away) > 0.5:
        return box  # no plain background: a text on the image
    top, bottom = _within_frame(np.min([one.mean(1) for one in away], axis=0) > _FRAME)
    return box.model_copy(update={"y": box.y + top, "h": bottom - top})


def _within_frame(full: NDArray[np.bool_]) -> tuple[int, int]:
    """From behind the last full line in the first third to before the first one in the last third."""
    third = len(full) // 3
    before, behind = np.flatnonzero(full[:third]), np.flatnonzero(full[-third:]) if third else np.array([], int)
    return (
        int(before[-1]) + 1 if len(before) else 0,
        len(full) - third + int(behind[0]) if len(behind) else len(full),
    )


def _pair(a: list[Line], b: list[Line], bgr_a: Bgr, bgr_b: Bgr) -> Pair:
    box = _around([line.box for line in [*a, *b]])
    text_a, text_b = _joined(a), _joined(b)
    same = plain(text_a) == plain(text_b) or _looks_same(
        bgr_a[box.rows, box.columns], bgr_b[box.rows, box.columns]
    )
    ends_a, ends_b = _ends(a), _ends(b)
    left, right = abs(ends_a[0] - ends_b[0]), abs(ends_a[1] - ends_b[1])
    return Pair(box, text_a, text_b, not same, left, right, _head(box, bgr_a, bgr_b))


def _head(box: Box, a: Bgr, b: Bgr) -> int:
    differs = cv2.absdiff(a[box.rows, box.columns], b[box.rows, box.columns]).max(axis=(0, 2)) >= _SAME
    return int(np.argmax(differs)) if differs.any() else box.w


def _parted(pair: Pair, left: Pair | None, bgr: Bgr) -> list[Pair]:
    """A label that was found in one line with its value, as two: where a wide gap follows what stayed the same.

    Before words a known label needs no wide gap ("MI 1.3" is one text). What has a label to its left
    ("View: CHEST  PA") begins with its value.
    """
    if not pair.changed:
        return [pair]
    known = _known_label(pair) if not any(map(str.isdigit, pair.text_a + pair.text_b)) else None
    if known is None and left is not None and not left.changed:
        return [pair]
    label = known or _common(plain(pair.text_a), plain(pair.text_b))
    gaps = _gaps(bgr[pair.box.rows, pair.box.columns][:, : pair.head], pair.box.h * (_SPACE if known else _GAP))
    if known:
        ends = pair.box.w * len(known) / max(len(plain(pair.text)), 1)
        gaps = sorted(gaps, key=lambda gap: -abs(gap[0] - ends))
    if not gaps or not label or any(one.isdigit() for one in label):
        return [pair]
    end, start = gaps[-1]
    head = pair.box.model_copy(update={"w": end})
    rest = pair.box.model_copy(update={"x": pair.box.x + start, "w": pair.box.w - start})
    text_a, text_b = (plain(text).removeprefix(label) for text in (pair.text_a, pair.text_b))
    return [
        Pair(head, label, label, False, 0, 0, end),
        Pair(rest, text_a, text_b, True, 0, pair.right, pair.head - start),
    ]


def _common(a: str, b: str) -> str:
    """What both begin with."""
    same = next((k for k, (one, other) in enumerate(zip(a, b, strict=False)) if one != other), min(len(a), len(b)))
    return a[:same]


def _left_of(pair: Pair, pairs: Sequence[Pair]) -> Pair | None:
    """The nearest text to the left on the same row, if it is not far away."""
    row = [one for one in pairs if one is not pair and level(one.box, pair.box)]
    ends = [(one.box.x + one.box.w, one) for one in row]
    near = [(end, one) for end, one in ends if -pair.box.h / 2 <= pair.box.x - end <= _FAR * pair.box.h]
    return max(near, key=lambda found: found[0])[1] if near else None


def _known_label(pair: Pair) -> str | None:
    """The words both texts begin with, as far as they are a label that is known; without spaces."""
    both = zip(pair.text_a.split(), pair.text_b.split(), strict=False)
    same = [one for one, _ in takewhile(lambda words: words[0] == words[1], both)]
    heads = (plain("".join(same[:count])) for count in range(len(same), 0, -1))
    return next((head for head in heads if meaning(head) is not None), None)


def _gaps(head: Bgr, wide: float) -> list[tuple[int, int]]:
    """Where ink of ``head`` ends and the free columns behind it end, from left to right, if they are wide."""
    ground = np.median(head, axis=(0, 1)) if head.size else np.zeros(3)
    ink = np.flatnonzero(np.abs(head.astype(np.int16) - ground).max(axis=(0, 2)) > _SAME)
    free = np.diff(ink, append=head.shape[1])
    return [(int(ink[k]) + 2, int(ink[k] + free[k]) - 2) for k in np.flatnonzero(free > max(wide, 4))]


def _with_heads(pairs: list[Pair]) -> list[Pair]:
    """A value whose first word is the same in both and was found as a line of its own, as one again.

    Such a word stands a space or two before the rest, is no known label, and has one to its left.
    """
    made = list(pairs)
    for pair in pairs:
        word = _left_of(pair, pairs) if pair.changed else None
        label = _left_of(word, pairs) if word is not None else None
        if word is None or label is None or word.changed or label.changed or word not in made:
            continue
        apart = pair.box.x - word.box.x - word.box.w
        if apart < _WORDS * pair.box.h and meaning(word.text) is None and meaning(label.text) is not None:
            made = [one for one in made if one is not pair and one is not word]
            text_a, text_b = (f"{word.text} {text}" if text else "" for text in (pair.text_a, pair.text_b))
            head = pair.box.x - word.box.x + pair.head
            made.append(Pair(_around([word.box, pair.box]), text_a, text_b, True, 0, pair.right, head))
    return made


def _ends(lines: list[Line]) -> tuple[int, int]:
    if not lines:
        return 0, 0
    box = _around([line.box for line in lines])
    return box.x, box.x + box.w


def _joined(lines: list[Line]) -> str:
    return " ".join(line.text for line in sorted(lines, key=lambda line: line.box.x))


def _around(boxes: Sequence[Box]) -> Box:
    x, y = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.w for box in boxes), max(box.y + box.h for box in boxes)
    return Box(x=x, y=y, w=right - x, h=bottom - y)


def _share(one: Line, other: Line) -> float:
    """How much of the higher of two lines overlaps; 0 when it is too little for one place."""
    a, b = one.box, other.box
    wide = min(a.x + a.w, b.x + b.w) - max(a.x, b.x)
    high = (min(a.y + a.h, b.y + b.h) - max(a.y, b.y)) / max(a.h, b.h)
    return high if high > _LEAST_SHARE and wide * 3 > min(a.w, b.w) else 0.0


def _beside(some: Sequence[Line], others: Sequence[Line]) -> bool:
    return all(
        x.box.x + x.box.w <= y.box.x + x.box.h // 2 or y.box.x + y.box.w <= x.box.x + x.box.h // 2
        for x in some
        for y in others
    )


def _share_rows(one: Box, other: Box) -> bool:
    return min(one.y + one.h, other.y + other.h) - max(one.y, other.y) > min(one.h, other.h) / 4


def _looks_same(a: Bgr, b: Bgr) -> bool:
    return float(cv2.blur(cv2.absdiff(a, b), (3, 3)).max()) < _SAME


def _free(a: Bgr, b: Bgr, box: Box, columns: range, reached: int) -> int:
    """The last of ``columns`` up to which nothing but the text's own background lies in both pictures."""
    grounds = [np.median(bgr[box.rows, box.columns], axis=(0, 1)) for bgr in (a, b)]
    for column in columns:
        strips = [bgr[box.rows, column].astype(np.int16) for bgr in (a, b)]
        if any(np.abs(strip - ground).max() > _PLAIN for strip, ground in zip(strips, grounds, strict=True)):
            return reached
        reached = column
    return reached
