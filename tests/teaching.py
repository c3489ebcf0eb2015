"""For tests of teaching: a console that draws exams, a screen's process that shows them, a reader by heart.

The reader is a simulator with behaviour: it reads what stands in a box of the picture it is given, as a person
would who has the drawing beside it, and is unsure where a box cuts a text.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from capture.arrival import Arrival
from capture.redaction.answer import Redacted, Refused
from capture.screen.frame import Picture, Seen
from capture.screen.ocr.engine import Reading
from capture.screen.policy import decide
from capture.screen.propose import Proposal, ProposedField
from capture.screen.reading import FieldReading
from capture.screen.redact import UNKNOWN_SCREEN
from capture.screen.settings import ScreenSettings
from capture.screen.signal import Signal, State
from capture.screen.template import Anchor, Box, ScreenField, Template
from capture.screen.window import Window
from capture.text import Bilingual
from edge.reading import Proved, ReadingRoom
from edge.teaching.room import patch
from tests.unit.edge.console.stage import Stage, build

WIDTH, HEIGHT = 960, 540
IMAGE = Box(x=360, y=60, w=580, h=440)
_ROWS = (
    ("ID", "PatientID", "id", True),
    ("NAME", "PatientName", "name", True),
    ("KV", "KVP", "number", False),
    ("MAS", "Exposure", "number", False),
    ("VIEW", "ViewPosition", "text", False),
    ("IMAGE NO", "InstanceNumber", "number", False),
)


@dataclass(frozen=True)
class Exam:
    """One drawn exam: its picture, and what stands where."""

    bgr: np.ndarray
    texts: tuple[tuple[Box, str], ...]

    @property
    def png(self) -> bytes:
        return bytes(cv2.imencode(".png", self.bgr, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1])


def exam(number: int) -> Exam:
    """A small DR console with the values of one patient; labels stay, values and image differ."""
    rng = np.random.default_rng(number)
    bgr = np.full((HEIGHT, WIDTH, 3), 32, np.uint8)
    values = (
        f"P{100234 + 7919 * number}", ("WANG^LEI", "LI^NA", "HE^MIN", "SUN^BO")[number % 4], str(70 + 5 * number),
        f"{2.5 + 1.25 * number:.2f}", ("PA", "LL", "AP", "PA")[number % 4], str(number + 1),
    )  # fmt: skip
    texts: list[tuple[Box, str]] = []
    for row, ((label, *_), value) in enumerate(zip(_ROWS, values, strict=True)):
        for x, text in ((20, label), (150, value)):
            base = 90 + 40 * row
            cv2.putText(bgr, text, (x, base), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (235, 235, 235), 1, cv2.LINE_AA)
            (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.6, 1)
            texts.append((Box(x=x, y=base - h, w=w, h=h), text))
    rows, columns = np.mgrid[0 : IMAGE.h, 0 : IMAGE.w]
    middle = rng.uniform(0.35, 0.65, 2) * (IMAGE.h, IMAGE.w)
    body = 60 + 170 * np.exp(-(((rows - middle[0]) / 120) ** 2 + ((columns - middle[1]) / 150) ** 2))
    noisy = np.clip(body + rng.normal(0, 4, body.shape), 0, 255).astype(np.uint8)
    bgr[IMAGE.rows, IMAGE.columns] = noisy[:, :, None]
    return Exam(bgr, tuple(texts))


@dataclass
class ByHeart:
    """:class:`edge.reading.ReadingRoom` over drawn exams."""

    exams: Sequence[Exam]
    asked: list[int] = field(default_factory=list)
    """How many fields each reading was asked for."""
    closed: bool = False
    known: tuple[str, ...] = ()
    """What was looked for on the last picture that was to leave."""
    redacted: Redacted | Refused = UNKNOWN_SCREEN
    misread: Mapping[str, str] = field(default_factory=dict)
    """Texts that both readers surely see as something else: a lost decimal point."""

    def __post_init__(self) -> None:
        self._known = {_key(one.bgr): one for one in self.exams}

    async def propose(self, a: bytes, b: bytes) -> Proposal:
        one, other = self._exam(a), self._exam(b)
        fields, anchors = [], []
        for (box, text), (_, second) in zip(one.texts, other.texts, strict=True):
            if text == second and box.x < 100:
                anchors.append(Anchor(box=_grown(box), text=text, patch=patch(a, _grown(box))))
        for (label, keyword, kind, secret), (box, text), (_, second) in zip(
            _ROWS, one.texts[1::2], other.texts[1::2], strict=True
        ):
            wide = Box(x=box.x - 6, y=box.y - 8, w=190, h=box.h + 16)
            fields.append(
                ProposedField(
                    box=wide, label=label, keyword="" if keyword == "InstanceNumber" else keyword,
                    kind=kind, unit="", identifying=secret, text_a=text, text_b=second,  # type: ignore[arg-type]
                )
            )  # fmt: skip
        return Proposal(tuple(fields), tuple(anchors), IMAGE, "exposure")

    async def read(self, fields: Sequence[ScreenField], png: bytes, *, of: str = "") -> tuple[FieldReading, ...]:
        await asyncio.sleep(0)
        self.asked.append(len(fields))
        seen = self._exam(png)
        return tuple(self._field(one, seen) for one in fields)

    async def redact(
        self, path: Path, arrival: Arrival, templates: Sequence[Template], known: Sequence[str]
    ) -> Redacted | Refused:
        self.known = tuple(known)
        return self.redacted

    async def prove(self, template: Template, frames: Sequence[bytes]) -> tuple[Proved, ...]:
        proved = []
        for png in frames:
            seen = self._exam(png)
            there = sum(
                any(text == anchor.text and anchor.box.x <= box.x for box, text in seen.texts)
                for anchor in template.anchors
            )
            readings = tuple(self._field(one, seen) for one in template.fields)
            proved.append(Proved(there >= template.anchors_needed, readings))
        return tuple(proved)

    async def moving(self, frames: Sequence[bytes]) -> Box | None:
        return IMAGE if len({hashlib.sha256(png).digest() for png in frames}) > 1 else None

    async def close(self) -> None:
        self.closed = True

    def _exam(self, png: bytes) -> Exam:
        return self._known[_key(np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)))]

    def _field(self, one: ScreenField, seen: Exam) -> FieldReading:
        text, sure = "", 0.0
        for box, said in seen.texts:
            shared = _shared(one.box, box)
            if shared > 0.5:
                text, sure = self.misread.get(said, said), 0.99 if shared == 1 else 0.6
        reading = Reading(text, (sure,) * len(text))
        return decide(one, [reading], [reading])


def _key(bgr: np.ndarray) -> bytes:
    return hashlib.sha256(bgr.tobytes()).digest()


def _grown(box: Box) -> Box:
    return Box(x=box.x - 4, y=box.y - 4, w=box.w + 8, h=box.h + 8)


def _shared(field_box: Box, text: Box) -> float:
    """Share of a text that lies in a field."""
    w = min(field_box.x + field_box.w, text.x + text.w) - max(field_box.x, text.x)
    h = min(field_box.y + field_box.h, text.y + text.h) - max(field_box.y, text.y)
    return max(0, w) * max(0, h) / (text.w * text.h)


class Shown:
    """What ``qcbox screen`` does for the console: says how it stands, shows a picture to who looks."""

    def __init__(self, folder: Path) -> None:
        self._window = Window(folder)
        self.bgr: np.ndarray | None = None
        self.state = State.UNKNOWN_SCREEN

    def _say(self) -> None:
        text = Bilingual("模拟", "simulated")
        size = self.bgr.shape if self.bgr is not None else (0, 0)
        signal = Signal(self.state, text, text)
        self._window.state(Seen(signal, "yuyv", size[1], size[0]), fps=30.0)
        if self.bgr is not None and self._window.wanted():
            self._window.show(Picture(np.asarray(self.bgr, np.uint8), 0.0))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Shown]:
        """In the background until the block ends."""

        async def run() -> None:
            while True:
                self._say()
                await asyncio.sleep(0.05)

        task = asyncio.create_task(run())
        try:
            yield self
        finally:
            task.cancel()
            await asyncio.wait({task})


SCREEN = "dr-room-2"


def stage_with_screen(folder: Path, reading: ReadingRoom, port: int = 8080) -> Stage:
    """A box with one screen, and who reads it. ``port`` 0: any."""
    screen = ScreenSettings(name=SCREEN, kind="v4l2", address="/dev/video0")
    return build(folder, screens=(screen,), reading=reading, host="127.0.0.1", port=port)


def shown_on(stage: Stage) -> Shown:
    """What the process of that screen does."""
    return Shown(stage.services.settings.screens_path / "live" / SCREEN)
