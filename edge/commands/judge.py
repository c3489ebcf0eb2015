"""``qcbox judge``: the verdict of files and folders, without any service running."""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from capture.arrival import Arrival, arrival_id
from capture.dicom.reader import read
from capture.errors import QcError
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.clock import now_ms
from edge.commands.verdict_text import lines_of
from models.circumstances import Circumstances
from models.judge import Content, Judgement, load_content
from models.judge import judge as judge_acquisition
from models.rules.verdict import Severity
from models.rules.words import GRADES


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Why a file could not be judged."""

    code: str
    reason: Bilingual


@dataclass(frozen=True, slots=True)
class Judged:
    """One file and what came of it."""

    path: Path
    outcome: Judgement | Unreadable

    @property
    def is_fine(self) -> bool:
        """Read, and no rule failed (notes apart)."""
        return isinstance(self.outcome, Judgement) and not any(
            finding.level == "fail" and finding.severity is not Severity.INFO
            for finding in self.outcome.verdict.findings
        )


def judge(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="DICOM files, or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, in both languages.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Rule, measurement, limit, layer and source.")
    ] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")] = None,
    packs: Annotated[list[Path] | None, typer.Option(exists=True, help="More rule packs, beside our own.")] = None,
    bundles: Annotated[list[Path] | None, typer.Option(exists=True, help="More networks, beside our own.")] = None,
) -> None:
    """Judge files and folders. Exit 0: nothing wrong; 1: a rule failed or a file is unreadable; 2: misuse."""
    content = load_content(packs or (), bundles or ())
    tongue = lang or language()
    grades: Counter[str] = Counter()
    all_fine = True
    for one in _judged(list(_files(paths)), content):
        all_fine &= one.is_fine
        grades[_grade(one).get(tongue)] += 1
        if as_json:
            typer.echo(json.dumps(_row(one), ensure_ascii=False))
        else:
            for line in _text(one, content, tongue, explain):
                typer.echo(line)
    if not as_json and grades.total() > 1:
        typer.echo("  ".join(f"{grade}: {count}" for grade, count in grades.most_common()))
    raise typer.Exit(0 if all_fine else 1)


def judge_file(path: Path, content: Content, received_at: int) -> Judged:
    """Read and judge one file as if it had just arrived. Bad files become a reason, never an exception."""
    if not path.is_file():  # a pipe or a device would block
        return Judged(path, Unreadable("file.unreadable", Bilingual("不是普通文件", "not a regular file")))
    try:
        sha256 = _sha256(path)
        arrival = Arrival(
            id=arrival_id(received_at, sha256),
            sha256=sha256,
            size=path.stat().st_size,
            kind="dicom",
            source="command-line",
            received_at=received_at,
        )
        acquisition = read(path, arrival)
    except QcError as error:
        return Judged(path, Unreadable(error.code, Bilingual(error.say("zh"), error.say("en"))))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return Judged(path, Unreadable("file.unreadable", Bilingual(reason, reason)))
    return Judged(path, judge_acquisition(acquisition, content, Circumstances(received_at=received_at)))


def _judged(files: Sequence[Path], content: Content) -> Iterator[Judged]:
    shows_progress = len(files) > 1 and sys.stderr.isatty()
    for number, path in enumerate(files, start=1):
        if shows_progress:
            typer.echo(f"\r{number}/{len(files)}\r", err=True, nl=False)
        yield judge_file(path, content, now_ms())


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(inside for inside in path.rglob("*") if inside.is_file()) if path.is_dir() else [path]


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _grade(one: Judged) -> Bilingual:
    if isinstance(one.outcome, Unreadable):
        return Bilingual("无法读取", "unreadable")
    return GRADES[one.outcome.verdict.grade]


def _text(one: Judged, content: Content, tongue: str, explain: bool) -> Iterator[str]:
    if isinstance(one.outcome, Unreadable):
        yield typer.style(f"{one.path}  {_grade(one).get(tongue)}", fg=typer.colors.MAGENTA, bold=True)
        yield f"  {one.outcome.code}: {one.outcome.reason.get(tongue)}"
    else:
        yield from lines_of(str(one.path), one.outcome, content.rules, tongue, explain)


def _row(one: Judged) -> dict[str, object]:
    if isinstance(one.outcome, Unreadable):
        return {"file": str(one.path), "error": one.outcome.code, "reason": asdict(one.outcome.reason)}
    return {"file": str(one.path), **asdict(one.outcome.verdict)}
