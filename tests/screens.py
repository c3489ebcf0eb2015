"""Consoles drawn for tests, and what a capture card makes of them. No browser, no files of others."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from capture.screen.format import learn
from capture.screen.frame import Frame, PixelFormat
from capture.screen.template import Anchor, Box, EventMode, FieldKind, ScreenField, Template
from tests.paint import draw_cursor, draw_dialog, write

Bgr = NDArray[np.uint8]
Grey = NDArray[np.uint8]
Capture = Literal["bgr24", "yuyv", "q95", "q70", "worst", "limited", "interlaced"]
"""What the card gives: raw, or JPEG of a quality; worst: scaled to 720p and back, then q70; limited: 16 to 235
shown as full; interlaced: one field, its lines doubled."""
WIDTH, HEIGHT = 1920, 1080
_ROW = 44


@dataclass(frozen=True, slots=True)
class Line:
    """A field as it stands on the console: label, unit, and two samples as whole texts."""

    keyword: str
    label: str
    kind: FieldKind
    samples: tuple[str, str]
    unit: str = ""
    identifying: bool = False


@dataclass(frozen=True, slots=True)
class Console:
    """One screen of one console: a column of fields on the left, the image, a clock below."""

    title: str
    modality: str
    mode: EventMode
    lines: tuple[Line, ...]
    image: Box
    dark: bool
    witnesses: tuple[str, ...]
    frozen_text: str = ""

    @property
    def values(self) -> dict[str, str]:
        """The first sample of each field."""
        return {line.keyword: line.samples[0] for line in self.lines}

    def box(self, keyword: str) -> Box:
        """Of a field, as an engineer draws it: the widget."""
        row = next(k for k, line in enumerate(self.lines) if line.keyword == keyword)
        return Box(x=150, y=84 + row * _ROW, w=200, h=34)

    def draw(
        self,
        image: Grey | None,
        values: Mapping[str, str] | None = None,
        *,
        clock: str = "",
        cursor: tuple[int, int] | None = None,
        dialog: Box | None = None,
        dim: bool = False,
    ) -> Bgr:
        """The whole screen. ``image`` fits the image box; ``dim``: all but the dialog is darkened."""
        shown = _panel(self, tuple(sorted((self.values | dict(values or {})).items()))).copy()
        if image is not None:
            shown[self.image.rows, self.image.columns] = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
        if clock:
            write(shown, clock, (1700, 1060), self._ink)
        if dim:
            shown = np.asarray(shown * 0.5, np.uint8)
        if dialog is not None:
            draw_dialog(shown, dialog)
        if cursor is not None:
            draw_cursor(shown, cursor)
        return shown

    def other_screen(self) -> Bgr:
        """A work list: not what was taught."""
        shown = np.full((HEIGHT, WIDTH, 3), 236, np.uint8)
        for row in range(18):
            cv2.rectangle(shown, (30, 40 + row * 56), (1890, 84 + row * 56), (200, 200, 200), 1)
            write(shown, f"{row + 1}  WAITING  ROOM {row % 4}  10:{row + 10}", (50, 70 + row * 56), (30, 30, 30))
        return shown

    def template(self, **changes: object) -> Template:
        """As taught on the page, from the two samples."""
        grey = np.asarray(cv2.cvtColor(self.draw(None), cv2.COLOR_BGR2GRAY), np.uint8)
        boxes = [Box(x=14, y=8, w=240, h=46)]
        boxes += [Box(x=14, y=88 + row * _ROW, w=130, h=26) for row in range(len(self.lines))]
        taught = Template(
            id=f"drawn-{self.modality.lower()}",
            version=1,
            title=self.title,
            modality=self.modality,
            width=WIDTH,
            height=HEIGHT,
            pixel_format="mjpeg",
            anchors=tuple(Anchor(box=box, patch=_png(grey[box.rows, box.columns])) for box in boxes),
            anchors_needed=3,
            fields=tuple(self._field(line) for line in self.lines),
            image=self.image,
            event_mode=self.mode,
            witnesses=self.witnesses,
            frozen_text=self.frozen_text,
        )
        return Template.model_validate(taught.model_dump() | changes)

    @property
    def _ink(self) -> tuple[int, int, int]:
        return (235, 235, 235) if self.dark else (20, 20, 20)

    def _field(self, line: Line) -> ScreenField:
        return ScreenField(
            keyword=line.keyword,
            box=self.box(line.keyword),
            kind=line.kind,
            label=line.label,
            format=learn(line.samples, line.kind),
            unit=line.unit,
            identifying=line.identifying,
        )


_PERSON = (
    Line("PatientID", "患者编号", "id", ("00412788", "00518203"), identifying=True),
    Line("PatientName", "姓名", "name", ("ZHAO MIN", "QIAN WEI"), identifying=True),
    Line("PatientSex", "性别", "choice", ("F", "M")),
)
DR = Console(
    "DR 采集",
    "DX",
    "exposure",
    (
        *_PERSON,
        Line("InstanceNumber", "图像号", "number", ("101", "102")),
        Line("KVP", "管电压", "number", ("81", "120"), "kV"),
        Line("ExposureInMAs", "mAs", "number", ("3.20", "12.50"), "mAs"),
        Line("BodyPartExamined", "部位", "text", ("CHEST", "KNEE")),
    ),
    Box(x=400, y=20, w=1120, h=1000),
    dark=False,
    witnesses=("InstanceNumber",),
)
ULTRASOUND = Console(
    "超声检查",
    "US",
    "freeze",
    (
        *_PERSON,
        Line("frozenState", "状态", "choice", ("LIVE", "FROZEN")),
        Line("mechanicalIndex", "MI", "number", ("1.1", "0.8")),
    ),
    Box(x=400, y=60, w=1200, h=900),
    dark=True,
    witnesses=("frozenState",),
    frozen_text="FROZEN",
)
CT = Console(
    "CT 扫描",
    "CT",
    "series",
    (
        *_PERSON,
        Line("InstanceNumber", "图像", "number", ("1", "24")),
        Line("KVP", "kV", "number", ("120", "100"), "kV"),
    ),
    Box(x=500, y=40, w=960, h=960),
    dark=True,
    witnesses=("InstanceNumber",),
)


def film(seed: int, box: Box = DR.image) -> Grey:
    """A radiograph of nothing in particular: soft shapes, long edges, a collimated border, a little noise."""
    rng = np.random.default_rng(seed)
    soft = sum(clouds(rng, box, cells) / k for k, cells in enumerate((3, 6, 14, 40), 1))
    shown = 128 + 60 * np.asarray(soft, np.float32)
    bones = np.zeros((box.h, box.w), np.float32)
    for _ in range(5):
        ends = rng.integers(0, (box.w, box.h), (2, 2))
        bone = np.zeros((box.h, box.w), np.uint8)
        cv2.line(bone, ends[0].tolist(), ends[1].tolist(), 255, int(rng.integers(20, 70)), cv2.LINE_AA)
        bones += bone
    shown += cv2.GaussianBlur(bones, (0, 0), 4) * 0.25
    shown += rng.normal(0, 3, shown.shape).astype(np.float32)
    edge = int(rng.integers(20, 90))
    shown[:edge], shown[-edge:], shown[:, :edge], shown[:, -edge:] = 0, 0, 0, 0
    return np.asarray(np.clip(shown, 0, 255), np.uint8)


def moved(image: Grey, dx: int, dy: int, degrees: float) -> Grey:
    """The same patient, positioned anew."""
    height, width = image.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turn[:, 2] += (dx, dy)
    return np.asarray(cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def windowed(image: Grey, level: float, width: float) -> Grey:
    """In other greys: a window of ``width`` around ``level``."""
    curve = np.clip((np.arange(256) - level) / width * 255 + 127.5, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(image, curve), np.uint8)


def preview(image: Grey) -> Grey:
    """What a console shows until the image is processed: coarser and flatter."""
    return windowed(np.asarray(cv2.blur(image, (7, 7)), np.uint8), 120, 420)


def captured(screen: Bgr, capture: Capture, time: float = 0.0) -> Frame:
    """The frame that a capture card makes of it."""
    data, pixel_format = _through(screen, capture)
    return Frame(data, pixel_format, screen.shape[1], screen.shape[0], time)


def colour_bars() -> Bgr:
    """What a dongle shows of no signal."""
    colours = [(255, 255, 255), (0, 255, 255), (255, 255, 0), (0, 255, 0), (255, 0, 255), (0, 0, 255), (255, 0, 0)]
    bars = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for k, colour in enumerate(colours):
        bars[:, k * WIDTH // 7 : (k + 1) * WIDTH // 7] = colour
    return bars


def _through(screen: Bgr, capture: Capture) -> tuple[bytes, PixelFormat]:
    if capture == "bgr24":
        return screen.tobytes(), "bgr24"
    if capture == "yuyv":
        return np.asarray(cv2.cvtColor(screen, cv2.COLOR_BGR2YUV_YUYV)).tobytes(), "yuyv"
    if capture == "limited":
        curve = (np.arange(256) * 219 / 255 + 16).round().astype(np.uint8)
        return _jpeg(np.asarray(cv2.LUT(screen, curve), np.uint8), 95), "mjpeg"
    if capture == "interlaced":
        return _jpeg(np.repeat(screen[::2], 2, axis=0), 95), "mjpeg"
    if capture == "worst":
        small = cv2.resize(screen, (1280, 720), interpolation=cv2.INTER_AREA)
        screen = np.asarray(cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR), np.uint8)
    return _jpeg(screen, 95 if capture == "q95" else 70), "mjpeg"


def _jpeg(screen: Bgr, quality: int) -> bytes:
    chroma = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, chroma]
    return cv2.imencode(".jpg", screen, options)[1].tobytes()


def _png(patch: Grey) -> str:
    return base64.b64encode(cv2.imencode(".png", patch)[1].tobytes()).decode()


def clouds(rng: np.random.Generator, box: Box, cells: int) -> NDArray[np.float32]:
    """Soft shapes over the whole box, so many across."""
    coarse = rng.normal(0, 1, (cells, cells)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (box.w, box.h), interpolation=cv2.INTER_CUBIC), np.float32)


@lru_cache(maxsize=8)
def _panel(console: Console, values: Sequence[tuple[str, str]]) -> Bgr:
    canvas = np.full((HEIGHT, WIDTH, 3), 28 if console.dark else 212, np.uint8)
    write(canvas, console.title, (20, 44), console._ink, 32)
    given = dict(values)
    for line in console.lines:
        box = console.box(line.keyword)
        write(canvas, line.label, (20, box.y + 24), console._ink)
        cv2.rectangle(
            canvas,
            (box.x, box.y),
            (box.x + box.w, box.y + box.h),
            (0, 0, 0) if console.dark else (255, 255, 255),
            -1,
        )
        write(canvas, given[line.keyword], (box.x + 8, box.y + 24), console._ink)
        write(canvas, line.unit, (box.x + box.w + 6, box.y + 24), console._ink)
    canvas[console.image.rows, console.image.columns] = 0
    return canvas
