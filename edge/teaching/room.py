"""The room in which screens are taught: the folder that screens' processes and the console share."""

from __future__ import annotations

import asyncio
import base64
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.errors import Misuse
from capture.screen import window
from capture.screen.library import Library
from capture.screen.reading import FieldReading
from capture.screen.shot import picture
from capture.screen.template import Box
from capture.text import Bilingual
from edge.clock import now_ms
from edge.reading import ReadingRoom
from edge.teaching.desk import Desk, clear_old
from edge.teaching.draft import Draft, DraftField, FrameName, taught

_FRESH_S = 4.0
"""How long a capture waits for a picture that is newer than the touch of the button."""
_REMEMBERED = 2000
_SAME_BLOCKS = 0.002
"""Share of 16 x 16 blocks that differ between two exams at least; a running clock changes a tenth of that."""
_SAME_GREY = 10
_BLACK, _WHITE = 16, 235
"""Of limited range (ITU-R BT.601)."""
_Cell = tuple[str, int, str]


@dataclass(slots=True)
class Room:
    """Made once for the console. Everything of one screen happens under its lock."""

    folder: Path
    library: Library
    reading: ReadingRoom
    locks: defaultdict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))
    _read: OrderedDict[_Cell, FieldReading] = field(default_factory=OrderedDict)

    def desk(self, source: str) -> Desk:
        """The desk of a screen."""
        return Desk(self.folder / "desk" / source)

    def live(self, source: str) -> Path:
        """Where its process shows what it sees."""
        return self.folder / "live" / source

    def clear_old(self) -> None:
        """Desks that nobody touched for a week."""
        clear_old(self.folder / "desk")

    async def fresh(self, source: str) -> bytes:
        """A picture of now.

        Raises:
            Misuse: ``teach.no_picture``: none came.
        """
        asked = now_ms()
        for _ in range(round(_FRESH_S / 0.1)):
            window.watch(self.live(source))
            shown = window.live(self.live(source))
            if shown is not None and shown.at >= asked:
                return shown.png
            await asyncio.sleep(0.1)
        raise Misuse(
            "teach.no_picture",
            Bilingual("没有收到屏幕画面", "No picture of the screen has come"),
            Bilingual(
                "请看页面上方的信号状态，并检查线缆与采集卡",
                "Look at the state of the signal above, then at cable and capture card",
            ),
        )

    def frame(self, source: str, draft: Draft, name: FrameName) -> bytes | None:
        """A stored frame in full range, as the template will have it."""
        png = self.desk(source).frame(name)
        return expanded(png) if png is not None and draft.limited_range and squeezed(png) else png

    async def values(self, source: str, draft: Draft, frame: FrameName) -> Mapping[str, FieldReading]:
        """What stands in the boxes of a stored frame, by key. A box is read again only when it has changed."""
        stamp = self.desk(source).stamp(frame) + draft.limited_range
        cells = {one.key: (source, stamp, _signature(draft, one)) for one in draft.fields}
        async with self.locks[f"{source} {frame}"]:  # whoever asks for the same meanwhile waits, and finds it read
            missing = [one for one in draft.fields if cells[one.key] not in self._read]
            png = await asyncio.to_thread(self.frame, source, draft, frame) if missing else None
            if png is not None:
                asked = [taught(draft, one, keyword=one.key) for one in missing]
                for one, reading in zip(missing, await self.reading.read(asked, png), strict=True):
                    self._read[cells[one.key]] = reading
        while len(self._read) > _REMEMBERED:
            self._read.popitem(last=False)
        return {key: known(draft, key, self._read[cell]) for key, cell in cells.items() if cell in self._read}

    def forget(self, source: str) -> None:
        """Nothing read off that screen stays in memory."""
        for cell in [cell for cell in self._read if cell[0] == source]:
            del self._read[cell]


def known(draft: Draft, key: str, reading: FieldReading) -> FieldReading:
    """A reading that does not fit a format nobody has taught yet is not refused: it waits for the first sample."""
    field = draft.field(key)
    if reading.reason != "format" or field is None or draft.samples(field):
        return reading
    return replace(reading, state="to_check", reason="")


def squeezed(png: bytes) -> bool:
    """Whether nothing is darker than 16 or brighter than 235: limited range shown as full, or a grey exam."""
    dark, bright = np.percentile(picture(png), (0.05, 99.95))
    return bool(dark >= _BLACK - 2 and bright <= _WHITE + 2)


def expanded(png: bytes) -> bytes:
    """16 to 235 onto 0 to 255."""
    wide = (picture(png).astype(np.float32) - _BLACK) * (255 / (_WHITE - _BLACK))
    return _encoded(".png", np.clip(wide, 0, 255).round().astype(np.uint8), (cv2.IMWRITE_PNG_COMPRESSION, 1))


def cut(png: bytes, box: Box, border: int = 4) -> bytes:
    """A piece of a frame as PNG, with a little of what is around it."""
    bgr = picture(png)
    rows, columns = bgr.shape[:2]
    top, left = max(0, box.y - border), max(0, box.x - border)
    bottom, right = min(rows, box.y + box.h + border), min(columns, box.x + box.w + border)
    return _encoded(".png", np.ascontiguousarray(bgr[top:bottom, left:right]), ())


def shrunk(png: bytes, width: int, quality: int = 85) -> bytes:
    """JPEG at most ``width`` wide: for showing, never for reading."""
    bgr = picture(png)
    if bgr.shape[1] > width:
        size = (width, round(bgr.shape[0] * width / bgr.shape[1]))
        bgr = np.asarray(cv2.resize(bgr, size, interpolation=cv2.INTER_AREA), np.uint8)
    return _encoded(".jpg", bgr, (cv2.IMWRITE_JPEG_QUALITY, quality))


def patch(png: bytes, box: Box) -> str:
    """The grey patch of an anchor: PNG, base64."""
    grey = np.asarray(cv2.cvtColor(picture(png), cv2.COLOR_BGR2GRAY), np.uint8)
    return base64.b64encode(_encoded(".png", np.ascontiguousarray(grey[box.rows, box.columns]), ())).decode()


def compared(a: bytes, b: bytes) -> None:
    """That two frames are two exams of one console.

    Raises:
        Misuse: ``teach.same_exam``.
    """
    one, other = (cv2.cvtColor(picture(png), cv2.COLOR_BGR2GRAY) for png in (a, b))
    apart = cv2.absdiff(one, other)
    blocks = cv2.resize(apart, (one.shape[1] // 16, one.shape[0] // 16), interpolation=cv2.INTER_AREA)
    if float((np.asarray(blocks) > _SAME_GREY).mean()) < _SAME_BLOCKS:
        raise Misuse(
            "teach.same_exam",
            Bilingual("画面与上一次采集几乎相同", "The screen is almost as it was at the last capture"),
            Bilingual(
                "请在控制台上打开另一名患者的检查后再采集",
                "Open another patient's exam on the console, then capture",
            ),
        )


def other_size() -> Misuse:
    """The screen has another resolution than when it was first captured."""
    return Misuse(
        "teach.other_size",
        Bilingual("分辨率与第一次采集时不同", "The resolution is not that of the first capture"),
        Bilingual(
            "请恢复原分辨率，或放弃草稿重新开始", "Go back to that resolution, or discard the draft and begin anew"
        ),
    )


def _signature(draft: Draft, one: DraftField) -> str:
    return taught(draft, one, keyword=one.key).model_dump_json(include={"box", "kind", "format"})


def _encoded(kind: str, pixels: NDArray[np.uint8], options: Sequence[int]) -> bytes:
    _, content = cv2.imencode(kind, pixels, list(options))
    return content.tobytes()
