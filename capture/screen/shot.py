"""Shot: one event of one screen as it goes into the spool: its pictures, the template and what was read.

A ZIP without compression of ``shot.json``, ``template.json`` and ``0.png`` (further frames ``1.png``, ``2.png`` as
they were read). All that a verdict needs to be made again; it stays on the site, as a DICOM object does.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from capture.errors import Misuse, SetAside
from capture.screen.reading import FieldReading
from capture.screen.signal import State
from capture.screen.template import Template, load
from capture.text import Bilingual

MOST_BYTES = 64 << 20
MOST_PIXELS = 8192 * 8192
_ENTRIES = {"shot.json", "template.json", "0.png", "1.png", "2.png"}
_SECOND_OF_1980 = (1980, 1, 1, 0, 0, 0)

EventKind = Literal["new", "update"]


@dataclass(frozen=True, slots=True)
class Told:
    """``shot.json``."""

    source: str
    """Name of the screen in the configuration."""
    event: EventKind
    image: str
    """Names the image on the screen: an update has the name of the new one before it."""
    at: int
    """UTC milliseconds at which the picture had come to rest."""
    state: State
    """OK, or CAPTURE_FAULT: the picture deviates from the taught levels."""
    readings: tuple[FieldReading, ...]


@dataclass(frozen=True, slots=True)
class Shot:
    """One event. ``frames``: PNG, at least one, the first is the picture that is judged."""

    told: Told
    template: Template
    frames: tuple[bytes, ...]


_TOLD = TypeAdapter(Told)


def dump(shot: Shot) -> bytes:
    """The file's bytes, the same for equal shots."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        entries = {"shot.json": _TOLD.dump_json(shot.told), "template.json": shot.template.dump()}
        entries |= {f"{number}.png": png for number, png in enumerate(shot.frames[:3])}
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _SECOND_OF_1980), content)
    return written.getvalue()


def parse(content: bytes) -> Shot:
    """A shot from its file's bytes.

    Raises:
        SetAside: ``screen.unreadable``: truncated, foreign, or larger than a screen can be.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            names = [one.filename for one in listed]
            if len(set(names)) != len(names) or not set(names) <= _ENTRIES:
                raise ValueError("entries")
            if sum(one.file_size for one in listed) > MOST_BYTES:
                raise ValueError("size")
            frames = tuple(archive.read(f"{n}.png") for n in range(3) if f"{n}.png" in names)
            if not frames:
                raise ValueError("frames")
            return Shot(
                _TOLD.validate_json(archive.read("shot.json")), load(archive.read("template.json")), frames
            )
    except (
        ValueError,
        KeyError,
        zipfile.BadZipFile,
        ValidationError,
        NotImplementedError,
        RuntimeError,
        EOFError,
    ):
        raise _unreadable() from None


def told(path: Path) -> tuple[Told, Template]:
    """What was told, and the template, of a shot that has been read before; its pictures are left alone.

    Raises:
        SetAside: ``screen.unreadable``.
        OSError: the file cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _TOLD.validate_json(archive.read("shot.json")), load(archive.read("template.json"))
    except (ValueError, KeyError, zipfile.BadZipFile, Misuse):
        raise _unreadable() from None


def picture(png: bytes) -> NDArray[np.uint8]:
    """(rows, columns, 3) BGR. Raises SetAside ``screen.unreadable``."""
    if len(png) < 24 or int.from_bytes(png[16:20]) * int.from_bytes(png[20:24]) > MOST_PIXELS:
        raise _unreadable()
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        raise _unreadable()
    return np.asarray(decoded, np.uint8)


def _unreadable() -> SetAside:
    return SetAside(
        "screen.unreadable",
        Bilingual("屏幕采集文件已损坏", "The screen capture is damaged"),
        Bilingual("请在控制台重新显示该图像", "Show the image on the console once more"),
    )
