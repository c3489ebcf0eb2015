"""A net for tests that behaves as a real one: it finds a line while enough of its ink is there to be seen."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from capture.redaction.answer import Area, Bgr, Text

_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass
class Drawn:
    """A picture with lines of text on it, and the net that knows where they are."""

    bgr: Bgr
    lines: dict[Area, str] = field(default_factory=dict)
    looks: int = 0

    def write(self, text: str, left: int, top: int, scale: float = 0.8) -> Area:
        """Put a line on it."""
        (width, height), below = cv2.getTextSize(text, _FONT, scale, 2)
        cv2.putText(self.bgr, text, (left, top + height), _FONT, scale, (255, 255, 255), 2)
        area = Area(left, top, left + width, top + height + below)
        self.lines[area] = text
        return area

    def net(self, bgr: Bgr) -> tuple[Text, ...]:
        """Lines of which a fifth of the ink is still to be seen."""
        self.looks += 1
        return tuple(Text(area, text) for area, text in self.lines.items() if ink(bgr, self.bgr, area) > 0.2)


def ink(seen: Bgr, drawn: Bgr, area: Area) -> float:
    """Part of the white pixels of a line that is left."""
    place = slice(area.top, area.bottom), slice(area.left, area.right)
    there = (drawn[place] > 200).all(axis=2)
    return float((seen[place][there] > 200).all(axis=1).mean()) if there.any() else 0.0


def blank(width: int = 640, height: int = 480) -> Drawn:
    """Grey, without text."""
    return Drawn(np.full((height, width, 3), 60, np.uint8))
