"""Recording: an engineer says what to do, one line at a time; the box cuts out what it saw there, and does it."""

from __future__ import annotations

import base64
import shlex

import cv2

from capture.errors import Misuse
from capture.screen.template import Box
from capture.text import Bilingual
from edge.hands.ports import Bgr, Button, Eyes, Hand, aside
from edge.hands.sequence import Click, Patch, Press, Sequence, Step, Type, Wait, Words
from edge.hands.sight import locate, size_of, telling

_SIZES = ((72, 32), (120, 44), (200, 64), (320, 100))
"""Patches tried around a point, the smallest first: what is small is seldom hidden, what is large seldom twice."""
_LABEL = 160
"""Pixels beside a field in which its label is looked for."""


class Recorder:
    """Makes a sequence step by step. A line: ``click X Y [double] [right]``, ``type X Y W H TEXT``,
    ``press ctrl+a``, ``wait``; before one of these ``see X Y W H`` and ``words X Y W H TEXT``; ``undo``."""

    def __init__(self, eyes: Eyes, hand: Hand, roam: int, seconds: float) -> None:
        """``roam`` and ``seconds`` as in every step."""
        self._eyes = eyes
        self._hand = hand
        self._roam = roam
        self._seconds = seconds
        aside(hand, size_of(eyes.look()))
        self.screen = eyes.look()
        self._steps: list[Step] = []
        self._sees: list[Patch] = []
        self._words: list[Words] = []

    def line(self, line: str) -> None:
        """Do one line, and keep it as a step.

        Raises:
            Misuse: ``hands.line`` cannot be understood; ``hands.patch``: nothing there to recognise it by.
        """
        self.screen = self._eyes.look()
        try:
            word, *rest = shlex.split(line)
            {
                "click": self._click,
                "type": self._type,
                "press": self._press,
                "wait": self._wait,
                "see": self._see,
                "words": self._say,
                "undo": self._undo,
            }[word](rest)
        except (KeyError, ValueError, IndexError):
            raise _line() from None

    def sequence(self, name: str, title: str) -> Sequence:
        """What was recorded. Raises Misuse ``hands.line`` when nothing was."""
        width, height = size_of(self.screen)
        try:
            return Sequence(id=name, title=title, width=width, height=height, steps=tuple(self._steps))
        except ValueError:
            raise _line() from None

    def _click(self, rest: list[str]) -> None:
        x, y = int(rest[0]), int(rest[1])
        button: Button = "right" if "right" in rest[2:] else "left"
        times = 2 if "double" in rest[2:] else 1
        sees = self._taken(self._around(x, y))
        self._steps.append(Click(do="click", x=x, y=y, button=button, times=times, **sees))
        self._hand.click(x, y, size_of(self.screen), button, times)
        aside(self._hand, size_of(self.screen))

    def _type(self, rest: list[str]) -> None:
        """Types the text as it stands: names in braces are typed as such, to be seen in their place."""
        echo = _box(rest)
        text = rest[4]
        self._steps.append(Type(do="type", text=text, echo=echo, **self._taken(self._beside(echo))))
        self._hand.type(text)

    def _press(self, rest: list[str]) -> None:
        keys = tuple(rest[0].split("+"))
        self._steps.append(Press(do="press", keys=keys, **self._taken(None)))
        self._hand.press(keys)

    def _wait(self, rest: list[str]) -> None:
        self._steps.append(Wait(do="wait", **self._taken(None)))

    def _see(self, rest: list[str]) -> None:
        patch = self._cut(_box(rest))
        if patch is None:
            raise _patch()
        self._sees.append(patch)

    def _say(self, rest: list[str]) -> None:
        self._words.append(Words(box=_box(rest), text=rest[4]))

    def _undo(self, rest: list[str]) -> None:
        """Forget the last step; what it did stays done."""
        self._steps.pop()

    def _taken(self, own: Patch | None) -> dict[str, object]:
        """What the step sees: patches named before it, else its own."""
        sees = tuple(self._sees) or ((own,) if own else ())
        if not sees:
            raise _patch()
        words, self._sees, self._words = tuple(self._words), [], []
        return {"sees": sees, "words": words, "roam": self._roam, "seconds": self._seconds}

    def _around(self, x: int, y: int) -> Patch | None:
        if self._sees:
            return None
        width, height = size_of(self.screen)
        for w, h in _SIZES:
            left, top = min(max(x - w // 2, 0), width - w), min(max(y - h // 2, 0), height - h)
            if patch := self._cut(Box(x=left, y=top, w=w, h=h)):
                return patch
        return None

    def _beside(self, echo: Box) -> Patch | None:
        """The label left of a field, or what stands above it."""
        if self._sees:
            return None
        left = max(echo.x - _LABEL, 0)
        tries = [(left, echo.y, echo.x - left - 4, echo.h), (echo.x, echo.y - 44, echo.w, 40)]
        for x, y, w, h in tries:
            if x >= 0 and y >= 0 and w > 8 and (patch := self._cut(Box(x=x, y=y, w=w, h=h))):
                return patch
        return None

    def _cut(self, box: Box) -> Patch | None:
        """A patch that can be told from all else on this screen; None when it cannot."""
        crop = self.screen[box.rows, box.columns]
        if crop.shape[:2] != (box.h, box.w) or not telling(crop):
            return None
        patch = Patch(box=box, png=_png(crop))
        return patch if self._alone(patch) else None

    def _alone(self, patch: Patch) -> bool:
        """Found from elsewhere on the screen, it is found once."""
        width, height = size_of(self.screen)
        corner = Patch(box=Box(x=0, y=0, w=patch.box.w, h=patch.box.h), png=patch.png)
        return locate(self.screen, (corner,), max(width, height)) != "ambiguous"


def _png(bgr: Bgr) -> str:
    _, png = cv2.imencode(".png", bgr)
    return base64.b64encode(png.tobytes()).decode("ascii")


def _box(rest: list[str]) -> Box:
    x, y, w, h = (int(part) for part in rest[:4])
    return Box(x=x, y=y, w=w, h=h)


def _line() -> Misuse:
    return Misuse(
        "hands.line",
        Bilingual("无法理解这一行", "This line cannot be understood"),
        Bilingual(
            "可用：click X Y [double] [right]、type X Y W H 文本、press ctrl+a、see X Y W H、"
            "words X Y W H 文本、wait、undo",
            "There are: click X Y [double] [right], type X Y W H TEXT, press ctrl+a, see X Y W H, "
            "words X Y W H TEXT, wait, undo",
        ),
    )


def _patch() -> Misuse:
    return Misuse(
        "hands.patch",
        Bilingual("这里没有可辨认的画面", "There is nothing here to recognise the place by"),
        Bilingual("先用 see 指定一块独特的画面", "Name a distinctive piece with see first"),
    )
