"""VNC: eyes and hand in one, by the RFB protocol 3.8 (RFC 6143). Own client: 200 lines against a GUI toolkit.

Only what is needed: raw pixels, which every server must offer, and no or a VNC password. VNC encrypts nothing
(RFC 6143, 7.2.2): use it inside one machine or a tunnel.
"""

from __future__ import annotations

import socket
import struct

import numpy as np
from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from capture.errors import Misuse, QcError
from capture.text import Bilingual
from edge.hands import stops
from edge.hands.keys import KEYS, keysym_of
from edge.hands.ports import Bgr, Button

_TIMEOUT_S = 10.0
_MOST_PIXELS = 8192 * 8192
_MOST_TEXT = 1 << 20
_RAW, _DESKTOP_SIZE, _CURSOR = 0, -223, -239
_NONE, _PASSWORD = 1, 2
_BGRX = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
"""32 bits a pixel, blue first in memory (7.4)."""
_BUTTONS: dict[Button, int] = {"left": 1, "middle": 2, "right": 4}
_FAR = Bilingual("VNC 服务器", "the VNC server")


class Vnc:
    """One connection: :class:`edge.hands.ports.Eyes` and :class:`edge.hands.ports.Hand`."""

    def __init__(self, host: str, port: int, password: str | None = None) -> None:
        """Connect.

        Raises:
            Misuse: ``hands.vnc``: the server is no RFB 3.8 server, or wants another way of logging in.
            Retry: ``hands.lost``.
        """
        try:
            self._socket = socket.create_connection((host, port), _TIMEOUT_S)
        except OSError:
            raise stops.lost(_FAR) from None
        try:
            self._greet(password)
        except QcError:
            self.close()
            raise

    def look(self) -> Bgr:
        """See :class:`~edge.hands.ports.Eyes`: asks for the whole screen, and takes what is sent after that."""
        seen = False
        while not seen:
            self._send(struct.pack(">BBHHHH", 3, 0, 0, 0, self._screen.shape[1], self._screen.shape[0]))
            seen = self._until_update()
        return self._screen[:, :, :3].copy()

    def can_type(self, text: str) -> bool:
        """Every character has a keysym."""
        return text.isprintable()

    def point(self, x: int, y: int, size: tuple[int, int]) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self._send(struct.pack(">BBHH", 5, 0, x, y))

    def click(self, x: int, y: int, size: tuple[int, int], button: Button, times: int) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        self.point(x, y, size)
        for _ in range(times):
            self._send(struct.pack(">BBHH", 5, _BUTTONS[button], x, y) + struct.pack(">BBHH", 5, 0, x, y))

    def press(self, keys: tuple[str, ...]) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        symbols = [KEYS[name].keysym for name in keys]
        down = b"".join(_key(symbol, True) for symbol in symbols)
        self._send(down + b"".join(_key(symbol, False) for symbol in reversed(symbols)))

    def type(self, text: str) -> None:
        """See :class:`~edge.hands.ports.Hand`."""
        for character in text:
            symbol = keysym_of(character)
            self._send(_key(symbol, True) + _key(symbol, False))

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _greet(self, password: str | None) -> None:
        if not self._take(12).startswith(b"RFB 003.00"):
            raise _refused()
        self._send(b"RFB 003.008\n")
        offered = self._take(self._take(1)[0])
        if password is not None and _PASSWORD in offered:
            self._send(bytes([_PASSWORD]))
            self._send(_answer(self._take(16), password))
        elif _NONE in offered:
            self._send(bytes([_NONE]))
        else:
            raise _refused()
        if self._take(4) != b"\0\0\0\0":
            raise _refused()
        self._send(b"\1")  # shared: whoever else looks on stays connected
        width, height = struct.unpack(">HH", self._take(4))
        self._take(16)
        self._skip(*struct.unpack(">I", self._take(4)))
        self._resize(width, height)
        self._send(b"\0\0\0\0" + _BGRX + struct.pack(">BxHiii", 2, 3, _RAW, _DESKTOP_SIZE, _CURSOR))

    def _until_update(self) -> bool:
        """Read messages until the next update; False when it told of another size, so that pixels are missing."""
        while (kind := self._take(1)[0]) != 0:
            if kind == 1:
                self._take(1 + 2)
                self._skip(6 * struct.unpack(">H", self._take(2))[0])
            elif kind == 3:
                self._take(3)
                self._skip(*struct.unpack(">I", self._take(4)))
            elif kind != 2:  # 2 is a bell
                raise _refused()
        (count,) = struct.unpack(">xH", self._take(3))
        same = True
        for _ in range(count):
            same &= self._rectangle()
        return same

    def _rectangle(self) -> bool:
        x, y, width, height, encoding = struct.unpack(">HHHHi", self._take(12))
        if encoding == _DESKTOP_SIZE:
            self._resize(width, height)
            return False
        if encoding == _CURSOR:  # sent apart, so that it is not drawn over what is to be seen
            self._take(4 * width * height + (width + 7) // 8 * height)
            return True
        if encoding != _RAW or y + height > self._screen.shape[0] or x + width > self._screen.shape[1]:
            raise _refused()
        pixels = np.frombuffer(self._take(4 * width * height), np.uint8)
        self._screen[y : y + height, x : x + width] = pixels.reshape(height, width, 4)
        return True

    def _resize(self, width: int, height: int) -> None:
        if not 0 < width * height <= _MOST_PIXELS:
            raise _refused()
        self._screen = np.zeros((height, width, 4), np.uint8)

    def _skip(self, count: int) -> None:
        if count > _MOST_TEXT:
            raise _refused()
        self._take(count)

    def _take(self, count: int) -> bytes:
        taken = bytearray(count)
        view = memoryview(taken)
        try:
            while view:
                got = self._socket.recv_into(view)
                if not got:
                    raise stops.lost(_FAR)
                view = view[got:]
        except OSError:
            raise stops.lost(_FAR) from None
        return bytes(taken)

    def _send(self, message: bytes) -> None:
        try:
            self._socket.sendall(message)
        except OSError:
            raise stops.lost(_FAR) from None


def _key(symbol: int, down: bool) -> bytes:
    return struct.pack(">BBxxI", 4, down, symbol)


def _answer(challenge: bytes, password: str) -> bytes:
    """DES with the password as key, the bits of each byte reversed (7.2.2; RealVNC's quirk).

    Triple DES with one key three times over is DES.
    """
    key = password.encode("latin-1", "replace")[:8].ljust(8, b"\0")
    mirrored = bytes(int(f"{byte:08b}"[::-1], 2) for byte in key)
    # VNC knows no other cipher; its weakness is the handbook's reason for a tunnel.
    cipher = Cipher(TripleDES(mirrored * 3), modes.ECB())  # noqa: S305
    encryptor = cipher.encryptor()
    return encryptor.update(challenge) + encryptor.finalize()


def _refused() -> Misuse:
    return Misuse(
        "hands.vnc",
        Bilingual("无法与 VNC 服务器通话", "The VNC server cannot be spoken with"),
        Bilingual("需要 RFB 3.8，无密码或 VNC 密码", "It must speak RFB 3.8, without or with a VNC password"),
    )
