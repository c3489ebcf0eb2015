"""The seal of a bundle's folder: ``SHA256SUMS``, so that a copy that was damaged on its way is noticed."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual

SEAL = "SHA256SUMS"
"""A list of all other files with their hashes, in the format of ``sha256sum`` (GNU coreutils)."""
_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")


def seal(folder: Path) -> None:
    """Write the seal of a finished bundle; ``sha256sum --check SHA256SUMS`` in the folder verifies it, too."""
    (folder / SEAL).unlink(missing_ok=True)
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    (folder / SEAL).write_text(seal_text(files), encoding="utf-8")


def seal_text(files: Mapping[str, bytes]) -> str:
    """The seal's text."""
    return "".join(f"{_sha256(content)}  {name}\n" for name, content in sorted(files.items()))


def check_seal(where: str, content: bytes, files: Mapping[str, bytes]) -> None:
    """Refuse files that are not those of the seal.

    Args:
        where: what the error's text begins with.
        content: of the seal.
        files: all others.

    Raises:
        Misuse: ``bundle.seal``.
    """
    lines = [_LINE.fullmatch(line) for line in content.decode("utf-8", "replace").splitlines()]
    stated = {line[2]: line[1] for line in lines if line}
    found = {name: _sha256(content) for name, content in files.items()}
    wrong = sorted(name for name in stated.keys() | found.keys() if stated.get(name) != found.get(name))
    if wrong or not all(lines):
        raise Misuse(
            "bundle.seal",
            Bilingual(
                f"{where} 与其 SHA256SUMS 不符：{'、'.join(wrong[:3])}",
                f"{where} does not match its SHA256SUMS: {', '.join(wrong[:3])}",
            ),
            Bilingual(
                "文件可能在复制时损坏，请重新获取", "Files may have been damaged on the way: fetch them again"
            ),
        )


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
