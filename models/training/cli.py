"""``qcbox-train``: fit, export and evaluate the networks. Exit 0: fine; 1: a finding or a failure; 2: misuse."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from capture.errors import Misuse, QcError
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from models.training.split import LEFT_OUT

if TYPE_CHECKING:  # torch takes seconds to import: help and errors of the command line should not wait for it
    from models.bundles.bundle import Bundle
    from models.training.loop import Settings
    from models.training.manifest import Film
    from models.training.task import Task

COMMANDS = ("fit", "evaluate", "list", "manifest", "collect", "metrics", "known")
PARTS = {
    "train": Bilingual("训练", "train"),
    "tune": Bilingual("调整", "tune"),
    "test": Bilingual("测试", "test"),
}

app = typer.Typer(name="qcbox-train", no_args_is_help=True, pretty_exceptions_enable=False)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="The network; see: qcbox-train list.")]
_Films = Annotated[Path, typer.Option("--data", exists=True, help="Folder with manifest.csv, or a manifest file.")]
_LeftOut = Annotated[
    list[str] | None, typer.Option("--left-out", metavar="SOURCE", help="Test on it only; may be given again.")
]
_Minutes = Annotated[float | None, typer.Option(help="At most so many minutes, all resumed runs together.")]
_Epochs = Annotated[int | None, typer.Option(help="At most so many passes; the task's recipe by default.")]
_Batch = Annotated[int | None, typer.Option(help="Films per step; the task's recipe by default.")]
_Rate = Annotated[float | None, typer.Option(help="Learning rate at the start; the task's recipe by default.")]


@app.callback()
def about() -> None:
    """Fits, exports and evaluates the networks of qcbox. `qcbox-train NAME ...` is short for `fit NAME ...`."""


@app.command()
def fit(
    name: _Name,
    data: _Films,
    out: Annotated[Path, typer.Option(help="Checkpoint, bundle and report go there.")],
    minutes: _Minutes = None,
    epochs: _Epochs = None,
    batch: _Batch = None,
    rate: _Rate = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="CPU threads.")] = max(1, (os.cpu_count() or 1) // 2),
    workers: Annotated[int, typer.Option(min=0, help="Processes that make samples beside the fitting.")] = 0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 20261121,
    begin_with: Annotated[
        Path | None, typer.Option(help="Folder of another run, whose best weights come first.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out was cut off.")] = False,
    left_out: _LeftOut = None,
) -> None:
    """Fit a network, export it as a bundle into OUT/NAME, and report on the films kept back for testing."""
    from models.training.export import export, read_exported
    from models.training.loop import Settings
    from models.training.loop import fit as fit_task
    from models.training.tasks import recipe_of, task_of

    chosen = {"epochs": epochs, "batch": batch, "rate": rate}
    recipe = recipe_of(name).model_dump() | {key: value for key, value in chosen.items() if value is not None}
    run = {"out": out, "minutes": minutes, "seed": seed, "begin_with": begin_with, "resume": resume}
    machine = {"device": device, "threads": threads, "workers": workers}
    settings = Settings.model_validate(recipe | run | machine)
    kept_back = frozenset(left_out or LEFT_OUT)
    task = task_of(name, data, kept_back)
    network = fit_task(task, settings, typer.echo)
    bundle = out / name
    gap = export(task, network, bundle, _trained(settings, data, kept_back))
    _say(f"ONNX 与 torch 最大差异 {gap:.1e}", f"ONNX and torch differ by at most {gap:.1e}")
    _report(task, read_exported(bundle), out / "report", as_json=False)
    _say(f"网络包：{bundle}", f"Bundle: {bundle}")


@app.command()
def evaluate(
    name: _Name,
    data: _Films,
    bundle: Annotated[Path | None, typer.Option(exists=True, help="The shipped bundle by default.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the report; ./NAME-report by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Claims and tables for programs.")] = False,
    left_out: _LeftOut = None,
) -> None:
    """Run a bundle on the films kept back for testing and write tables and plots. Exit 1 if a claim fails."""
    from models.bundles.metadata import METADATA
    from models.content import drafts
    from models.training.export import read_exported
    from models.training.split import unseen
    from models.training.tasks import task_of

    found = read_exported(bundle) if bundle else drafts.shipped().get(name)
    if found is None:
        raise Misuse(
            "training.no_bundle",
            Bilingual(f"没有随附 {name} 的网络包", f"No bundle {name} is shipped"),
            Bilingual("用 --bundle 指定文件夹", "name its folder with --bundle"),
        )
    kept_back = frozenset(left_out or LEFT_OUT) | unseen(_films_in(data), found.configs[METADATA])
    task = task_of(name, data, kept_back)
    if not _report(task, found, out or Path(f"{name}-report"), as_json):
        raise typer.Exit(1)


@app.command("list")
def list_tasks() -> None:
    """The networks, and the version of each that is shipped."""
    from models.content import drafts
    from models.training.tasks import TASKS

    for name in TASKS:
        shipped = drafts.shipped().get(name)
        nothing = Bilingual("未随附", "not shipped").get(language())
        typer.echo(f"{name:24} {shipped.version if shipped else nothing}")


@app.command()
def manifest(
    data: Annotated[Path, typer.Argument(exists=True, metavar="DIR", help="Folder with manifest.csv, or a file.")],
    left_out: _LeftOut = None,
) -> None:
    """Check a folder of films row by row; count them by source, view and part. Exit 1 if a row is wrong."""
    from models.training.inspection import inspect

    found = inspect(data, frozenset(left_out or LEFT_OUT))
    for flaw in found.flaws:
        text = Bilingual(
            f"第 {flaw.row} 行 {flaw.column}：{flaw.text.zh}（{flaw.hint.zh}）",
            f"row {flaw.row} {flaw.column}: {flaw.text.en} ({flaw.hint.en})",
        )
        typer.echo(text.get(language()), err=True)
    films, patients, lungs, wrong = len(found.films), found.patients, found.with_lungs, len(found.flaws)
    _say(
        f"{films} 张图像，{patients} 名患者，{lungs} 张有肺部掩膜，{wrong} 处错误",
        f"{films} films of {patients} patients, {lungs} with lungs, {wrong} errors",
    )
    for (source, view, part), count in sorted(found.counts.items()):
        typer.echo(f"{source:24} {view or '-':4} {PARTS[part].get(language()):6} {count:6}")
    if found.flaws:
        raise typer.Exit(1)


@app.command()
def collect(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="Folder of DICOM files.")],
    out: Annotated[Path, typer.Option(help="Pictures and manifest.csv go there; rows that are there stay.")],
    source: Annotated[str, typer.Option(help="Where they come from: hospital, room or device.")],
    licence: Annotated[str, typer.Option(help="Licence or permission, in words.")],
) -> None:
    """Make a folder of films from DICOM radiographs: pictures without header, pseudonyms instead of patients."""
    from models.training.collection import Origin
    from models.training.collection import collect as collect_films

    for reason, count in sorted(collect_films(folder, out, Origin(source, licence)).items()):
        typer.echo(f"{reason:24} {count:6}")
    _say(
        "图像中烧录的姓名等文字不会被去除，请人工检查；pseudonyms.key 须妥善保管，不得随图像传出",
        "Names burned into a picture stay in it: look through them. Keep pseudonyms.key, and never pass it on.",
    )


@app.command()
def metrics(
    data: _Films,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = Path("metrics-report"),
    films: Annotated[int, typer.Option(min=1, help="Films per source; about two seconds of CPU each.")] = 15,
    refit: Annotated[
        Path | None, typer.Option(help="First fit motion blur anew and write its coefficients to this file.")
    ] = None,
) -> None:
    """The metrics on films degraded by known amounts; a network only finds lungs. Exit 1: a claim fails."""
    from models.training.degradations import motion_fit, proof
    from models.training.manifest import read_manifest
    from models.training.report import page
    from models.training.split import films_of

    if refit is not None:
        drawn = list(motion_fit.draw(films_of(read_manifest(data), "train"), "first", 10 * films))
        motion_fit.write(motion_fit.fit(drawn), refit, "Fitted by: qcbox-train metrics --refit")
    report = proof.evaluate(data, films)
    written = page.write(report, out)
    typer.echo(page.as_text(report))
    _say(f"报告：{written}", f"Report: {written}")
    if not all(claim.holds for claim in report.claims):
        raise typer.Exit(1)


@app.command()
def known(
    data: _Films,
    out: Annotated[Path, typer.Option(help="Folder to make; it must not be there yet.")],
    films: Annotated[int, typer.Option(min=1, help="Films per source and part.")] = 30,
) -> None:
    """Write good films and the same films with faults of known size, for: qcbox bench calibration."""
    from models.training.degradations.known_films import write_known
    from models.training.manifest import read_manifest

    count = write_known(read_manifest(data), out, films)
    _say(f"已写入 {count} 个文件：{out}", f"{count} files written: {out}")


def main() -> None:
    """Run the command line. What the product raises on purpose is said in words, not as a traceback."""
    arguments = list(sys.argv[1:])
    if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
        arguments.insert(0, "fit")
    try:
        app(arguments)
    except QcError as error:
        typer.echo(f"{error.code}: {error.say(language())}", err=True)
        sys.exit(2 if isinstance(error, Misuse) else 1)


def _say(zh: str, en: str) -> None:
    typer.echo(Bilingual(zh, en).get(language()))


def _report(task: Task, bundle: Bundle, out: Path, as_json: bool) -> bool:
    """Whether every claim holds."""
    from models.training.export import run_bundle
    from models.training.report import page

    report = task.evaluate(run_bundle(bundle), out)
    written = page.write(report, out)
    if as_json:
        typer.echo(json.dumps(page.as_json(report), ensure_ascii=False, indent=1))
    else:
        typer.echo(page.as_text(report))
        _say(
            f"报告：{written}（含图像，按患者资料保管）",
            f"Report: {written} (it shows films: keep it as you keep them)",
        )
    return all(claim.holds for claim in report.claims)


def _trained(settings: Settings, data: Path, left_out: Iterable[str]) -> dict[str, Any]:
    """How a network came about, for its metadata: no file name, no patient."""
    from models.training.loop import progress_of
    from models.training.split import part_of

    progress = progress_of(settings.out)
    counts = Counter((film.source, part_of(film, list(left_out))) for film in _films_in(data))
    return {
        "seed": settings.seed,
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        "score": round(progress.best, 4),
        "left_out": sorted(left_out),
        "sources": sorted({source for source, part in counts if part != "test"}),
        "films": {f"{source}/{part}": count for (source, part), count in sorted(counts.items())},
    }


def _films_in(data: Path) -> list[Film]:
    """Of the manifest, if there is one: the volumes of mr-motion have none, and films are beside them."""
    from models.training.manifest import NAME, read_manifest
    from models.training.mr.sources import FILMS

    for folder in (data, data / FILMS):
        if folder.is_file() or (folder / NAME).is_file():
            return list(read_manifest(folder))
    return []


if __name__ == "__main__":
    main()
