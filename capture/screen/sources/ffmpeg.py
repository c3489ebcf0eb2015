"""Streams, X11 screens and films through ffmpeg, a process of its own: a codec that dies takes only itself.

It writes BMP, of which each says its own size. What it has to say goes nowhere: it would quote the address.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import IO
from urllib.parse import quote

import numpy as np

from capture.screen import words
from capture.screen.frame import Frame
from capture.screen.settings import ScreenSettings
from capture.screen.signal import NoPicture, Signal

_HEAD = 54
_MOST_SIDE = 8192
_PROTOCOLS = "rtsp,rtp,udp,tcp,tls,http,https"
"""A stream may not send us to a file of this box."""
_GRACE_S = 2.0


def command(settings: ScreenSettings) -> tuple[str, ...]:
    """ffmpeg's arguments for a screen."""
    rate = f"{settings.fps:g}"
    begin = ("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "quiet", "-threads", "1")
    if settings.kind == "x11":
        source: tuple[str, ...] = ("-f", "x11grab", "-draw_mouse", "0", "-framerate", rate, "-i", settings.address)
    elif settings.kind == "files":
        source = ("-protocol_whitelist", "file", "-re", "-i", settings.address)
    else:
        source = (*_live(settings), "-i", _with_login(settings))
    end = ("-an", "-sn", "-dn", "-vf", f"fps={rate}", "-pix_fmt", "bgr24", "-c:v", "bmp", "-f", "image2pipe", "-")
    return (*begin, *source, *end)


def _live(settings: ScreenSettings) -> tuple[str, ...]:
    """As little delay as the stream allows; RTSP over TCP, since a lost packet is a wrong digit."""
    options = ("-fflags", "nobuffer", "-flags", "low_delay", "-protocol_whitelist", _PROTOCOLS)
    return (*options, "-rtsp_transport", "tcp") if settings.address.startswith("rtsp://") else options


def _with_login(settings: ScreenSettings) -> str:
    if not settings.user:
        return settings.address
    scheme, _, rest = settings.address.partition("://")
    secret = settings.password.get_secret_value() if settings.password else ""
    return f"{scheme}://{quote(settings.user, safe='')}:{quote(secret, safe='')}@{rest}"


class FfmpegSource:
    """See :class:`~capture.screen.frame.FrameSource`. ``film``: its last picture stays when it is over."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        fps: float,
        film: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._arguments, self._period, self._film, self._clock = list(arguments), 1 / fps, film, clock
        self._running: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._came = threading.Condition()
        self._newest: tuple[bytes, float] | None = None
        self._last: Frame | None = None
        self._over = False

    def open(self) -> None:
        """See :class:`FrameSource`. Raises NoPicture when there is no ffmpeg."""
        try:
            self._running = subprocess.Popen(  # noqa: S603 - a list of arguments, no shell
                self._arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except FileNotFoundError:
            raise NoPicture(words.NO_FFMPEG) from None
        self._over, self._newest = False, None
        self._reader = threading.Thread(target=self._take, args=(self._running.stdout,), daemon=True)
        self._reader.start()

    def read(self, timeout_s: float) -> Frame | None:
        """See :class:`FrameSource`. Raises NoPicture when ffmpeg has ended."""
        with self._came:
            patience = min(timeout_s, self._period) if self._film and self._over else timeout_s
            self._came.wait_for(lambda: self._newest is not None or (self._over and not self._film), patience)
            newest, self._newest = self._newest, None
            over = self._over
        if newest is not None:
            self._last = _frame(*newest)
        elif over and not (self._film and self._last):
            raise NoPicture(self._why())
        elif over and self._last:
            seen = self._last
            return Frame(seen.data, seen.format, seen.width, seen.height, self._clock())
        return self._last if newest is not None else None

    def close(self) -> None:
        """See :class:`FrameSource`."""
        running, self._running = self._running, None
        if running is None:
            return
        running.terminate()
        try:
            running.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
        if self._reader is not None:
            self._reader.join()
        if running.stdout is not None:
            running.stdout.close()

    def _why(self) -> Signal:
        return words.UNREADABLE if self._film else words.NO_STREAM

    def _take(self, pipe: IO[bytes]) -> None:
        """Keep the newest picture only: a reader that is busy for a second must not fall behind by one."""
        with suppress(OSError, ValueError):
            while bmp := _bmp(pipe):
                with self._came:
                    self._newest = (bmp, self._clock())
                    self._came.notify()
        with self._came:
            self._over = True
            self._came.notify()


def _bmp(pipe: IO[bytes]) -> bytes:
    """One whole file; empty at the end. Raises ValueError when it is none."""
    head = pipe.read(_HEAD)
    if len(head) < _HEAD:
        return b""
    width, height, size = (int.from_bytes(head[at : at + 4], "little") for at in (18, 22, 2))
    if head[:2] != b"BM" or max(width, height) > _MOST_SIDE or size != _HEAD + _stride(width) * height:
        raise ValueError
    rest = pipe.read(size - _HEAD)
    return head + rest if len(rest) == size - _HEAD else b""


def _stride(width: int) -> int:
    return (width * 3 + 3) // 4 * 4


def _frame(bmp: bytes, at: float) -> Frame:
    """BMP rows go upwards and are padded."""
    width, height = (int.from_bytes(bmp[start : start + 4], "little") for start in (18, 22))
    rows = np.frombuffer(bmp, np.uint8, offset=_HEAD).reshape(height, _stride(width))
    return Frame(rows[::-1, : width * 3].tobytes(), "bgr24", width, height, at)
