"""Zip files that try to be packages: each wrong in one way, made by hand where zipfile would not make them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping

from models.content import archive
from models.content.manifest import NAME
from models.content.package import open_package, packed

FILES = {
    "pack.toml": b"""name = "test-pack"
version = 3
layer = "L2"
authors = ["a physicist"]
[title]
zh = "\xe8\xaf\x95"
en = "Trial"
[note]
zh = "\xe8\xaf\x95"
en = "For tests"
""",
    "rules.toml": b"",
    "cases.toml": b"",
}


def good() -> bytes:
    """A package that is one."""
    return packed("test-pack", FILES, "pack")


def members() -> dict[str, bytes]:
    """Its files with their manifest."""
    package = open_package(good())
    return {**package.files, NAME: package.manifest.dump()}


def zipped(files: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED, **changes: object) -> bytes:
    """As zipfile makes it; ``changes`` are set on every entry."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as target:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = compression
            entry.external_attr = 0o100644 << 16
            for key, value in changes.items():
                setattr(entry, key, value)
            target.writestr(entry, content)
    return made.getvalue()


def entries(*pairs: tuple[str, bytes]) -> bytes:
    """An archive with these entries in this order: any name, any number of times."""
    body, directory = b"", b""
    for name, content in pairs:
        whole = _one(content)
        path = name.encode()
        head, central = _renamed(whole, path)
        directory += central[:42] + struct.pack("<I", len(body)) + central[46:]
        body += head + content
    count = len(pairs)
    return body + directory + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)


def patched(raw: bytes, change: Callable[[bytearray, int, int], None]) -> bytes:
    """``change(raw, local header, directory entry)`` of ``pack.toml``."""
    made = bytearray(raw)
    local = made.index(b"pack.toml") - 30
    change(made, local, made.rindex(b"pack.toml") - 46)
    return bytes(made)


def _one(content: bytes) -> bytes:
    return archive.written({"x": content})


def _renamed(whole: bytes, path: bytes) -> tuple[bytes, bytes]:
    at = whole.rindex(b"PK\1\2")
    length = struct.pack("<H", len(path))
    return whole[:26] + length + whole[28:30] + path, whole[at : at + 28] + length + whole[
        at + 30 : at + 46
    ] + path
