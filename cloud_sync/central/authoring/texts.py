"""The text of a pack: three TOML files. It is the one form in which a draft is kept, edited and signed."""

from __future__ import annotations

import io
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources.abc import Traversable

from capture.errors import Misuse
from capture.text import Bilingual
from models.rules import toml

FILES = ("pack.toml", "rules.toml", "cases.toml")
LARGEST = 1_000_000
"""Bytes of one file."""
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What Python unpacks piece by piece; of others it unpacks all that a few kB hold, whatever was asked for."""


@dataclass(frozen=True, slots=True)
class PackText:
    """What a pack says, as its authors wrote it, comments and all."""

    pack: str
    rules: str
    cases: str

    @property
    def files(self) -> Mapping[str, str]:
        return dict(zip(FILES, (self.pack, self.rules, self.cases), strict=True))

    def with_file(self, name: str, text: str) -> PackText:
        """With another text of one of FILES. Line ends become those of our files."""
        return replace(self, **{name.removesuffix(".toml"): text.replace("\r\n", "\n").replace("\r", "\n")})

    @property
    def name(self) -> str:
        """As pack.toml says; "" when it cannot be read."""
        return str(self._head().get("name", ""))

    @property
    def version(self) -> int:
        """As pack.toml says; 0 when it cannot be read."""
        version = self._head().get("version")
        return version if isinstance(version, int) else 0

    @property
    def layer(self) -> str:
        """As pack.toml says; "" when it cannot be read."""
        return str(self._head().get("layer", ""))

    def _head(self) -> dict[str, object]:
        try:
            return toml.loads(self.pack)
        except tomllib.TOMLDecodeError:
            return {}


def read_folder(folder: Traversable) -> PackText:
    """A pack as it lies in a folder of this release."""
    return PackText(*((folder / name).read_text(encoding="utf-8") for name in FILES))


def as_zip(name: str, text: PackText) -> bytes:
    """The folder ``name`` with its three files, for one's own version control. The same text, the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for file, content in text.files.items():
            archive.writestr(zipfile.ZipInfo(f"{name}/{file}"), content.encode())
    return out.getvalue()


def from_zip(raw: bytes) -> PackText:
    """The three files of a zip: at its top or all in one folder. Anything beside them is not read.

    Raises:
        Misuse: it is no zip, lacks a file, has one twice, or one is too large or not UTF-8.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            return PackText(*(_read(archive, name) for name in FILES))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise _unusable() from None


def _read(archive: zipfile.ZipFile, name: str) -> str:
    [entry] = [one for one in archive.infolist() if one.filename.split("/")[-1] == name]
    if entry.compress_type not in _PACKED:
        raise ValueError(name)
    with archive.open(entry) as file:
        content = file.read(LARGEST + 1)  # never what the entry claims: that may be a bomb
    if len(content) > LARGEST:
        raise ValueError(name)
    return content.decode("utf-8").replace("\r\n", "\n")


def _unusable() -> Misuse:
    return Misuse(
        "draft.file",
        Bilingual("这个文件不是规则包的 zip", "This file is not a zip of a rule pack"),
        Bilingual(
            "zip 中须有 pack.toml、rules.toml、cases.toml 各一个，UTF-8，各不超过 1 MB，用普通（deflate）压缩",
            "It holds one pack.toml, rules.toml and cases.toml, in UTF-8, 1 MB at most each, deflated or stored",
        ),
    )
