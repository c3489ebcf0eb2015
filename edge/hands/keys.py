"""Names of keys, with the keysym that X11 and VNC know them by and the usage that USB knows them by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Key:
    """``keysym``: X11's keysymdef.h. ``usage``: HID Usage Tables 1.5, page 0x07. ``modifier``: bit of byte 0."""

    keysym: int
    usage: int = 0
    modifier: int = 0


_SHIFT = 0x02
KEYS: dict[str, Key] = {
    "ctrl": Key(0xFFE3, modifier=0x01),
    "shift": Key(0xFFE1, modifier=_SHIFT),
    "alt": Key(0xFFE9, modifier=0x04),
    "super": Key(0xFFEB, modifier=0x08),
    "Return": Key(0xFF0D, 0x28),
    "Escape": Key(0xFF1B, 0x29),
    "BackSpace": Key(0xFF08, 0x2A),
    "Tab": Key(0xFF09, 0x2B),
    "Insert": Key(0xFF63, 0x49),
    "Home": Key(0xFF50, 0x4A),
    "PageUp": Key(0xFF55, 0x4B),
    "Delete": Key(0xFFFF, 0x4C),
    "End": Key(0xFF57, 0x4D),
    "PageDown": Key(0xFF56, 0x4E),
    "Right": Key(0xFF53, 0x4F),
    "Left": Key(0xFF51, 0x50),
    "Down": Key(0xFF54, 0x51),
    "Up": Key(0xFF52, 0x52),
    "space": Key(0x20, 0x2C),
}
KEYS |= {f"F{n}": Key(0xFFBD + n, 0x39 + n) for n in range(1, 13)}
KEYS |= {chr(ord("a") + n): Key(ord("a") + n, 0x04 + n) for n in range(26)}
KEYS |= {str(n): Key(ord("0") + n, 0x1D + n if n else 0x27) for n in range(10)}

_PLAIN = dict(zip("-=[]\\;'`,./", (0x2D, 0x2E, 0x2F, 0x30, 0x31, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38), strict=True))
_SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1234567890-=[]\\;'`,./", strict=True))


def keysym_of(character: str) -> int:
    """Keysym of a character: Latin-1 is its own, all others lie at 0x01000000 (X11 protocol, appendix A)."""
    code = ord(character)
    return code if 0x20 <= code <= 0x7E or 0xA0 <= code <= 0xFF else 0x01000000 + code


def usage_of(character: str) -> Key | None:
    """The key of a US keyboard that gives a character; None when no key does."""
    if character == " ":
        return KEYS["space"]
    if character in _PLAIN:
        return Key(ord(character), _PLAIN[character])
    if character in _SHIFTED:
        plain = usage_of(_SHIFTED[character])
        assert plain is not None  # noqa: S101 - every value above is a key
        return Key(ord(character), plain.usage, _SHIFT)
    if not character.isascii() or not character.isalnum():
        return None
    plain = KEYS[character.lower()]
    return Key(ord(character), plain.usage, _SHIFT if character.isupper() else 0)
