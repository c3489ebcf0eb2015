"""Finding taught patches on a screen: where the window stands now, or that it is not there, or there twice."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from capture.screen.template import Box
from edge.hands.ports import Bgr
from edge.hands.sequence import Patch

_JITTER = 2
"""Pixels by which a capture may be off where nothing moved."""
_MOST_DIFFERENCE = 24.0
"""Mean difference of grey levels: a window greyed out behind a dialog correlates, but is not the taught one."""
_LEAST_TEXTURE = 4.0
"""Standard deviation below which a patch could be anywhere."""


@dataclass(frozen=True, slots=True)
class Shift:
    """By how many pixels the window stands right of and below where it was taught."""

    x: int
    y: int

    def moved(self, box: Box, size: tuple[int, int]) -> Box | None:
        """A box of the window where it is now; None when part of it is outside the screen of ``size``."""
        left, top = box.x + self.x, box.y + self.y
        if left < 0 or top < 0 or left + box.w > size[0] or top + box.h > size[1]:
            return None
        return Box(x=left, y=top, w=box.w, h=box.h)


def size_of(bgr: Bgr) -> tuple[int, int]:
    """(width, height)."""
    return bgr.shape[1], bgr.shape[0]


def locate(bgr: Bgr, patches: tuple[Patch, ...], roam: int) -> Shift | Literal["not_seen", "ambiguous"]:
    """Where the window of these patches stands; all of them must agree."""
    first, *others = patches
    shift = _at(bgr, first, Shift(0, 0)) or (_anywhere(bgr, first, roam) if roam else "not_seen")
    if isinstance(shift, str):
        return shift
    return shift if all(_at(bgr, other, shift) for other in others) else "not_seen"


def holds(bgr: Bgr, patches: tuple[Patch, ...], shift: Shift) -> bool:
    """Whether the window still stands there, and nothing over it."""
    return all(_at(bgr, patch, shift) for patch in patches)


def telling(bgr: Bgr) -> bool:
    """Whether a patch has enough in it to be recognised by."""
    return bool(bgr.astype(np.float32).std() >= _LEAST_TEXTURE)


@lru_cache(maxsize=256)
def picture_of(png: str) -> Bgr:
    """A patch's picture. Raises ValueError when it is none."""
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(png), np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise ValueError("a patch is no picture")
    return np.asarray(decoded, np.uint8)


def _at(bgr: Bgr, patch: Patch, shift: Shift) -> Shift | None:
    """The patch where it should be, a pixel or two aside at most."""
    place = shift.moved(patch.box, size_of(bgr))
    if place is None:
        return None
    found = _search(bgr, patch, place, _JITTER)
    return Shift(found[0].x + shift.x, found[0].y + shift.y) if found else None


def _anywhere(bgr: Bgr, patch: Patch, roam: int) -> Shift | Literal["not_seen", "ambiguous"]:
    found = _search(bgr, patch, patch.box, roam)
    if not found:
        return "not_seen"
    return found[0] if len(found) == 1 else "ambiguous"


def _search(bgr: Bgr, patch: Patch, place: Box, reach: int) -> list[Shift]:
    """Shifts from ``place`` at which the patch is seen, the best first; two at most."""
    wanted = picture_of(patch.png)
    top, left = max(place.y - reach, 0), max(place.x - reach, 0)
    window = bgr[top : place.y + place.h + reach, left : place.x + place.w + reach]
    if window.shape[0] < wanted.shape[0] or window.shape[1] < wanted.shape[1]:
        return []
    likeness = cv2.matchTemplate(window, wanted, cv2.TM_CCOEFF_NORMED)
    rows, columns = wanted.shape[:2]
    found: list[Shift] = []
    while len(found) < 2:
        _, best, _, (x, y) = cv2.minMaxLoc(likeness)
        if best < patch.similarity:
            break
        here = window[y : y + rows, x : x + columns]
        if cv2.absdiff(here, wanted).mean() <= _MOST_DIFFERENCE:
            found.append(Shift(left + x - place.x, top + y - place.y))
        likeness[max(y - rows // 2, 0) : y + rows // 2 + 1, max(x - columns // 2, 0) : x + columns // 2 + 1] = -1
    return found
