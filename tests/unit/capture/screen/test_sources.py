"""Films, folders, streams and X11 screens, with a real ffmpeg and a real X server; a camera that looks askew."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from capture.screen import perspective, pixels, sources, words
from capture.screen.frame import Frame, FrameSource
from capture.screen.perspective import Corners
from capture.screen.settings import ScreenSettings
from capture.screen.signal import NoPicture, Signal, State
from capture.screen.sources.ffmpeg import FfmpegSource, command
from capture.screen.sources.files import FolderOfPictures
from capture.screen.watchdog import Watched
from tests.peers import free_port

PATIENCE_S = 60.0


def settings(**given: object) -> ScreenSettings:
    return ScreenSettings.model_validate({"name": "one", "fps": 20, **given})


def shown(number: int, size: tuple[int, int] = (120, 90)) -> NDArray[np.uint8]:
    """A picture that says its number in its grey level."""
    picture = np.full((size[1], size[0], 3), 20 + number * 40, np.uint8)
    picture[: size[1] // 2] = 250
    return picture


def number_of(frame: Frame) -> int:
    return round((int(pixels.luma(frame, 1)[-4, 4]) - 20) / 40)


def frames(source: FrameSource, wanted: Callable[[list[Frame]], bool]) -> list[Frame]:
    taken: list[Frame] = []
    end = time.monotonic() + PATIENCE_S
    while not wanted(taken):
        assert time.monotonic() < end, f"only {len(taken)} frames"
        frame = source.read(0.2)
        if frame is not None:
            taken.append(frame)
    return taken


def why(action: Callable[[], object]) -> Signal:
    with pytest.raises(NoPicture) as said:
        action()
    return said.value.signal


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mkv"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (120, 90))
    for number in range(5):
        for _ in range(4):  # only the newest is kept: each picture has to outlast a pause of who looks
            writer.write(shown(number))
    writer.release()
    return path


def test_a_film_plays_and_its_last_picture_stays(film: Path) -> None:
    source = sources.make(settings(kind="files", address=str(film)))
    source.open()
    taken = frames(source, lambda taken: len(taken) > 3 and all(number_of(one) == 4 for one in taken[-12:]))
    source.close()
    source.close()
    seen = [number_of(one) for one in taken]
    assert seen == sorted(seen) and set(seen) >= {2, 3, 4}
    assert {(one.format, one.width, one.height) for one in taken} == {("bgr24", 120, 90)}
    assert [one.time for one in taken] == sorted(one.time for one in taken)


def test_a_film_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(b"no film at all")
    source = sources.make(settings(kind="files", address=str(path)))
    source.open()
    assert why(lambda: frames(source, lambda taken: False)) is words.UNREADABLE
    source.close()


def test_a_folder_shows_each_picture_and_then_the_last(tmp_path: Path) -> None:
    now = 100.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.{'jpg' if number == 1 else 'png'}"), shown(number))
    (tmp_path / "1a.png").write_bytes(b"half")
    later = time.time() + 60
    os.utime(tmp_path / "1a.png", (later, later))  # however long the reading takes, somebody still writes it
    (tmp_path / "notes.txt").write_text("no picture")
    source = FolderOfPictures(tmp_path, fps=10, clock=lambda: now, sleep=sleep)
    source.open()
    taken = [source.read(1.0) for _ in range(3)]
    assert [number_of(one) for one in taken if one] == [0, 1, 1], "one that is being written is waited for"
    cv2.imwrite(str(tmp_path / "1a.png"), shown(1))
    taken = [source.read(1.0) for _ in range(5)]
    assert [number_of(one) for one in taken if one] == [1, 2, 2, 2, 2]
    cv2.imwrite(str(tmp_path / "3.png"), shown(3))
    frame = source.read(1.0)
    assert frame is not None and number_of(frame) == 3 and now == pytest.approx(100.8, abs=0.11)
    assert source.read(0.01) is None, "not due yet"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    source = sources.make(settings(kind="files", address=str(tmp_path / "away")))
    assert why(source.open) is words.NO_FILE
    gone = FolderOfPictures(tmp_path / "away", fps=10)
    assert why(lambda: gone.read(0.1)) is words.NO_FILE


def stream(film: Path, port: int) -> subprocess.Popen[bytes]:
    """Somebody who sends a film without end to whoever connects, and stops when he leaves."""
    to = f"tcp://127.0.0.1:{port}?listen=1"
    arguments = ["ffmpeg", "-nostdin", "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i", str(film)]
    return subprocess.Popen([*arguments, "-c", "copy", "-f", "matroska", to])


def test_a_stream_that_ends_and_comes_back(film: Path) -> None:
    port = free_port()
    one = settings(kind="stream", address=f"tcp://127.0.0.1:{port}")
    watched = Watched(lambda: sources.make(one))

    def until(state: State) -> None:
        end = time.monotonic() + 2 * PATIENCE_S
        while watched.next(0.2)[0].signal.state is not state:
            assert time.monotonic() < end, state

    until(State.NO_SIGNAL)
    assert watched.next(0.0)[0].signal is words.NO_STREAM
    for _ in range(2):
        sender = stream(film, port)
        try:
            until(State.OK)
        finally:
            sender.kill()
            sender.wait()
        until(State.NO_SIGNAL)
    watched.close()


@pytest.fixture
def x_server(tmp_path: Path) -> Iterator[str]:
    """An X server on the first free display, which it names itself."""
    with (tmp_path / "display").open("w+") as named:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(named.fileno()), "-screen", "0", "320x240x24", "-nolisten", "tcp"],
            pass_fds=[named.fileno()], stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            end = time.monotonic() + PATIENCE_S
            while not (number := (tmp_path / "display").read_text().strip()):
                assert time.monotonic() < end and server.poll() is None, "no X server"
                time.sleep(0.05)
            yield f":{number}"
        finally:
            server.terminate()
            server.wait()


@pytest.mark.real
def test_an_x11_screen(x_server: str) -> None:
    source = sources.make(settings(kind="x11", address=x_server))
    source.open()
    taken = frames(source, lambda taken: len(taken) >= 2)
    source.close()
    assert (taken[0].width, taken[0].height) == (320, 240)
    assert pixels.picture(taken[0]).bgr.max() == 0, "an empty X server is black"


def test_no_ffmpeg() -> None:
    assert why(FfmpegSource(["no-such-ffmpeg"], fps=10).open) is words.NO_FFMPEG


@pytest.mark.parametrize(
    "script",
    [
        "printf 'this is not a bitmap, but it is longer than a head: %100d' 1",
        r"printf 'BM\377\377\377\377%70d' 1",
        "exit 1",
    ],
)
def test_what_is_no_picture_ends_the_stream(script: str) -> None:
    source = FfmpegSource(["sh", "-c", script], fps=10)
    source.open()
    assert why(lambda: frames(source, lambda taken: False)) is words.NO_STREAM
    source.close()


def test_one_that_does_not_want_to_end_is_ended() -> None:
    source = FfmpegSource(["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"], fps=10)
    source.open()
    assert source.read(0.1) is None
    source.close()
    source.close()


def test_a_login_is_quoted_and_not_part_of_the_address() -> None:
    given = settings(kind="stream", address="rtsp://192.0.2.9/live", user="qc", password="a@b/c:d")
    assert "rtsp://qc:a%40b%2Fc%3Ad@192.0.2.9/live" in command(given)
    assert "a@b" not in repr(given) and "a@b" not in given.model_dump_json()
    with pytest.raises(ValidationError):
        settings(kind="stream", address="rtsp://qc:secret@192.0.2.9/live")


def test_a_stream_cannot_send_us_to_a_file(film: Path, tmp_path: Path) -> None:
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{film}\n#EXT-X-ENDLIST\n")
    source = FfmpegSource(command(settings(kind="stream", address=f"file:{playlist}")), fps=10)
    source.open()
    assert why(lambda: frames(source, lambda taken: False)) is words.NO_STREAM
    source.close()


ASKEW = Corners(points=((40, 30), (280, 50), (270, 220), (55, 200)), width=240, height=180)


class Camera:
    """Looks at a screen from the side."""

    def __init__(self, screen: NDArray[np.uint8]) -> None:
        there = np.array(ASKEW.points, np.float32)
        height, width = screen.shape[:2]
        here = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float32)
        matrix = cv2.getPerspectiveTransform(here, there)
        self.seen = np.asarray(cv2.warpPerspective(screen, matrix, (320, 240)), np.uint8)
        self.torn = False

    def open(self) -> None:
        pass

    def read(self, timeout_s: float) -> Frame:
        content = self.seen.tobytes()
        return Frame(content[:-1] if self.torn else content, "bgr24", 320, 240, 1.0)

    def close(self) -> None:
        pass


def test_a_camera_sees_the_screen_upright_once_its_corners_are_taught(tmp_path: Path) -> None:
    screen = np.full((180, 240, 3), 60, np.uint8)
    cv2.rectangle(screen, (30, 40), (110, 90), (200, 220, 240), -1)
    cv2.circle(screen, (180, 130), 25, (40, 200, 90), -1)
    camera = Camera(screen)
    source = perspective.Upright(camera, lambda: perspective.taught(tmp_path / "one"))
    before = source.read(0.1)
    assert before is not None and (before.width, before.height) == (320, 240), "to find the corners in"
    perspective.teach(tmp_path / "one", ASKEW)
    after = source.read(0.1)
    assert after is not None and (after.width, after.height) == (240, 180)
    assert np.abs(pixels.picture(after).bgr.astype(int) - screen).mean() < 4
    camera.torn = True
    assert source.read(0.1) is None
    perspective.teach(tmp_path / "one", None)
    assert perspective.taught(tmp_path / "one") is None
    (tmp_path / "one" / "corners.json").write_text("{}")
    assert perspective.taught(tmp_path / "one") is None


@pytest.mark.parametrize(
    "points",
    [
        ((280, 50), (40, 30), (270, 220), (55, 200)),
        ((40, 30), (55, 200), (270, 220), (280, 50)),
        ((0, 0), (100, 100), (200, 200), (10, 20)),
        ((10, 10), (12, 10), (12, 12), (10, 12)),
    ],
)
def test_corners_that_are_not_those_of_a_screen(points: tuple[tuple[float, float], ...]) -> None:
    """Crossed, the wrong way round, on a line, too small."""
    with pytest.raises(ValidationError):
        Corners.model_validate({"points": points})


def test_each_kind_has_its_source() -> None:
    kinds = {
        ("v4l2", "/dev/video0"): "V4L2Source", ("camera", "/dev/video2"): "Upright",
        ("camera", "rtsp://192.0.2.9/"): "Upright", ("stream", "rtsp://192.0.2.9/"): "FfmpegSource",
        ("x11", ":0"): "FfmpegSource", ("files", "/nowhere"): "FolderOfPictures",
    }  # fmt: skip
    for (kind, address), expected in kinds.items():
        assert type(sources.make(settings(kind=kind, address=address))).__name__ == expected
