"""The one form of a package's zip: stored, sorted, no times, nothing between and nothing after its entries.

The same files give the same bytes on every machine and with every Python, and other bytes are refused although a
lenient reader might take them: what two readers can read in two ways cannot be signed.
"""

from __future__ import annotations

import io
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence

from capture.errors import Misuse
from capture.text import Bilingual

MOST_FILES = 500
_LONGEST_NAME = 200
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
"""No part begins with a dot, so there is no way out; no blank, backslash, colon or control character."""
# APPNOTE.TXT 6.3 (PKWARE), 4.3.7, 4.3.12, 4.3.16. 0x21 is the first of January 1980.
_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_STORED, _DATE, _NEEDS, _UNIX = 0, 0x21, 10, 3 << 8 | 20
_REGULAR = (stat.S_IFREG | 0o644) << 16
_ENCRYPTED = 0x1


def valid_name(name: str) -> bool:
    """Whether a file in a package may have this path."""
    return _NAME.fullmatch(name) is not None and len(name) <= _LONGEST_NAME


def written(files: Mapping[str, bytes]) -> bytes:
    """The archive of these files. Raises ValueError for a name that may not be."""
    if not all(map(valid_name, files)):
        raise ValueError("not a name of a file in a package")
    return b"".join(_pieces(files))


def read(raw: bytes, most: int) -> dict[str, bytes]:
    """The files of an archive that :func:`written` could have made.

    Args:
        raw: the whole archive.
        most: bytes that it may have.

    Raises:
        Misuse: ``content.size``, ``content.zip``, ``content.name``, ``content.twice``, ``content.packed``,
            ``content.encrypted``, ``content.link``, ``content.damaged``, ``content.form``.
    """
    if len(raw) > most:
        raise _refused("content.size", "内容包过大", "the package is too large")
    _check_end(raw)
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            _check_entries(entries)
            for entry in entries:
                files[entry.filename] = archive.read(entry)
    except (zipfile.BadZipFile, EOFError, ValueError, OSError, NotImplementedError, RuntimeError, struct.error):
        raise _refused("content.damaged", "内容包已损坏", "the package is damaged") from None
    if not _is_its_form(raw, files):
        raise _refused(
            "content.form",
            "内容包不是规定的形式（多余的字节、注释、时间或次序）",
            "the package has not the one form of a package (more bytes, comments, times or another order)",
        )
    return files


def _pieces(files: Mapping[str, bytes]) -> Iterator[bytes]:
    directory: list[bytes] = []
    at = 0
    for name, content in sorted(files.items()):
        path = name.encode("ascii")
        common = (_NEEDS, 0, _STORED, 0, _DATE, zlib.crc32(content), len(content), len(content), len(path), 0)
        head = _LOCAL.pack(b"PK\3\4", *common) + path
        directory.append(_CENTRAL.pack(b"PK\1\2", _UNIX, *common, 0, 0, 0, _REGULAR, at) + path)
        yield head
        yield content
        at += len(head) + len(content)
    tail = b"".join(directory)
    yield tail
    yield _END.pack(b"PK\5\6", 0, 0, len(files), len(files), len(tail), at, 0)


def _is_its_form(raw: bytes, files: Mapping[str, bytes]) -> bool:
    at = 0
    for piece in _pieces(files):
        if not raw.startswith(piece, at):
            return False
        at += len(piece)
    return at == len(raw)


def _check_end(raw: bytes) -> None:
    """The end record is the last thing, and promises no more entries than a package has: before any is read."""
    end = raw[-_END.size :]
    if len(end) < _END.size or not end.startswith(b"PK\5\6"):
        raise _refused(
            "content.zip",
            "不是完整的内容包（被截断、末尾有多余字节，或不是 zip）",
            "not a whole package (cut off, bytes after its end, or no zip)",
        )
    _, _, _, _, count, size, _, _ = _END.unpack(end)
    if count > MOST_FILES or size > MOST_FILES * (_CENTRAL.size + _LONGEST_NAME):
        raise _refused("content.size", "内容包文件过多", "the package has too many files")


def _check_entries(entries: Sequence[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if not valid_name(entry.orig_filename):
            raise _refused("content.name", "内容包含有不允许的路径", "the package has a path that may not be")
        if entry.filename.lower() in seen:
            raise _refused("content.twice", "内容包中有同名文件", "the package has two files of one name")
        seen.add(entry.filename.lower())
        if entry.flag_bits & _ENCRYPTED:
            raise _refused("content.encrypted", "内容包已加密", "the package is encrypted")
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise _refused("content.packed", "内容包不得压缩", "a package is not compressed")
        if not stat.S_ISREG(entry.external_attr >> 16):
            raise _refused("content.link", "内容包含有链接或特殊文件", "the package has a link or special file")


def _refused(code: str, zh: str, en: str) -> Misuse:
    return Misuse(
        code,
        Bilingual(zh, en),
        Bilingual(
            "用 qcbox content build 重新生成，或重新获取", "Build it with qcbox content build, or fetch it anew"
        ),
    )
