"""VNC: a real server with a password, and servers that mean harm."""

from __future__ import annotations

import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from capture.errors import Misuse, QcError, Retry
from edge.hands.far import far_end
from edge.hands.vnc import Vnc
from tests.desktop import desktop
from tests.peers import PATIENCE_S, free_port


@pytest.mark.real
def test_a_password_opens_and_another_does_not(tmp_path: Path) -> None:
    stored = tmp_path / "passwd"
    stored.write_bytes(
        subprocess.run(["vncpasswd", "-f"], input=b"secret7\n", capture_output=True, check=True).stdout
    )
    with desktop("-SecurityTypes", "VncAuth", "-PasswordFile", str(stored), size="320x200") as one:
        with closing(one.vnc("secret7")) as vnc:
            assert vnc.look().shape == (200, 320, 3)
            one.start("xdotool", "getmouselocation").wait(PATIENCE_S)
        with pytest.raises(Misuse, match=r"hands\.vnc"):
            one.vnc("another")
        with pytest.raises(Misuse, match=r"hands\.vnc"):
            one.vnc()


@contextmanager
def server(said: bytes) -> Iterator[int]:
    """Says this to whoever comes, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            peer, _ = listening.accept()
            with peer, suppress(OSError):
                peer.sendall(said)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


_HELLO = b"RFB 003.008\n" + b"\x01\x01" + bytes(4)


def init(width: int, height: int, name: int = 0) -> bytes:
    return struct.pack(">HH", width, height) + bytes(16) + struct.pack(">I", name)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"HTTP/1.1 400 Bad", "hands.vnc"),
        (b"RFB 004.000\n\x01\x01", "hands.vnc"),
        (b"RFB 003.008\n\x01\x13", "hands.vnc"),
        (b"RFB 003.008\n\x00\x00\x00\x00\x04oops", "hands.vnc"),
        (b"RFB 003.008\n\x01\x01\x00\x00\x00\x01", "hands.vnc"),
        (b"RFB 00", "hands.lost"),
        (_HELLO + init(65535, 65535), "hands.vnc"),
        (_HELLO + init(0, 10), "hands.vnc"),
        (_HELLO + init(100, 100, 1 << 31), "hands.vnc"),
    ],
)
def test_a_server_that_is_none_is_refused(said: bytes, code: str) -> None:
    with server(said) as port, pytest.raises(QcError) as caught:
        Vnc("127.0.0.1", port)
    assert caught.value.code == code


def rectangle(x: int, y: int, width: int, height: int, encoding: int, pixels: bytes) -> bytes:
    return struct.pack(">HHHHi", x, y, width, height, encoding) + pixels


@pytest.mark.parametrize(
    ("update", "code"),
    [
        (b"\x00\x00\x00\x01" + rectangle(50, 0, 60, 10, 0, b""), "hands.vnc"),
        (b"\x00\x00\x00\x01" + rectangle(0, 0, 9, 9, 5, b""), "hands.vnc"),
        (b"\x00\x00\x00\x01" + rectangle(0, 0, 65535, 65535, -223, b""), "hands.vnc"),
        (b"\x03\x00\x00\x00" + struct.pack(">I", 1 << 31), "hands.vnc"),
        (b"\x09", "hands.vnc"),
        (b"\x00\x00\x00\x01" + rectangle(0, 0, 100, 50, 0, b"short"), "hands.lost"),
    ],
)
def test_an_update_that_does_not_fit_is_refused(update: bytes, code: str) -> None:
    with server(_HELLO + init(100, 50) + update) as port, closing(Vnc("127.0.0.1", port)) as vnc:
        with pytest.raises(QcError) as caught:
            vnc.look()
        assert caught.value.code == code


def test_bells_clipboards_cursors_and_another_size_are_understood() -> None:
    said = b"\x02" + b"\x03\x00\x00\x00" + struct.pack(">I", 4) + b"clip"
    said += b"\x01\x00" + struct.pack(">HH", 0, 1) + bytes(6)
    said += b"\x00\x00\x00\x02" + rectangle(1, 1, 9, 2, -239, bytes(9 * 2 * 4 + 2 * 2))
    said += rectangle(0, 0, 3, 2, -223, b"")
    said += b"\x00\x00\x00\x01" + rectangle(0, 0, 3, 2, 0, bytes(range(24)))
    with server(_HELLO + init(100, 50) + said) as port, closing(Vnc("127.0.0.1", port)) as vnc:
        seen = vnc.look()
    assert seen.shape == (2, 3, 3) and seen[0, 1].tolist() == [4, 5, 6]


def test_nobody_there_and_addresses_that_are_none() -> None:
    with pytest.raises(Retry, match=r"hands\.lost"):
        Vnc("127.0.0.1", free_port())
    for to in ("vnc:", "vnc://:5900", "vnc://host:x", "x11:", "usb:/dev/hidg0,/dev/hidg1", "telnet://host"):
        with pytest.raises(Misuse, match=r"hands\.address"), far_end(to, None, None):
            pass
