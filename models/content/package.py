"""Package: one release of content as one file. Its SHA-256 is its identity in signature, store and verdict."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from pydantic import ValidationError

from capture.errors import Misuse
from capture.text import Bilingual
from models.content import archive
from models.content.folder import read_folder
from models.content.kinds import MOST, check_names, manifest_of, without_seal
from models.content.manifest import NAME, FileEntry, Kind, Manifest

LARGEST = max(MOST.values())
"""Bytes of the largest package of any kind."""
_LONGEST_MANIFEST = 1_000_000


@dataclass(frozen=True, slots=True)
class Package:
    """A package that was read whole: its form, its manifest and the hash of every file have been checked.

    Whether anybody signed it is another question, answered before by whoever hands out the bytes.
    """

    manifest: Manifest
    sha256: str
    length: int
    files: Mapping[str, bytes] = field(repr=False)
    """By path, without the manifest."""

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def version(self) -> int:
        return self.manifest.version

    @property
    def kind(self) -> Kind:
        return self.manifest.kind


def open_package(raw: bytes) -> Package:
    """Read a package from its bytes. Nothing is executed, nothing is written, no file is opened.

    Raises:
        Misuse: ``content.*``: it is not exactly what :func:`pack_up` makes.
    """
    files = archive.read(raw, LARGEST)
    manifest = _manifest(files.pop(NAME, b""))
    if len(raw) > MOST[manifest.kind]:
        raise _refused("content.size", "内容包过大", "the package is too large")
    if files.keys() != manifest.files.keys():
        raise _refused(
            "content.files",
            "文件与清单不符（多出或缺少）",
            "there are more or fewer files than its manifest names",
        )
    for name, content in files.items():
        if FileEntry(sha256=_sha256(content), length=len(content)) != manifest.files[name]:
            raise _refused("content.hash", "有文件与清单中的哈希不符", "a file has not the hash of the manifest")
    check_names(manifest.kind, files)
    return Package(manifest, _sha256(raw), len(raw), MappingProxyType(files))


def pack_up(folder: Path, kind: Kind) -> bytes:
    """The package of a folder: the same files give the same bytes on every machine.

    Args:
        folder: of a rule pack, a MONAI bundle, or with a ``template.json``.
        kind: what it is.

    Raises:
        Misuse: a file is not of this kind of content, or does not say what a manifest must say.
    """
    return packed(folder.resolve().name, read_folder(folder, MOST[kind]), kind, str(folder))


def packed(name: str, files: Mapping[str, bytes], kind: Kind, where: str = "") -> bytes:
    """The package of files that are in memory; ``name`` is a bundle's own (a pack and a template name themselves).

    Args:
        name: of the folder, or what a bundle shall be called.
        files: by path.
        kind: what they are.
        where: what error texts begin with; the name by default.

    Raises:
        Misuse: as :func:`pack_up`.
    """
    where = where or name
    kept = without_seal(files, where)
    check_names(kind, kept, where)
    entries = {path: FileEntry(sha256=_sha256(kept[path]), length=len(kept[path])) for path in kept}
    manifest = manifest_of(kind, name, kept, entries, where)
    return archive.written({**kept, NAME: manifest.dump()})


def _manifest(content: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(content[:_LONGEST_MANIFEST])
    except ValidationError:
        raise _refused("content.manifest", "缺少可用的 manifest.json", "it has no usable manifest.json") from None
    if manifest.dump() != content:
        raise _refused("content.manifest", "manifest.json 不是规定的形式", "manifest.json has not its one form")
    return manifest


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _refused(code: str, zh: str, en: str) -> Misuse:
    return Misuse(
        code,
        Bilingual(zh, en),
        Bilingual(
            "用 qcbox content build 重新生成，或重新获取", "Build it with qcbox content build, or fetch it anew"
        ),
    )
