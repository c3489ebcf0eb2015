"""``qcbox content``: what judges on this box and what is on its way; trust, fetch, roll back. And its packages."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from cloud_sync.updates.chain import anchor
from cloud_sync.updates.disk import write_whole
from cloud_sync.updates.refusals import REASONS
from cloud_sync.updates.terms import Untrusted
from cloud_sync.wire.words import ContentState
from edge.commands.content_build import app
from edge.content.asking import Ask, ask
from edge.content.chosen import Chosen
from edge.content.machine import Machine
from edge.content.shown import STATES, reason
from edge.content.steps import Steps
from edge.content.trusting import root_of, root_path, trust_of
from edge.pipeline.report import Pseudonymizer, Reporter
from edge.settings import Settings
from edge.settings_file import load
from edge.store import content
from edge.store.database import Database, engine
from edge.store.keys import pseudonym_key
from edge.store.outbox import Outbox

__all__ = ["app"]
T = TypeVar("T")

_Config = Annotated[Path | None, typer.Option("--config", help="Configuration file (TOML).")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]
_Name = Annotated[str, typer.Argument(help="Name of the content.")]


@app.command()
def status(config: _Config = None, lang: _Lang = None, as_json: _Json = False) -> None:
    """What judges beside or instead of what ships, what is on its way, and how the trust stands."""
    settings = load(config)
    slots, under_way = _read(settings, lambda connection: (content.slots(connection), _under_way(connection)))
    standing = trust_of(settings.content_path).standing()
    if as_json:
        stale = None if standing.stale is None else standing.stale.code
        typer.echo(json.dumps({
            "trust": asdict(standing) | {"stale": stale},
            "slots": [asdict(slot) for slot in slots],
            "under_way": [asdict(one) for one in under_way],
        }, ensure_ascii=False, indent=2))  # fmt: skip
        return
    tongue = lang or language()
    if standing.stale is not None:
        typer.echo(f"! {Bilingual(*REASONS[standing.stale.code]).get(tongue)}")
    for slot in slots:
        typer.echo(_slot_line(slot, tongue))
    for one in under_way:
        typer.echo(f"→ {_line(one, tongue)}")


@app.command()
def history(
    name: Annotated[str | None, typer.Argument(help="Name of the content; all by default.")] = None,
    config: _Config = None, lang: _Lang = None, as_json: _Json = False,
) -> None:  # fmt: skip
    """What became of releases, newest first."""
    rows = _read(load(config), lambda connection: content.history(connection, name))
    if as_json:
        lines = [
            {"name": one.name, "version": one.version, "sha256": one.sha256, **asdict(step)} for one, step in rows
        ]
        typer.echo(json.dumps(lines, ensure_ascii=False, indent=2))
        return
    tongue = lang or language()
    for one, step in rows:
        why = f"  {reason(step.code).get(tongue)} {step.detail}" if step.code else ""
        said = STATES[ContentState(step.state)].get(tongue)
        typer.echo(f"{_when(step.at)}  {one.name} {one.version}  {said}{why}")


@app.command()
def trust(
    root: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The QC group's root.json.")],
    replace: Annotated[bool, typer.Option("--replace", help="Even where another one is known.")] = False,
    config: _Config = None,
) -> None:  # fmt: skip
    """Believe a QC group from now on: its root metadata, brought by a person and compared by its hash."""
    settings = load(config)
    raw = root.read_bytes()
    known = root_of(settings.content_path)
    if known is not None and known != raw and not replace:
        raise Misuse(
            "content.other_root",
            Bilingual("本机已登记另一个根", "This box knows another root already"),
            Bilingual(
                "确认无误后加 --replace；轮换密钥不需要这样做",
                "Add --replace if that is meant; a rotation of keys does not need it",
            ),
        )
    _check_root(raw)
    write_whole(root_path(settings.content_path), raw)
    typer.echo(str(root_path(settings.content_path)))


@app.command()
def fetch(
    folder: Annotated[
        Path | None, typer.Option(exists=True, file_okay=False, help="A repository: a USB stick, a mirror.")
    ] = None,
    config: _Config = None,
) -> None:  # fmt: skip
    """Have the agent take up everything new that is signed for this box, within seconds."""
    settings = load(config)
    where = "" if folder is None else str(folder.resolve())
    ask(settings.content_path, Ask("fetch", folder=where, who=getpass.getuser()))


@app.command()
def rollback(
    name: _Name, reason: Annotated[str, typer.Option(help="Why; goes into the audit log.")],
    config: _Config = None,
) -> None:  # fmt: skip
    """Have the agent take back what judges under a name: what was before it judges again, else what ships."""
    settings = load(config)
    if _read(settings, lambda connection: content.slot(connection, name).active) is None:
        raise Misuse(
            "content.not_active",
            Bilingual(f"{name} 没有生效的版本可撤回", f"No release of {name} is active"),
            Bilingual("`qcbox content status` 列出生效的内容", "`qcbox content status` lists what is active"),
        )
    ask(settings.content_path, Ask("roll_back", name, reason=reason, who=getpass.getuser()))


@app.command()
def stage(config: _Config = None) -> None:
    """Fetch, verify and stage what was assigned where the agent cannot start; a running one does it itself."""
    settings = load(config)
    try:
        db = Database(settings.database_path)
    except Misuse as error:
        if error.code != "store.owned":
            raise
        return
    try:
        asyncio.run(_stage(settings, db))
    finally:
        db.close()


async def _stage(settings: Settings, db: Database) -> None:
    secret = settings.site.pseudonym_key
    key = pseudonym_key(settings.data_dir, secret.get_secret_value() if secret else None)
    outbox = Outbox(db)
    machine = Machine(outbox, Reporter(settings.box, outbox.boot, Pseudonymizer(key)))

    def choose(connection: Connection) -> Chosen:
        return content.chosen(connection, Chosen(settings.content_path))

    steps = Steps(settings, db, machine, None, choose)
    stop = asyncio.Event()
    while await steps.carry(stop, (ContentState.ASSIGNED, ContentState.STAGED)):
        pass


def _check_root(raw: bytes) -> None:
    """It is a root at all."""
    try:
        anchor({}, raw)
    except Untrusted as error:
        raise Misuse(
            "content.no_root",
            Bilingual("该文件不是根密钥文件", "The file is no root metadata"),
            Bilingual("向质控组索取 root.json", "Ask the QC group for its root.json"),
        ) from error


def _under_way(connection: Connection) -> tuple[content.Release, ...]:
    return content.releases(connection, (*content.ON_ITS_WAY, ContentState.PROBATION))


def _slot_line(slot: content.SlotRow, tongue: str) -> str:
    before = "" if slot.previous is None else f"  (← {slot.previous.version})"
    shipped = Bilingual("随程序安装", "as it ships").get(tongue)
    now = shipped if slot.active is None else _line(slot.active, tongue)
    return f"● {slot.name}: {now}{before}" if slot.active is None else f"● {now}{before}"


def _line(one: content.Release, tongue: str) -> str:
    why = "".join(
        f"  {reason(code).get(tongue)} {detail}".rstrip()
        for code, detail in ((one.error_code, one.error_detail), (one.rollback_code, one.rollback_detail))
        if code
    )
    said = STATES[one.state].get(tongue)
    return f"{one.name} {one.version}  {one.sha256[:12]}  {said} {_when(one.changed_at)}{why}"


def _when(at: int) -> str:
    return datetime.fromtimestamp(at / 1000).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _read(settings: Settings, fn: Callable[[Connection], T]) -> T:
    """On a box that may be running: by a connection that cannot write."""
    reading = engine(settings.database_path, read_only=True)
    try:
        with reading.begin() as connection:
            return fn(connection)
    except OperationalError as error:
        raise Misuse(
            "content.no_database",
            Bilingual("数据库无法读取", "The database cannot be read"),
            Bilingual("agent 至少要启动过一次", "The agent must have run once"),
        ) from error
    finally:
        reading.dispose()
