"""``qcbox protocol``: a good study becomes a reference protocol, and others are compared with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from capture.dicom.options import ReadOptions
from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.commands.gathering import gather
from models.circumstances import Circumstances
from models.content import drafts
from models.measurement import Measurements, Value
from models.producer import discover
from models.rules.pack import RulePack
from models.rules.wording import shown
from models.sets.image_set import Completeness, ImageSet
from models.sets.judge import measure_set
from models.sets.producer import discover_sets
from models.sets.protocol import (
    CannotLearn,
    Drift,
    Protocol,
    Tolerances,
    drifts,
    learn,
    missing_series,
    unit_of,
)
from models.sets.protocol_pack import files_of, protocol_of

app = typer.Typer(no_args_is_help=True, help="Reference protocols: learn one from a good study, show it, compare.")

_HEADERS_ONLY = ReadOptions(max_pixels=0)
_Study = Annotated[
    Path, typer.Argument(exists=True, file_okay=False, help="A folder with the images of one study.")
]
_Pack = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A rule pack that learn wrote.")]
_Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]
_Tolerance = Annotated[
    list[str] | None,
    typer.Option(
        "--tolerance", help="KEYWORD=NUMBER in its unit, as EchoTime=0.1; NUMBER% for all others, as 5%."
    ),
]


@app.command("learn")
def learn_protocol(
    study: _Study,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the rule pack into; it must not exist.")],
    name: Annotated[str, typer.Option(help="Name of the pack: small letters, digits and dashes.")],
    author: Annotated[list[str], typer.Option("--author", help="Who answers for it.")],
    tolerance: _Tolerance = None,
    device: Annotated[str, typer.Option(help="Key of the device that it is for; all devices by default.")] = "",
    lang: _Lang = None,
) -> None:
    """Write a rule pack from a good study. It loads and passes its own cases, or nothing is left behind."""
    protocol = _learnt(study, name, tolerances(tolerance or ()), device)
    if out.exists():
        raise _misuse("protocol.there", f"{out} 已存在", f"{out} is there already")
    out.mkdir(parents=True)
    for file, text in files_of(protocol, author).items():
        (out / file).write_text(text, encoding="utf-8")
    try:
        rules = drafts.rules([out])
    except Misuse:
        for file in ("pack.toml", "rules.toml", "cases.toml"):
            (out / file).unlink()
        out.rmdir()
        raise
    pack = next(pack for pack in rules.packs if pack.name == name)
    tongue = lang or language()
    for line in _described(protocol, tongue):
        typer.echo(line)
    typer.echo(f"{out}: {len(pack.rules)}  {pack.sha256[:12]}")


@app.command()
def show(pack: _Pack, lang: _Lang = None) -> None:
    """The parameters of a protocol, what they must be, and how far they may be off."""
    tongue = lang or language()
    found = _read_pack(pack)
    typer.echo(typer.style(f"{found.name} {found.version}  {found.title.get(tongue)}", bold=True))
    for line in _described(_protocol(found), tongue):
        typer.echo(line)
    typer.echo(found.note.get(tongue))


@app.command()
def check(
    pack: _Pack,
    study: _Study,
    lang: _Lang = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object for each parameter.")] = False,
) -> None:
    """Compare a study with a protocol, parameter by parameter. Exit 1 when one is off or a series is missing."""
    protocol, facts = _protocol(_read_pack(pack)), series_facts(study)
    absent = missing_series(protocol, facts)
    rows = list(drifts(protocol, facts))
    if as_json:
        for description in absent:
            typer.echo(json.dumps({"series": description, "outcome": "missing"}, ensure_ascii=False))
        for description, drift in rows:
            typer.echo(json.dumps({"series": description} | _row(drift), ensure_ascii=False))
    else:
        _print(absent, rows, lang or language())
    fine = not absent and all(drift.outcome in ("within", "not_stated") for _, drift in rows)
    raise typer.Exit(0 if fine else 1)


def tolerances(said: Sequence[str]) -> Tolerances:
    """``EchoTime=0.1`` and ``5%``.

    Raises:
        Misuse: another form.
    """
    absolute: dict[str, float] = {}
    percent: float | None = None
    for one in said:
        keyword, _, number = one.rpartition("=")
        try:
            if keyword:
                absolute[keyword] = float(number)
            else:
                percent = float(number.removesuffix("%"))
        except ValueError:
            raise _misuse("protocol.tolerance", f"{one} 不是容差", f"{one} is no tolerance") from None
    return Tolerances(absolute, percent)


def series_facts(folder: Path) -> list[Measurements]:
    """The facts of every series in a folder, by their headers, in the order of their numbers.

    A series of which no image counts is among them whole: its facts say why it is set aside.
    """
    producers, of_sets = discover(), discover_sets()
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    found = gather(files, (), _HEADERS_ONLY).series()
    ordered = sorted(found, key=lambda one: one.number or 0)
    sets = (
        ImageSet("series", (one.judged() if one.counted else one.all(),), Completeness(whole=True))
        for one in ordered
    )
    return [measure_set(images, producers, of_sets, Circumstances(received_at=0))[0] for images in sets]


def _learnt(study: Path, name: str, limits: Tolerances, device: str) -> Protocol:
    try:
        return learn(name, series_facts(study), limits, device)
    except CannotLearn as error:
        raise _misuse("protocol.example", error.text.zh, error.text.en) from None


def _misuse(code: str, zh: str, en: str) -> Misuse:
    hint = Bilingual("见手册“参考协议”一页", "see the handbook's page on reference protocols")
    return Misuse(code, Bilingual(zh, en), hint)


def _read_pack(folder: Path) -> RulePack:
    [package] = drafts.packages([folder])
    return next(pack for pack in drafts.rules([folder]).packs if pack.name == package.name)


def _protocol(pack: RulePack) -> Protocol:
    try:
        return protocol_of(pack)
    except CannotLearn as error:
        raise _misuse("protocol.pack", error.text.zh, error.text.en) from None


def _described(protocol: Protocol, tongue: str) -> Iterator[str]:
    for one in protocol.series:
        yield typer.style(one.description, bold=True)
        for expected in one.expected:
            within = f" ± {expected.tolerance:g}" if expected.tolerance else ""
            yield f"  {expected.known.label.get(tongue)}: {shown(expected.value, '', tongue)}{within}"
        for facts, said in (
            (one.nullable, Bilingual("未注明，不比较", "not stated, not compared")),
            (one.varying, Bilingual("序列内变化，不比较", "varies within the series, not compared")),
        ):
            if facts:
                yield f"  {said.get(tongue)}: {', '.join(facts)}"
    for description, why in protocol.left_out:
        yield f"- {description or '-'}: {why}"


def _print(absent: Sequence[str], rows: Sequence[tuple[str, Drift]], tongue: str) -> None:
    for description in absent:
        said = Bilingual(f"缺少序列 {description}", f"series missing: {description}")
        typer.echo(typer.style(said.get(tongue), fg=typer.colors.RED, bold=True))
    last = None
    for description, drift in rows:
        if description != last:
            typer.echo(typer.style(description, bold=True))
            last = description
        typer.echo(f"  {_line(drift, tongue)}")


_SAID = {
    "within": Bilingual("一致", "within"),
    "off": Bilingual("偏离", "off"),
    "far_off": Bilingual("严重偏离", "far off"),
    "not_stated": Bilingual("未注明", "not stated"),
}


def _line(drift: Drift, tongue: str) -> str:
    unit = unit_of(drift.known)
    have = "-" if drift.have is None else shown(drift.have, unit, tongue)
    within = f" ± {drift.tolerance:g}" if drift.tolerance else ""
    word = _SAID[drift.outcome].get(tongue)
    return f"{drift.known.label.get(tongue)}: {have} / {shown(drift.expect, unit, tongue)}{within}  {word}"


def _row(drift: Drift) -> dict[str, Value | None]:
    return {
        "parameter": drift.known.fact,
        "have": drift.have,
        "expect": drift.expect,
        "tolerance": drift.tolerance,
        "outcome": drift.outcome,
    }
