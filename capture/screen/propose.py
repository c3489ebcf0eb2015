"""Two exams of the same console to a proposal: texts that differ are fields, equal ones labels and anchors.

Measured (``python -m tests.benchmarks.screen_reading``): every changing text of the shared consoles proposed, nine
labels in ten right. The engineer corrects instead of drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from capture.screen import units
from capture.screen.frame import Picture
from capture.screen.imagebox import image_box, moving_box
from capture.screen.labels import FREEZE, Meaning, meaning
from capture.screen.landmarks import landmarks
from capture.screen.lines import Line, Pair, level, paired, room
from capture.screen.ocr.engine import Bgr, Engines
from capture.screen.template import Anchor, Box, EventMode, FieldKind
from capture.screen.tokens import Number, plain, runs, tokens

_FAR = 14
"""A label stands at most this many heights of its value to the left of it."""
_UNIT_FAR = 5
_NEAR_ROWS = 8
_SERIES = frozenset({"InstanceNumber", "SliceThickness", "SpiralPitchFactor", "CTDIvol", "RepetitionTime"})


@dataclass(frozen=True, slots=True, repr=False)
class ProposedField:
    """A text that changed. ``repr`` shows no text."""

    box: Box
    """Room for longer values included."""
    label: str
    keyword: str
    """DICOM keyword suggested by the label; "" when none is known."""
    kind: FieldKind
    unit: str
    identifying: bool
    text_a: str
    text_b: str
    low: float | None = None
    """What is physically sensible, in the screen's unit."""
    high: float | None = None

    def __repr__(self) -> str:
        return f"ProposedField({self.keyword or '?'}, {self.kind})"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the engineer corrects instead of drawing."""

    fields: tuple[ProposedField, ...]
    anchors: tuple[Anchor, ...]
    image: Box
    event_mode: EventMode


def propose(a: Picture, b: Picture, engines: Engines) -> Proposal:
    """From exam A and exam B of one console, at the same resolution.

    Raises:
        ValueError: the pictures have different sizes.
    """
    if a.bgr.shape != b.bgr.shape:
        raise ValueError("exam A and exam B differ in size")
    lines_a, lines_b = _lines(a.bgr, engines), _lines(b.bgr, engines)
    image = image_box(a.bgr, b.bgr, [one.box for one in (*lines_a, *lines_b)])
    pairs = paired(lines_a, lines_b, a.bgr, b.bgr)
    still = [pair for pair in pairs if not pair.changed]
    values = [pair for pair in pairs if _is_value(pair, image, still)]
    found = [_field(pair, still, pairs, a, b) for pair in values]
    fields = _named([*found, *_beside_labels(still, found, image)])
    anchors = landmarks(_constant(values, still), [one.box for one in fields], image, a.bgr)
    return Proposal(fields, anchors, image, _event_mode(fields, pairs))


def moving_image(frames: Sequence[Picture]) -> Box | None:
    """The image box from live frames of a moving picture (ultrasound), or None when nothing moves."""
    return moving_box([frame.bgr for frame in frames])


def _lines(bgr: Bgr, engines: Engines) -> list[Line]:
    boxes = [found.box for found in engines.finder.find(bgr)]
    texts = engines.first.read([bgr[box.rows, box.columns] for box in boxes], [""] * len(boxes))
    return [Line(box, one.text) for box, one in zip(boxes, texts, strict=True) if one.text]


def _is_value(pair: Pair, image: Box, still: Sequence[Pair]) -> bool:
    """A text that changed; or one beside a known label that happens to be the same in both exams."""
    if pair.changed:
        return True
    if meaning(pair.text) is not None or units.known(pair.text) or _within(pair.box, image):
        return False
    label = _label_of(pair, still)
    return label is not None and meaning(label.text) is not None


def _field(pair: Pair, still: Sequence[Pair], pairs: Sequence[Pair], a: Picture, b: Picture) -> ProposedField:
    beside = _label_of(pair, [one for one in still if one is not pair])
    label = beside.text if beside else _word_before(pair)
    found = meaning(label)
    texts = [text for text in (pair.text_a, pair.text_b) if text]
    kind = _kind(found, texts)
    unit = _unit(pair, still)
    low, high = _range(found, unit)
    box = room(pair, pairs, a.bgr, b.bgr)
    if beside and len(texts) < 2:  # rows may have moved, as the label has: a dash is easily not found
        top, bottom = min(box.y, beside.box.y), max(box.y + box.h, beside.box.y + beside.box.h)
        box = box.model_copy(update={"y": top, "h": bottom - top})
    return ProposedField(
        box=box,
        label=label,
        keyword=found.keyword if found else "",
        kind=kind,
        unit=unit,
        identifying=found.identifying if found else kind not in ("number", "choice"),
        text_a=pair.text_a,
        text_b=pair.text_b,
        low=low,
        high=high,
    )


def _beside_labels(still: Sequence[Pair], found: Sequence[ProposedField], image: Box) -> list[ProposedField]:
    """Fields for labels that are known but have no value beside them, in the column of the values around them.

    A dash or a single letter is easily not found; an empty field has nothing to find.
    """
    made = []
    for label in still:
        means = meaning(label.text)
        row = [one for one in found if level(one.box, label.box) and one.box.x > label.box.x]
        end = label.box.x + label.box.w
        column = [one.box for one in found if one.label and 0 <= one.box.x - end <= _FAR * label.box.h]
        column = [box for box in column if abs(box.y - label.box.y) < _NEAR_ROWS * label.box.h]
        if means is None or row or len(column) < 2 or _within(label.box, image):
            continue
        x, right = min(box.x for box in column), max(box.x + box.w for box in column)
        box = Box(x=x, y=label.box.y, w=right - x, h=label.box.h)
        low, high = _range(means, "")
        made.append(
            ProposedField(box, label.text, means.keyword, means.kind, "", means.identifying, "", "", low, high)
        )
    return made


def _range(found: Meaning | None, unit: str) -> tuple[float | None, float | None]:
    factor = units.convert(found.keyword, 1.0, unit) if found else None
    if found is None or factor is None:
        return None, None
    low, high = (None if one is None else one / factor for one in (found.low, found.high))
    return low, high


def _label_of(pair: Pair, still: Sequence[Pair]) -> Pair | None:
    """The constant text to the left on the same row."""
    far = _FAR * pair.box.h
    beside = [one for one in still if one is not pair and level(one.box, pair.box)]
    left = [one for one in beside if -pair.box.h < pair.box.x - (one.box.x + one.box.w) <= far]
    nearest = max(left, key=lambda one: one.box.x + one.box.w, default=None)
    return nearest if nearest and not _is_number(nearest.text) else None


def _unit(pair: Pair, still: Sequence[Pair]) -> str:
    """The unit to the right, or behind the number in the text itself."""
    for text in (pair.text_a, pair.text_b):
        row = tokens(text)
        if len(row) > 1 and isinstance(row[-1], str) and isinstance(row[-2], Number) and units.known(row[-1]):
            return row[-1]
    end = pair.box.x + pair.box.w
    beside = [one for one in still if level(one.box, pair.box) and units.known(one.text)]
    right = [one for one in beside if -pair.box.h < one.box.x - end <= max(_UNIT_FAR * pair.box.h, 120)]
    return min(right, key=lambda one: one.box.x).text if right else ""


def _word_before(pair: Pair) -> str:
    """The word both texts begin with: "MI 1.3" and "MI 0.9"."""
    heads = {row[0] if (row := tokens(text)) and isinstance(row[0], str) else "" for text in pair.texts}
    return heads.pop() if len(heads) == 1 else ""


def _kind(found: Meaning | None, texts: Sequence[str]) -> FieldKind:
    guessed = _guess(texts)
    if found is None or (found.kind == "number" and guessed in ("date", "time")):
        return guessed
    return found.kind


def _guess(texts: Sequence[str]) -> FieldKind:
    said = [plain(text) for text in texts]
    if all(_looks_like_date(one) for one in said):
        return "date"
    if all(":" in one and len(runs(one)[0]) in (2, 3) and max(runs(one)[0]) <= 2 for one in said):
        return "time"
    if all(len(one) == 1 or one in FREEZE for one in said):
        return "choice"
    rows = [tokens(one) for one in said]
    numbers = [sum(isinstance(one, Number) for one in row) for row in rows]
    words = {tuple(one for one in row if isinstance(one, str)) for row in rows}
    if all(count == 1 for count in numbers) and len(words) == 1:
        return "number"
    if all(sum(map(str.isdigit, one)) >= 4 for one in said):
        return "id"
    return "text"


def _looks_like_date(text: str) -> bool:
    lengths, between = runs(text)
    return len(lengths) == 3 and 4 in lengths and all(one and one in "-/.年月" for one in between[1:-1])


def _named(fields: list[ProposedField]) -> tuple[ProposedField, ...]:
    """Each keyword once: the first in reading order keeps it, but a name on the image yields to one in a form."""
    taken: set[str] = set()
    kept = []
    for one in fields:
        keyword = "" if one.keyword in taken else one.keyword
        taken |= {keyword} - {""}
        kept.append(replace(one, keyword=keyword))
    return tuple(kept)


def _constant(values: Sequence[Pair], still: Sequence[Pair]) -> list[tuple[Box, str]]:
    """Constant texts without digits, and the words before changing values ("MI", "Dist")."""
    whole = [(one.box, one.text) for one in still]
    heads = [
        (one.box.model_copy(update={"w": one.head}), word)
        for one in values
        if (word := _word_before(one)) and one.head > one.box.h / 2
    ]
    return [(box, text) for box, text in [*whole, *heads] if text and not any(map(str.isdigit, text))]


def _event_mode(fields: Sequence[ProposedField], pairs: Sequence[Pair]) -> EventMode:
    if any(plain(text).upper() in FREEZE for pair in pairs for text in pair.texts):
        return "freeze"
    names = {one.keyword for one in fields}
    return "series" if len(names & _SERIES) >= 2 else "exposure"


def _within(one: Box, other: Box) -> bool:
    x, y = one.x + one.w // 2, one.y + one.h // 2
    return other.x <= x < other.x + other.w and other.y <= y < other.y + other.h


def _is_number(text: str) -> bool:
    return all(isinstance(one, Number) for one in tokens(text))
