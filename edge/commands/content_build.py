"""``qcbox content build``, ``inspect``, ``selftest``: packages are made, looked into and proven; not signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, get_args

import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from models.content import drafts
from models.content.kinds import kind_of
from models.content.manifest import Kind
from models.content.package import Package, open_package, pack_up
from models.content.selftest import SelfTest, self_test

app = typer.Typer(no_args_is_help=True, help="Content packages: build, inspect, self-test.")

_Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]
_Json = Annotated[bool, typer.Option("--json", help="For programs, in both languages.")]
_Paths = Annotated[
    list[Path], typer.Argument(exists=True, help="Packages (.zip), or folders that would become some.")
]
_KINDS = {
    "pack": Bilingual("规则包", "rule pack"),
    "bundle": Bilingual("网络", "network"),
    "protocol": Bilingual("参考协议", "reference protocol"),
    "template": Bilingual("屏幕模板", "screen template"),
    "drl": Bilingual("剂量参考水平", "dose reference levels"),
}


@app.command("build")
def build_package(
    folder: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="A rule pack, a MONAI bundle or a template.")
    ],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; NAME-VERSION.zip by default.")] = None,
    kind: Annotated[
        str, typer.Option("--kind", help="pack, protocol, drl, bundle or template; by its files by default.")
    ] = "",
    lang: _Lang = None,
    as_json: _Json = False,
) -> None:
    """Make a package of a folder: the same files give the same bytes and hash on every machine. Exit 2: wrong."""
    raw = pack_up(folder, _kind(folder, kind))
    package = open_package(raw)
    file = out or Path(f"{package.name}-{package.version}.zip")
    file.write_bytes(raw)
    if as_json:
        typer.echo(json.dumps({"file": str(file)} | _row(package), ensure_ascii=False))
        return
    for line in _lines(package, lang or language()):
        typer.echo(line)
    typer.echo(str(file))


@app.command("inspect")
def inspect_packages(paths: _Paths, lang: _Lang = None, as_json: _Json = False) -> None:
    """What packages are, who made them, and the files in them. Exit 2: one is not what its manifest says."""
    for package in drafts.packages(paths):
        if as_json:
            typer.echo(json.dumps(_row(package), ensure_ascii=False))
            continue
        for line in (*_lines(package, lang or language()), *_files(package)):
            typer.echo(line)


@app.command("selftest")
def selftest(paths: _Paths, lang: _Lang = None, as_json: _Json = False) -> None:
    """Run cases and goldens as a box does before content judges, beside what ships. Exit 1: something failed."""
    own = list(drafts.packages(paths))
    outcome = self_test(drafts.with_shipped(own), {package.name for package in own})
    if as_json:
        typer.echo(json.dumps(_outcome(outcome), ensure_ascii=False))
    else:
        for line in _said(outcome, lang or language()):
            typer.echo(line)
    raise typer.Exit(0 if outcome.holds else 1)


def _kind(folder: Path, said: str) -> Kind:
    known = next((one for one in get_args(Kind) if one == said), None) if said else kind_of(folder)
    if known is None:
        raise Misuse(
            "content.what",
            Bilingual(f"{folder}：不知道是哪类内容", f"{folder}: not known what kind of content this is"),
            Bilingual(f"--kind 可为 {'、'.join(_KINDS)}", f"--kind is one of {', '.join(_KINDS)}"),
        )
    return known


def _row(package: Package) -> dict[str, object]:
    return package.manifest.model_dump(mode="json") | {"sha256": package.sha256, "length": package.length}


def _lines(package: Package, tongue: str) -> Iterator[str]:
    about = package.manifest
    yield typer.style(f"{about.name} {about.version}  {about.title.bilingual.get(tongue)}", bold=True)
    rows = (
        (Bilingual("类别", "kind"), f"{_KINDS[about.kind].get(tongue)} ({about.kind}), {about.area}"),
        (Bilingual("说明", "note"), about.note.bilingual.get(tongue)),
        (Bilingual("作者", "authors"), ", ".join(about.authors)),
        (Bilingual("模态", "modality"), ", ".join(about.modality)),
        (Bilingual("最低程序版本", "needs program"), about.min_agent),
        (Bilingual("自检用例", "self-test cases"), str(about.selftest)),
        (Bilingual("大小", "size"), f"{package.length / 1e6:.3f} MB"),
    )
    yield from (f"  {label.get(tongue)}: {text}" for label, text in rows if text)
    yield f"  sha256: {package.sha256}"


def _files(package: Package) -> Iterator[str]:
    for name, entry in sorted(package.manifest.files.items()):
        yield f"  {entry.sha256[:12]} {entry.length:10} {name}"


def _outcome(outcome: SelfTest) -> dict[str, object]:
    failed = [{"name": one.name, "code": one.code, "zh": one.text.zh, "en": one.text.en} for one in outcome.failed]
    return {"held": outcome.held, "failed": failed}


def _said(outcome: SelfTest, tongue: str) -> Iterator[str]:
    for one in outcome.failed:
        yield typer.style(f"{one.name or '-'}: {one.code}: {one.text.get(tongue)}", fg=typer.colors.RED)
    held = Bilingual(f"{outcome.held} 个用例通过", f"{outcome.held} cases held")
    failed = Bilingual(f"{len(outcome.failed)} 项失败", f"{len(outcome.failed)} failed")
    yield held.get(tongue) + (f", {failed.get(tongue)}" if outcome.failed else "")
