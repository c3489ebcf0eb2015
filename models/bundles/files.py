"""The files of a bundle: listed, bounded, hashed. Nothing outside its folder is ever read."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from capture.errors import Misuse
from capture.text import Bilingual

SEAL = "SHA256SUMS"
"""A list of all other files with their hashes, in the format of ``sha256sum`` (GNU coreutils)."""
_MANY = 200
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


@dataclass(frozen=True, slots=True)
class Files:
    """What a bundle's folder held when it was read."""

    folder: Path
    hashes: Mapping[str, str]
    """SHA-256 by path inside the folder; the seal is not among them."""
    size: int
    """Bytes, all files together."""

    @property
    def sha256(self) -> str:
        """One hash over all files and their names: the bundle's identity."""
        return hashlib.sha256(seal_text(self.hashes).encode()).hexdigest()

    def read(self, name: str) -> bytes:
        """One of the files, if it still is what it was.

        Raises:
            Misuse: it changed since the bundle was loaded, or cannot be read.
        """
        content = _read(self.folder / name, self.size)
        if hashlib.sha256(content).hexdigest() != self.hashes[name]:
            raise Misuse(
                "bundle.changed",
                Bilingual(
                    f"{self.folder / name} 载入后被改动", f"{self.folder / name} changed after it was loaded"
                ),
                Bilingual("重新启动程序以重新载入", "Start the program again to load it anew"),
            )
        return content


def list_files(folder: Path, most: int) -> Files:
    """Every file of a bundle, hashed; where a seal is there it must fit.

    Args:
        folder: of the bundle.
        most: bytes that all files together may have.

    Raises:
        Misuse: not a folder, a link or special file inside, too many or too large, or the seal is broken.
    """
    found = dict(sorted(_walk(folder, folder)))
    size = sum(found.values())
    if size > most:
        raise Misuse(
            "bundle.size",
            Bilingual(
                f"{folder} 共 {size / 1e6:.1f} MB，超过上限 {most / 1e6:.0f} MB",
                f"{folder} has {size / 1e6:.1f} MB, more than {most / 1e6:.0f} MB",
            ),
            Bilingual(
                "本盒只用 models/model.onnx，请去掉 model.pt、model.ts 等文件；或调整 content.bundle_mb",
                "The box uses models/model.onnx only: leave out model.pt and model.ts, or set content.bundle_mb",
            ),
        )
    contents = {name: _read(folder / name, length) for name, length in found.items()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items() if name != SEAL}
    if SEAL in contents:
        _check_seal(folder, contents[SEAL], hashes)
    return Files(folder, MappingProxyType(hashes), size)


def seal(folder: Path) -> None:
    """Write the seal of a finished bundle; ``sha256sum --check SHA256SUMS`` in the folder verifies it, too."""
    (folder / SEAL).unlink(missing_ok=True)
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    (folder / SEAL).write_text(seal_text(list_files(folder, total).hashes), encoding="utf-8")


def seal_text(hashes: Mapping[str, str]) -> str:
    """The seal's text."""
    return "".join(f"{digest}  {name}\n" for name, digest in sorted(hashes.items()))


def _walk(top: Path, folder: Path) -> Iterator[tuple[str, int]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(folder, error) from None
    if len(entries) > _MANY:
        raise _odd(folder, "文件过多", "too many files")
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(top, path)
        elif entry.is_file(follow_symlinks=False):
            yield path.relative_to(top).as_posix(), entry.stat(follow_symlinks=False).st_size
        else:
            raise _odd(path, "不是普通文件（如符号链接）", "not a regular file (a link, for example)")


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _check_seal(folder: Path, content: bytes, hashes: Mapping[str, str]) -> None:
    lines = [_LINE.fullmatch(line) for line in content.decode("utf-8", "replace").splitlines()]
    stated = {line[2]: line[1] for line in lines if line}
    wrong = sorted(name for name in stated.keys() | hashes.keys() if stated.get(name) != hashes.get(name))
    if wrong or not all(lines):
        raise Misuse(
            "bundle.seal",
            Bilingual(
                f"{folder} 与其 SHA256SUMS 不符：{'、'.join(wrong[:3])}",
                f"{folder} does not match its SHA256SUMS: {', '.join(wrong[:3])}",
            ),
            Bilingual(
                "文件可能在复制时损坏，请重新获取", "Files may have been damaged on the way: fetch them again"
            ),
        )


def _odd(path: Path, zh: str, en: str) -> Misuse:
    return Misuse(
        "bundle.file",
        Bilingual(f"{path}：{zh}", f"{path}: {en}"),
        Bilingual("网络包是只含普通文件的文件夹", "A bundle is a folder of regular files"),
    )


def _unreadable(path: Path, error: OSError) -> Misuse:
    reason = error.strerror or type(error).__name__
    return Misuse(
        "bundle.unreadable",
        Bilingual(f"{path} 无法读取：{reason}", f"{path} cannot be read: {reason}"),
        Bilingual("检查路径和权限", "Look at the path and its permissions"),
    )
