"""Where frames come from. :func:`make` is the one door; each kind is a file here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from capture.screen.frame import FrameSource
from capture.screen.perspective import Corners, Upright
from capture.screen.settings import ScreenSettings
from capture.screen.sources.ffmpeg import FfmpegSource, command
from capture.screen.sources.files import FolderOfPictures
from capture.screen.sources.v4l2 import V4L2Source


def make(settings: ScreenSettings, corners: Callable[[], Corners | None] = lambda: None) -> FrameSource:
    """The source of a screen, not opened. ``corners``: where the screen lies in a camera's picture now."""
    if settings.kind == "camera":
        return Upright(_make(settings), corners)
    return _make(settings)


def _make(settings: ScreenSettings) -> FrameSource:
    if settings.kind == "v4l2" or settings.address.startswith("/dev/"):
        return V4L2Source(settings.address, fps=settings.fps, edid=settings.edid and settings.kind == "v4l2")
    path = Path(settings.address)
    if settings.kind == "files" and not path.is_file():
        return FolderOfPictures(path, fps=settings.fps)
    return FfmpegSource(command(settings), fps=settings.fps, film=settings.kind == "files")
