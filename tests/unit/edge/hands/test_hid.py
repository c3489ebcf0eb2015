"""The USB keyboard and pointer, heard by a host of our own: which keys went down, and where the pointer stood."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from capture.errors import Misuse, Retry
from edge.hands import gadget
from edge.hands.hid import FARTHEST, Hid

_ROWS = {0x04: "abcdefghijklmnopqrstuvwxyz", 0x1E: "1234567890"}
_SHIFTED_DIGITS = ")!@#$%^&*("
_OTHERS = {0x2C: "  ", 0x2D: "-_", 0x2E: "=+", 0x2F: "[{", 0x30: "]}", 0x31: "\\|", 0x33: ";:", 0x34: "'\"",
           0x35: "`~", 0x36: ",<", 0x37: ".>", 0x38: "/?"}  # fmt: skip


@dataclass
class Host:
    """Reads the reports at the other end of the lead, as a US keyboard's driver does."""

    keyboard: int
    pointer: int

    def typed(self) -> str:
        text = ""
        reports = _reports(self.keyboard, 8)
        for report in reports:
            for usage in filter(None, report[2:]):
                text += _character(usage, bool(report[0] & 0x22))
        assert not reports or reports[-1] == bytes(8), "a key is still down"
        return text

    def chords(self) -> list[tuple[int, tuple[int, ...]]]:
        return [(one[0], tuple(filter(None, one[2:]))) for one in _reports(self.keyboard, 8) if one != bytes(8)]

    def places(self) -> list[tuple[int, int, int]]:
        return [struct.unpack("<BHH", one) for one in _reports(self.pointer, 5)]


def _reports(descriptor: int, length: int) -> list[bytes]:
    try:
        said = os.read(descriptor, 1 << 16)
    except BlockingIOError:
        said = b""
    assert len(said) % length == 0
    return [said[at : at + length] for at in range(0, len(said), length)]


def _character(usage: int, shift: bool) -> str:
    for first, row in _ROWS.items():
        if first <= usage < first + len(row):
            plain = row[usage - first]
            if not shift:
                return plain
            return _SHIFTED_DIGITS[int(plain)] if plain.isdigit() else plain.upper()
    return _OTHERS[usage][shift]


@pytest.fixture
def lead(tmp_path: Path) -> Iterator[tuple[Hid, Host]]:
    paths = [tmp_path / "hidg0", tmp_path / "hidg1"]
    for path in paths:
        os.mkfifo(path)
    ends = [os.open(path, os.O_RDONLY | os.O_NONBLOCK) for path in paths]
    hid = Hid(paths[0], paths[1], pause=lambda seconds: None)
    yield hid, Host(*ends)
    hid.close()
    for end in ends:
        os.close(end)


def test_every_printable_character_arrives_as_it_is(lead: tuple[Hid, Host]) -> None:
    hid, host = lead
    everything = "".join(chr(code) for code in range(0x20, 0x7F))
    assert hid.can_type(everything)
    hid.type(everything)
    assert host.typed() == everything


def test_what_has_no_key_is_not_typed(lead: tuple[Hid, Host]) -> None:
    hid, host = lead
    assert not hid.can_type("乙级") and not hid.can_type("é") and not hid.can_type("a\n")
    with pytest.raises(ValueError, match="can_type"):
        hid.type("乙")
    assert host.typed() == ""


def test_keys_go_down_together(lead: tuple[Hid, Host]) -> None:
    hid, host = lead
    hid.press(("ctrl", "shift", "a"))
    hid.press(("F12",))
    assert host.chords() == [(0x03, (0x04,)), (0x00, (0x45,))]


def test_the_pointer_stands_in_the_middle_of_the_pixel(lead: tuple[Hid, Host]) -> None:
    hid, host = lead
    hid.click(0, 0, (1920, 1080), "left", 2)
    hid.point(1919, 1079, (1920, 1080))
    hid.click(1919, 1079, (1920, 1080), "right", 1)
    places = host.places()
    assert [one[0] for one in places] == [0, 1, 0, 1, 0, 0, 0, 2, 0]
    for (_, x, y), at in ((places[0], (0, 0)), (places[-1], (1919, 1079))):
        assert (x * 1920 // (FARTHEST + 1), y * 1080 // (FARTHEST + 1)) == at


def test_a_lead_that_is_out_is_said(tmp_path: Path) -> None:
    path = tmp_path / "hidg0"
    os.mkfifo(path)
    with pytest.raises(Retry, match=r"hands\.lost"):
        Hid(path, path)
    other = tmp_path / "hidg1"
    os.mkfifo(other)
    ends = [os.open(one, os.O_RDONLY | os.O_NONBLOCK) for one in (path, other)]
    hid = Hid(path, other, pause=lambda seconds: None)
    for end in ends:
        os.close(end)
    with pytest.raises(Retry, match=r"hands\.lost"):
        hid.type("a")
    hid.close()
    hid.close()


def test_a_host_that_does_not_fetch_reports_is_lost(tmp_path: Path) -> None:
    """A suspended console: the pipe fills, and the hand gives up."""
    paths = [tmp_path / "hidg0", tmp_path / "hidg1"]
    for path in paths:
        os.mkfifo(path)
    ends = [os.open(path, os.O_RDONLY | os.O_NONBLOCK) for path in paths]
    hid = Hid(paths[0], paths[1], pause=lambda seconds: None)
    with pytest.raises(Retry, match=r"hands\.lost"):
        hid.type("a" * 5000)
    hid.close()
    for end in ends:
        os.close(end)


def test_the_gadget_is_what_the_kernel_asks_for(tmp_path: Path) -> None:
    root, ports = tmp_path / "usb_gadget", tmp_path / "udc"
    (ports / "fe980000.usb").mkdir(parents=True)
    root.mkdir()
    gadget.create(root, ports)
    here = root / "qcbox-hands"
    assert (here / "UDC").read_text() == "fe980000.usb"
    lengths = {}
    for name in ("hid.keyboard", "hid.pointer"):
        function = here / "functions" / name
        assert (here / "configs" / "c.1" / name).resolve() == function.resolve()
        described = _input_bits((function / "report_desc").read_bytes()) // 8
        assert described == int((function / "report_length").read_text())
        lengths[name] = described
    assert lengths == {"hid.keyboard": 8, "hid.pointer": 5}
    with pytest.raises(Misuse, match=r"hands\.gadget"):
        gadget.create(root, ports)


def test_without_a_device_port_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "udc").mkdir()
    (tmp_path / "usb_gadget").mkdir()
    with pytest.raises(Misuse, match=r"hands\.gadget"):
        gadget.create(tmp_path / "usb_gadget", tmp_path / "udc")


def _input_bits(descriptor: bytes) -> int:
    """Bits of an input report, by the items of its descriptor (HID 1.11, 6.2.2)."""
    at = size = count = bits = 0
    while at < len(descriptor):
        length = (0, 1, 2, 4)[descriptor[at] & 3]
        value = int.from_bytes(descriptor[at + 1 : at + 1 + length], "little")
        kind = descriptor[at] & 0xFC
        size = value if kind == 0x74 else size
        count = value if kind == 0x94 else count
        bits += size * count if kind == 0x80 else 0
        at += 1 + length
    return bits
