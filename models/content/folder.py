"""A folder's files in memory: regular files only, bounded, before anything looks into them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual
from models.content.archive import MOST_FILES


def read_folder(folder: Path, most: int) -> dict[str, bytes]:
    """Every file of a folder by its path inside.

    Args:
        folder: to read.
        most: bytes that all files together may have.

    Raises:
        Misuse: not a folder, a link or special file inside, or too many or too large.
    """
    found = dict(sorted(_walk(folder, folder)))
    if sum(found.values()) > most or len(found) > MOST_FILES:
        raise Misuse(
            "content.large",
            Bilingual(
                f"{folder} 共 {sum(found.values()) / 1e6:.1f} MB，超过上限 {most / 1e6:.0f} MB，或文件过多",
                f"{folder} has {sum(found.values()) / 1e6:.1f} MB (at most {most / 1e6:.0f}), or too many files",
            ),
            Bilingual(
                "只留所需文件：网络包只用 models/model.onnx，不要 model.pt、model.ts",
                "Leave in what is needed: of a network models/model.onnx only, not model.pt or model.ts",
            ),
        )
    contents = {name: read_file(folder / name, most) for name in found}
    if any(len(content) != found[name] for name, content in contents.items()):
        raise _odd(folder, "读取时被改动", "it changes while it is read")
    return contents


def _walk(top: Path, folder: Path) -> Iterator[tuple[str, int]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        raise _unreadable(folder, error) from None
    if len(entries) > MOST_FILES:
        raise _odd(folder, "文件过多", "too many files")
    for entry in entries:
        path = Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(top, path)
        elif entry.is_file(follow_symlinks=False):
            yield path.relative_to(top).as_posix(), entry.stat(follow_symlinks=False).st_size
        else:
            raise _odd(path, "不是普通文件（如符号链接）", "not a regular file (a link, for example)")


def read_file(path: Path, most: int) -> bytes:
    """One file, ``most`` bytes of it and one more. Raises Misuse: it cannot be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(most + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _odd(path: Path, zh: str, en: str) -> Misuse:
    return Misuse(
        "content.file",
        Bilingual(f"{path}：{zh}", f"{path}: {en}"),
        Bilingual("内容文件夹只含普通文件", "A folder of content holds regular files only"),
    )


def _unreadable(path: Path, error: OSError) -> Misuse:
    reason = error.strerror or type(error).__name__
    return Misuse(
        "content.unreadable",
        Bilingual(f"{path} 无法读取：{reason}", f"{path} cannot be read: {reason}"),
        Bilingual("检查路径和权限", "Look at the path and its permissions"),
    )
