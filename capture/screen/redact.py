"""A picture of a screen without the patient: the image cut out, taught places covered, text found and covered.

Fails closed: where the taught screen is not in place, where text is left that nobody taught, or where the known
name or number can still be read, nothing leaves.
"""

from __future__ import annotations

from collections.abc import Sequence

from capture.redaction.answer import Area, Bgr, Net, Redacted, Refused, Text
from capture.redaction.cover import cover
from capture.screen import anchors, shot
from capture.screen.shot import Shot
from capture.screen.template import Box, Template
from capture.text import Bilingual

_MARGIN = 48
"""Pixels around the image that the net sees too: half a line of text reads badly at a cut."""
_BORDER = 2
"""Pixels around a taught box: captures are off by one or two."""


def redact(bgr: Bgr, template: Template | None, known: Sequence[str], net: Net) -> Redacted | Refused:
    """The image box of a screen, or why it stays.

    Args:
        bgr: The whole screen.
        template: What was taught of it; None: an unknown screen, of which nothing leaves.
        known: Names, numbers and dates of the patient, as far as the box knows them.
        net: Finds and reads text.
    """
    placed = anchors.place(bgr, template) if template is not None else None
    if template is None or placed is None:
        return UNKNOWN_SCREEN
    bgr = anchors.upright(bgr, placed)
    image = _area(template.image)
    rows, columns = bgr.shape[:2]
    around = image.grown(_MARGIN)
    around = Area(max(around.left, 0), max(around.top, 0), min(around.right, columns), min(around.bottom, rows))
    inner = _within(image, around)
    hidden = [field.box for field in template.fields if field.identifying] + list(template.masks)
    shown = [field.box for field in template.fields if not field.identifying]

    def in_the_image(seen: Bgr) -> list[Text]:
        return [text for text in net(seen) if text.area.meets(inner)]

    answer = cover(
        bgr[around.top : around.bottom, around.left : around.right],
        [_within(_area(box).grown(_BORDER), around) for box in hidden if _area(box).meets(around)],
        [_within(_area(box), around) for box in shown if _area(box).meets(around)],
        known,
        in_the_image,
    )
    return answer if isinstance(answer, Refused) else _cut(answer, inner)


def redact_shot(taken: Shot, known: Sequence[str], net: Net) -> Redacted | Refused:
    """The picture of a shot. What was read of the patient is looked for as well as ``known``.

    Raises:
        SetAside: ``screen.unreadable``.
    """
    hidden = {field.keyword for field in taken.template.fields if field.identifying}
    read = [text for one in taken.told.readings if one.keyword in hidden for text in (one.text, one.second)]
    return redact(shot.picture(taken.frames[0]), taken.template, (*known, *read), net)


def _cut(answer: Redacted, inner: Area) -> Redacted:
    cut = answer.bgr[inner.top : inner.bottom, inner.left : inner.right].copy()
    return Redacted(cut, tuple(_within(area, inner) for area in answer.covered if area.meets(inner)))


def _area(box: Box) -> Area:
    return Area(box.x, box.y, box.x + box.w, box.y + box.h)


def _within(area: Area, origin: Area) -> Area:
    """In pixels from the corner of ``origin``."""
    return Area(area.left - origin.left, area.top - origin.top, area.right - origin.left, area.bottom - origin.top)


UNKNOWN_SCREEN = Refused(
    "redaction.unknown_screen",
    Bilingual("画面与任何已示教的模板都不符", "The screen is none that was taught"),
    Bilingual("在示教页面为该画面建立模板", "Teach a template of it on the teaching page"),
)
