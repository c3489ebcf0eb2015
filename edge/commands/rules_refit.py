"""``qcbox rules refit``: limits from this box's own history, written as a hospital pack for a trial."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.clock import now_ms
from edge.commands.bench_calibration import rate_as_json, said
from edge.content.chosen import Chosen
from edge.content.loading import Refused, packages
from edge.overrides.site import packs_of
from edge.settings import Settings
from edge.settings_file import load
from edge.store import content, overrides
from edge.store.database import engine
from edge.store.history import settled
from models.calibration import BUDGET, judges
from models.content import drafts
from models.content.load import content_of
from models.content.overrides import SiteOverrides
from models.content.package import Package
from models.refit import LEAST_ACCEPTED, Past, Proposal, Row, propose, written

NAME = "site-refit"
WHY = {
    "proposed": Bilingual("建议修改", "proposed"),
    "within": Bilingual("未超预算，保持不变", "keeps its part of the budget: left alone"),
    "not_open": Bilingual("没有本院可改的限值", "has no limit that a hospital may change"),
    "few": Bilingual("历史不足", "not enough history"),
    "unprovable": Bilingual("历史中没有能证明新限值的图像", "no film of the history proves the new limit"),
}


def refit(
    out: Annotated[Path, typer.Option(help="Folder of the pack to write; it must not be there yet.")],
    pack: Annotated[
        list[str] | None, typer.Option("--pack", help="Packs to refit; the chest packs by default.")
    ] = None,
    packs: Annotated[
        list[Path] | None, typer.Option(exists=True, help="Drafts of rule packs, beside what is in force.")
    ] = None,
    budget: Annotated[float, typer.Option(min=0, max=1, help="Alerts per accepted image, all together.")] = BUDGET,
    most: Annotated[int, typer.Option(min=1, help="So many images of the past, the latest.")] = 5000,
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Propose limits that keep the alert budget on accepted images. Nothing is put in force. Exit 1: nothing to
    propose."""
    settings = load(config)
    if out.exists():
        raise Misuse(
            "refit.exists",
            Bilingual(f"{out} 已存在", f"{out} is there already"),
            Bilingual("换一个文件夹", "name another folder"),
        )
    box = _look(settings, packs or (), most)
    rules = content_of(box.packages, overrides=box.overrides).rules
    names = pack or [one.name for one in rules.packs if one.name.startswith("radiography-chest")]
    found = judges(rules, names)
    made = propose(box.past, found, budget)
    if as_json:
        typer.echo(json.dumps(_as_json(made), ensure_ascii=False, indent=1))
    else:
        for line in _lines(made):
            typer.echo(line)
    if not made.changes:
        raise typer.Exit(1)
    _write(out, made, box.packages)
    if not as_json:
        typer.echo(
            Bilingual(
                f"已写入草稿 {out}。质控负责人可在控制台“规则”页录入这些限值；"
                "或用 qcbox content build 打包，交质控组签名，先作影子试运行。",
                f"Draft written to {out}. A QC lead enters these limits on the console's page of rules; or "
                "qcbox content build makes a package, which the QC group signs and tries in the shadow first.",
            ).get(language())
        )


@dataclass(frozen=True, slots=True)
class _Box:
    """What judges on this box, and how it came out."""

    packages: tuple[Package, ...]
    overrides: tuple[SiteOverrides, ...]
    past: list[Past]


def _look(settings: Settings, packs: Iterable[Path], most: int) -> _Box:
    """Read beside a running agent. Raises Misuse: there is no history, or what judges cannot be verified."""
    database = settings.database_path
    if not database.exists():
        raise Misuse(
            "refit.no_history",
            Bilingual("这里没有数据库", "there is no database here"),
            Bilingual("用 --config 指明这台盒子的配置", "name this box's configuration with --config"),
        )
    opened = engine(database, read_only=True)
    try:
        with opened.begin() as connection:
            past = list(settled(connection, now_ms(), most))
            own = packs_of(overrides.in_force(connection))
            chosen = content.chosen(connection, Chosen(settings.content_path, overrides=own))
    finally:
        opened.dispose()
    try:
        return _Box(tuple(drafts.over(packages(chosen), drafts.packages(packs))), own, past)
    except Refused as error:
        raise Misuse(
            "refit.content",
            Bilingual(f"现行内容未通过验证：{error.code}", f"what judges cannot be verified: {error.code}"),
            Bilingual("用 qcbox content status 查看", "look with qcbox content status"),
        ) from error


def _write(out: Path, made: Proposal, in_force: Sequence[Package]) -> None:
    """And prove that it loads beside what is in force.

    Raises:
        Misuse: it does not; the folder stays for a look.
    """
    out.mkdir(parents=True)
    for name, text in written(made, NAME, 1, ["qcbox rules refit"]).items():
        (out / name).write_text(text, encoding="utf-8")
    content_of(drafts.over(in_force, drafts.packages([out])))


def _lines(made: Proposal) -> list[str]:
    tongue = language()
    lines = [
        Bilingual(
            f"{made.accepted} 张接受的图像，{made.repeated} 张重拍的图像",
            f"{made.accepted} accepted images, {made.repeated} repeated",
        ).get(tongue)
    ]
    lines += [_line(row, tongue) for row in made.rows]
    lines.append(
        Bilingual(
            f"每百张接受图像的报警：{said(made.before, 100)} → {said(made.after, 100)}"
            f"（预算 {100 * made.budget:g}）",
            f"Alerts per 100 accepted: {said(made.before, 100)} -> {said(made.after, 100)} "
            f"(budget {100 * made.budget:g})",
        ).get(tongue)
    )
    return lines


def _line(row: Row, tongue: str) -> str:
    why = WHY[row.why].get(tongue)
    if row.why == "few":
        why += f": {row.accepted.films} / {LEAST_ACCEPTED}"
    if row.choice is None:
        return f"{row.rule_id:32} {said(row.accepted, 100):>18}  {why}"
    one = row.choice
    lost = Bilingual(f"多漏 {one.missed} 次重拍", f"{one.missed} more repeats missed").get(tongue)
    moved = f"{one.limit} {one.before:g} -> {one.after:g} {one.span}"
    return f"{row.rule_id:32} {said(row.accepted, 100):>18}  {moved}  -> {said(one.good_after, 100)}, {lost}"


def _as_json(made: Proposal) -> dict[str, object]:
    return {
        "accepted": made.accepted,
        "repeated": made.repeated,
        "budget": made.budget,
        "before": rate_as_json(made.before),
        "after": rate_as_json(made.after),
        "rules": [
            {
                "rule": row.rule_id,
                "why": row.why,
                "accepted": rate_as_json(row.accepted),
                "choice": None if row.choice is None else asdict(row.choice) | {"missed": row.choice.missed},
            }
            for row in made.rows
        ],
    }
