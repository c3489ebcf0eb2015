"""``qcbox bench screen``: the loop that watches a screen, next to decoding each frame in colour, in the same run.

The card is one in memory: its buffers are pictures drawn beforehand, everything above the kernel is the product's.
"""

from __future__ import annotations

import base64
import ctypes
import errno
import itertools
import json as json_text
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, cast

import cv2
import numpy as np
import structlog
import typer
from numpy.typing import NDArray

from capture.screen import pixels
from capture.screen.frame import Frame, PixelFormat
from capture.screen.handover import Handover
from capture.screen.library import Library
from capture.screen.ocr import choice
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.run import ScreenSource
from capture.screen.sources.v4l2 import V4L2Source, abi
from capture.screen.sources.v4l2.device import Ready
from capture.screen.template import Anchor, Box, Template
from capture.screen.window import Window
from capture.spool import Spool, SpoolSettings

FPS = 30
_WIDTH, _HEIGHT = 1920, 1080
_DRAWN = 12
_FOURCC: dict[PixelFormat, str] = {"mjpeg": "MJPG", "yuyv": "YUYV"}
_IMAGE = Box(x=520, y=60, w=1340, h=960)
_LABELS = ("Patient", "Frequency", "Depth", "Gain", "MI", "TIS")


@dataclass(frozen=True, slots=True)
class Share:
    """Medians over the rounds. Percent are of one core at 30 frames a second."""

    format: PixelFormat
    kb: float
    """Size of a frame."""
    watching_ms: float
    """Processor time a frame: grab, reduce, anchors, events."""
    watching_percent: float
    colour_ms: float
    """Processor time to decode the same frame in full colour."""
    colour_percent: float
    ratio: float
    """Watching over colour, of the same round."""


def bench_screen(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; in each both are measured.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, help="Length of the film of a round.")] = 4,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the processor time of watching a live 1080p30 ultrasound screen, as MJPEG and as YUYV."""
    cv2.setNumThreads(1)
    film = [_draw(number) for number in range(_DRAWN)]
    with _quiet():
        rows = [_measure(one, film, rounds, round(seconds * FPS)) for one in _FOURCC]
    if json:
        typer.echo(json_text.dumps([asdict(row) for row in rows]))
        return
    for row in rows:
        typer.echo(
            f"{row.format:6} {row.kb:6.0f} kB  watching {row.watching_ms:5.2f} ms ({row.watching_percent:4.1f} %) "
            f" colour {row.colour_ms:5.2f} ms ({row.colour_percent:4.1f} %)  ratio {row.ratio:.2f}"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """What the loop has to say of the drawn screen is nothing for the journal."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    try:
        yield
    finally:
        structlog.configure(**before)


def _measure(pixel_format: PixelFormat, film: Sequence[NDArray[np.uint8]], rounds: int, count: int) -> Share:
    contents = [_encode(picture, pixel_format) for picture in film]
    card = _Card(_FOURCC[pixel_format], contents)
    with tempfile.TemporaryDirectory(prefix="qcbox-bench-") as folder:
        turn = _loop(Path(folder), card, film[0], pixel_format)
        for _ in range(2 * FPS):
            turn()
        watching, colour = [], []
        for _ in range(rounds):
            watching.append(_spent(count, turn))
            frames = itertools.cycle(Frame(one, pixel_format, _WIDTH, _HEIGHT, 0.0) for one in contents)
            colour.append(_spent(count, lambda: pixels.picture(next(frames))))  # noqa: B023 - used at once
    ours, theirs = statistics.median(watching), statistics.median(colour)
    ratio = statistics.median(one / other for one, other in zip(watching, colour, strict=True))
    size = statistics.mean(map(len, contents)) / 1000
    return Share(pixel_format, size, ours, ours * FPS / 10, theirs, theirs * FPS / 10, ratio)


def _loop(folder: Path, card: _Card, picture: NDArray[np.uint8], pixel_format: PixelFormat) -> Callable[[], None]:
    """One turn of the process's own loop, with a template in use whose picture is live."""
    library = Library(folder)
    template = library.save(_template(picture, pixel_format), ())
    library.activate("bench", template.id, template.version)
    watching = ScreenSource(
        "bench",
        folder,
        lambda: V4L2Source("/dev/bench", fps=2 * FPS, opener=lambda path: card, clock=card.clock),
        choice.make(ReadingSettings()),
        clock=card.clock,
    )
    window = Window(folder / "live" / "bench")
    spool = Spool(folder / "spool", SpoolSettings(min_free_mb=1))
    handover = Handover(spool, "bench", folder / "letters", lambda due: None)
    return lambda: watching.turn(window, handover)


def _spent(count: int, action: Callable[[], object]) -> float:
    """Milliseconds of the processor for one action."""
    begun = time.process_time()
    for _ in range(count):
        action()
    return (time.process_time() - begun) * 1000 / count


class _Card:
    """A :class:`~capture.screen.sources.v4l2.device.Device` that delivers a frame at each wait, for ever."""

    def __init__(self, fourcc: str, contents: Sequence[bytes]) -> None:
        self._fourcc, self._contents = abi.fourcc(fourcc), contents
        self._queued: deque[int] = deque()
        self._filled = False
        self._now = 0.0

    def clock(self) -> float:
        """Seconds; they pass while somebody waits."""
        return self._now

    def ioctl(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        """What a driver of the simplest kind answers."""
        if request == abi.QUERYCAP:
            cast(abi.Capability, argument).capabilities = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING
        elif request == abi.ENUM_FMT and cast(abi.FormatDescription, argument).index == 0:
            cast(abi.FormatDescription, argument).pixelformat = self._fourcc
        elif request == abi.ENUM_FRAMESIZES and cast(abi.FrameSize, argument).index == 0:
            size = cast(abi.FrameSize, argument)
            size.type, size.size[0], size.size[1] = abi.DISCRETE, _WIDTH, _HEIGHT
        elif request in (abi.QBUF, abi.QUERYBUF, abi.REQBUFS, abi.DQBUF):
            self._buffers(request, argument)
        elif request not in (abi.S_FMT, abi.STREAMON, abi.STREAMOFF):
            raise OSError(errno.EINVAL, "not in this card")

    def _buffers(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        if request == abi.REQBUFS:
            cast(abi.BufferRequest, argument).count = len(self._contents)
            return
        buffer = cast(abi.Buffer, argument)
        if request == abi.QUERYBUF:
            buffer.length, buffer.offset = len(self._contents[buffer.index]), buffer.index
        elif request == abi.QBUF:
            self._queued.append(buffer.index)
        elif not self._filled:
            raise BlockingIOError(errno.EAGAIN, "no frame")
        else:
            self._filled = False
            buffer.index = self._queued.popleft()
            buffer.bytesused = len(self._contents[buffer.index])

    def map(self, length: int, offset: int) -> memoryview:
        """The drawn picture itself: a card writes into memory without us."""
        return memoryview(self._contents[offset])

    def wait(self, timeout_s: float) -> Ready:
        """The next frame is always there a thirtieth of a second later."""
        self._now += 1 / FPS
        self._filled = True
        return Ready(frame=True)

    def close(self) -> None:
        """Nothing to let go of."""


def _draw(number: int) -> NDArray[np.uint8]:
    """An ultrasound screen: labels, values, and speckle that moves."""
    shown = np.full((_HEIGHT, _WIDTH, 3), (44, 38, 34), np.uint8)
    for row, label in enumerate(_LABELS):
        at = 120 + row * 90
        cv2.putText(shown, label, (30, at), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (205, 205, 205), 2, cv2.LINE_AA)
        cv2.putText(shown, str(70 + row), (300, at), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (90, 220, 240), 2, cv2.LINE_AA)
    speckle = np.random.default_rng(number).rayleigh(34, (_IMAGE.h // 2, _IMAGE.w // 2)).clip(0, 255)
    image = cv2.resize(speckle, (_IMAGE.w, _IMAGE.h), interpolation=cv2.INTER_LINEAR).astype(np.uint8)
    sector = np.zeros((_IMAGE.h, _IMAGE.w), np.uint8)
    cv2.ellipse(sector, (_IMAGE.w // 2, 20), (900, 900), 90, -40, 40, 255, -1)
    shown[_IMAGE.rows, _IMAGE.columns] = (image & sector)[:, :, None]
    return shown


def _template(picture: NDArray[np.uint8], pixel_format: PixelFormat) -> Template:
    grey = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8)
    boxes = [Box(x=24, y=88 + row * 90, w=200, h=44) for row in range(len(_LABELS))]
    return Template(
        id="bench", version=1, title="bench", modality="US", width=_WIDTH, height=_HEIGHT,
        pixel_format=pixel_format, anchors=tuple(Anchor(box=box, patch=_patch(grey, box)) for box in boxes),
        fields=(), image=_IMAGE, event_mode="freeze",
    )  # fmt: skip


def _patch(grey: NDArray[np.uint8], box: Box) -> str:
    return base64.b64encode(cv2.imencode(".png", grey[box.rows, box.columns])[1].tobytes()).decode()


def _encode(bgr: NDArray[np.uint8], pixel_format: PixelFormat) -> bytes:
    """As a card sends it: JPEG of quality 85 with 4:2:2 chroma, or YUYV."""
    if pixel_format == "mjpeg":
        options = (cv2.IMWRITE_JPEG_QUALITY, 85, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x211111)
        return cv2.imencode(".jpg", bgr, options)[1].tobytes()
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2YUV_YUY2)).tobytes()
