"""``qcbox redact``: the picture of a file without the patient, or why it must stay."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse
from capture.redaction.answer import Refused
from capture.redaction.files import redact_file
from capture.redaction.net import net_of
from capture.redaction.written import png, secondary_capture
from capture.screen.library import Library
from capture.screen.ocr.choice import make
from capture.screen.ocr.settings import ReadingSettings
from capture.screen.template import Template, load
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.clock import now_ms
from edge.commands.judging import arrival_of
from edge.settings_file import load as load_settings

_WRITERS = {".png": png, ".dcm": secondary_capture}


def redact(
    file: Annotated[Path, typer.Argument(help="DICOM object, capture of a screen, or a screen saved as PNG.")],
    out: Annotated[Path, typer.Option(help="Where it goes: .png, or .dcm for a new object without identity.")],
    template: Annotated[
        list[Path] | None, typer.Option(help="A taught screen (JSON), beside those of this box.")
    ] = None,
    known: Annotated[
        list[str] | None, typer.Option(help="A name or number that must not be readable, beside the file's own.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")] = None,
) -> None:
    """Write the picture without the patient. Exit 0: written; 1: it must stay, nothing is written; 2: misuse."""
    writer = _WRITERS.get(out.suffix.lower())
    if writer is None:
        raise Misuse(
            "redaction.out",
            Bilingual("输出文件应为 .png 或 .dcm", "The output is a .png or .dcm file"),
            Bilingual("更改 --out", "Change --out"),
        )
    settings, tongue = load_settings(config), lang or language()
    try:
        templates = [load(one.read_bytes()) for one in template or ()] + _taught(settings.data_dir / "screens")
        net = net_of(make(ReadingSettings()))
        answer = redact_file(file, arrival_of(file, now_ms()), templates, known or (), net)
        if isinstance(answer, Refused):
            typer.echo(f"{answer.code}: {answer.reason.get(tongue)} ({answer.hint.get(tongue)})", err=True)
            raise typer.Exit(1)
        _write(out, writer(answer))
    except OSError as error:
        raise _unreadable(error) from None
    typer.echo(f"{out}: {len(answer.covered)}")


def _taught(folder: Path) -> list[Template]:
    """The newest version of each template of this box."""
    if not folder.is_dir():
        return []
    library = Library(folder)
    return [library.get(name, library.versions(name)[-1]) for name in library.ids()]


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _unreadable(error: OSError) -> Misuse:
    reason = error.strerror or type(error).__name__
    return Misuse(
        "redaction.unreadable",
        Bilingual(f"文件无法读写：{reason}", f"A file cannot be read or written: {reason}"),
        Bilingual("检查路径和权限", "Look at its path and rights"),
    )
