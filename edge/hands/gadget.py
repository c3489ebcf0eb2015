"""The box as a USB keyboard and pointer: a gadget in configfs (the kernel's usb/gadget_configfs.rst)."""

from __future__ import annotations

from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual

ROOT = Path("/sys/kernel/config/usb_gadget")
PORTS = Path("/sys/class/udc")
_NAME = "qcbox-hands"
_KEYBOARD = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810295017508810395067508150026ff000507190029ff8100c0"
)
"""Boot keyboard (HID 1.11, B.1) without lamps: 8 modifiers, a spare byte, six keys."""
_POINTER = bytes.fromhex(
    "05010902a1010901a10005091901290315002501950375018102950175058103050109300931150026ff7f751095028102c0c0"
)
"""Three buttons, then X and Y from 0 to 32767, absolute."""
_FUNCTIONS = (("hid.keyboard", 1, 8, _KEYBOARD), ("hid.pointer", 2, 5, _POINTER))


def create(root: Path = ROOT, ports: Path = PORTS) -> None:
    """Make it and connect it; ``/dev/hidg0`` types, ``/dev/hidg1`` points.

    Raises:
        Misuse: ``hands.gadget``: the kernel has no gadgets, no port is a device port, or one is there already.
    """
    here = root / _NAME
    try:
        here.mkdir()
        # 1d6b:0104 is the Linux Foundation's composite gadget.
        for name, value in (("idVendor", "0x1d6b"), ("idProduct", "0x0104"), ("bcdUSB", "0x0200")):
            (here / name).write_text(value)
        strings = here / "strings" / "0x409"
        strings.mkdir(parents=True)
        (strings / "manufacturer").write_text("qcbox")
        (strings / "product").write_text("qcbox keyboard")
        config = here / "configs" / "c.1"
        config.mkdir(parents=True)
        for name, protocol, length, descriptor in _FUNCTIONS:
            function = here / "functions" / name
            function.mkdir(parents=True)
            (function / "protocol").write_text(str(protocol))
            (function / "subclass").write_text("1")
            (function / "report_length").write_text(str(length))
            (function / "report_desc").write_bytes(descriptor)
            (config / name).symlink_to(function)
        (here / "UDC").write_text(min(port.name for port in ports.iterdir()))
    except (OSError, ValueError):
        raise Misuse(
            "hands.gadget",
            Bilingual("无法创建 USB 键盘", "The USB keyboard cannot be made"),
            Bilingual(
                "需要 root、libcomposite 模块和 USB 设备口；已存在时先用 --remove",
                "It needs root, the module libcomposite and a USB device port; if it exists, --remove it first",
            ),
        ) from None


def remove(root: Path = ROOT) -> None:
    """Take it away, whatever of it is there: in the order that the kernel asks for."""
    here = root / _NAME
    if (here / "UDC").exists():
        (here / "UDC").write_text("\n")
    config = here / "configs" / "c.1"
    for name, *_ in _FUNCTIONS:
        (config / name).unlink(missing_ok=True)
    for folder in (config, *(here / "functions" / f[0] for f in _FUNCTIONS), here / "strings" / "0x409", here):
        if folder.is_dir():
            folder.rmdir()
