"""What the commands about keys ask for and how they answer."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from cloud_sync.updates.disk import write_whole


def passphrase(zh: str, en: str, confirm: bool = False) -> str:
    """From the terminal, unseen, or the next line of standard input. Never from arguments or the environment."""
    if sys.stdin.isatty():
        text = zh if language() == "zh" else en
        return str(typer.prompt(text, hide_input=True, confirmation_prompt=confirm, err=True))
    return sys.stdin.readline().rstrip("\r\n")


def say(zh: str, en: str) -> None:
    """A line for people, in the terminal's language."""
    typer.echo(zh if language() == "zh" else en)


def progress(zh: str, en: str) -> None:
    """What goes on, on the error stream: the answer stays clean."""
    typer.echo(zh if language() == "zh" else en, err=True)


def answer(fields: Mapping[str, object]) -> None:
    """The answer as one JSON object."""
    typer.echo(json.dumps(fields, ensure_ascii=False, indent=1))


def write(path: Path, content: bytes) -> None:
    """A file that somebody takes away. Raises Misuse ``repository.unwritable``."""
    try:
        write_whole(path, content)
    except OSError:
        raise Misuse(
            "repository.unwritable",
            Bilingual(f"写不了文件 {path}", f"The file {path} cannot be written"),
            Bilingual("检查文件夹、权限和剩余空间", "Look at the folder, its permissions and the space left"),
        ) from None
