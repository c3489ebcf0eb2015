"""``qcbox judge``: the verdict of files and folders, without any service running."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.clock import now_ms
from edge.commands.judge_series import judge_sets
from edge.commands.judging import Judged, Unreadable, judge_file
from edge.commands.verdict_text import lines_of
from models.content import drafts
from models.judge import Content
from models.rules.words import GRADES


def judge(
    paths: Annotated[list[Path], typer.Argument(exists=True, help="DICOM files, or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, in both languages.")] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Rule, measurement, limit, layer and source.")
    ] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")] = None,
    series: Annotated[
        bool, typer.Option("--series", help="As the series and studies of CT and MR that the files make.")
    ] = False,
    packs: Annotated[list[Path] | None, typer.Option(exists=True, help="More rule packs, beside our own.")] = None,
    bundles: Annotated[list[Path] | None, typer.Option(exists=True, help="More networks, beside our own.")] = None,
) -> None:
    """Judge files and folders. Exit 0: nothing wrong; 1: a rule failed or a file is unreadable; 2: misuse."""
    content = drafts.content(packs or (), bundles or ())
    tongue = lang or language()
    grades: Counter[str] = Counter()
    all_fine = True
    files = list(_files(paths))
    for one in judge_sets(files, content) if series else _judged(files, content):
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


def _judged(files: Sequence[Path], content: Content) -> Iterator[Judged]:
    shows_progress = len(files) > 1 and sys.stderr.isatty()
    for number, path in enumerate(files, start=1):
        if shows_progress:
            typer.echo(f"\r{number}/{len(files)}\r", err=True, nl=False)
        yield judge_file(path, content, now_ms())


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        yield from sorted(inside for inside in path.rglob("*") if inside.is_file()) if path.is_dir() else [path]


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
