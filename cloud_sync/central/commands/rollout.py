"""``qcbox-central rollout``: what the pages of rollouts do, at a terminal. Works beside a running centre."""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import export
from cloud_sync.central.database import Database
from cloud_sync.central.rollout import control, plan, progress, rows
from cloud_sync.central.rollout.progress import Progress
from cloud_sync.central.settings import CentralSettings, load
from cloud_sync.central.signing.repository import Repository
from cloud_sync.updates.terms import Target

app = typer.Typer(no_args_is_help=True, help="Which release goes to which boxes, and when.")
Config = Annotated[Path | None, typer.Option("--config", help="TOML file; without it, the defaults.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Number = Annotated[int, typer.Argument(help="Of the rollout.", min=1, max=2**63 - 1)]
Why = Annotated[str, typer.Option("--why", help="A line for the audit.")]
_MOST = 100


@app.command("list")
def list_(config: Config = None, as_json: Json = False) -> None:
    """All rollouts, newest first. Exit 1 when one is paused, or a cancelled release still runs somewhere."""
    now = _now()
    with closing(Database(load(config).database_url)) as database, database.read() as connection:
        found = [progress.of(connection, one, now) for one in rows.listed(connection, _MOST)]
    _print([_brief(one) for one in found], as_json, lambda: [_line(one) for one in found])
    raise typer.Exit(1 if any(one.rollout.state == "paused" or one.still_active for one in found) else 0)


@app.command()
def show(number: Number, config: Config = None, as_json: Json = False) -> None:
    """One rollout: waves, boxes that failed, what was done."""
    with closing(Database(load(config).database_url)) as database, database.read() as connection:
        found = progress.of(connection, rows.one(connection, number), _now())
        steps = progress.steps(connection, number)
    whole = {**_brief(found), "boxes": [_box(one) for one in found.boxes], "steps": export.plain(steps)}
    _print(whole, as_json, lambda: [_line(found), *_waves(found), *_failed(found)])


@app.command()
def start(
    name: Annotated[str, typer.Argument(help="Of the published content.")],
    version: Annotated[int, typer.Option("--version", help="0: the newest.", min=0)] = 0,
    soak_hours: Annotated[
        float | None, typer.Option("--soak-hours", min=0, help="Default: as in settings.")
    ] = None,
    at_once: Annotated[bool, typer.Option("--at-once", help="All boxes, without waves.")] = False,
    why: Why = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Begin with the canary; print the rollout's number."""
    settings = load(config)
    target = _published(settings, name, version)
    changes: dict[str, float] = {} if soak_hours is None else {"soak_s": soak_hours * 3600}
    if at_once:
        changes["canary_percent"] = 100.0
    chosen = settings.rollout.plan.model_copy(update=changes)
    with closing(Database(settings.database_url)) as database, database.write() as connection:
        number = control.start(connection, target, chosen, by=_who(), now=_now(), why=why)
    _print({"rollout": number}, as_json, lambda: [str(number)])


@app.command()
def approve(number: Number, why: Why = "", config: Config = None) -> None:
    """Go on after a wave that succeeded. Not by whoever started it."""
    _do(config, lambda connection: control.approve(connection, number, by=_who(), now=_now(), why=why))


@app.command()
def pause(
    number: Number,
    why: Why = "",
    after_success: Annotated[
        bool, typer.Option("--after-success", help="Only once the present wave has succeeded.")
    ] = False,
    config: Config = None,
) -> None:
    """Nobody else activates the release; a box on its way gives it up."""
    deed = control.pause_after if after_success else control.pause
    _do(config, lambda connection: deed(connection, number, by=_who(), now=_now(), why=why))


@app.command()
def resume(number: Number, why: Why = "", config: Config = None) -> None:
    """Go on where it was; failures up to now are accepted."""
    _do(config, lambda connection: control.resume(connection, number, by=_who(), now=_now(), why=why))


@app.command("next")
def next_(number: Number, why: Why = "", config: Config = None) -> None:
    """The next wave begins now."""
    _do(config, lambda connection: control.next_wave(connection, number, by=_who(), now=_now(), why=why))


@app.command()
def abort(number: Number, why: Why = "", config: Config = None) -> None:
    """Take the release back from every box that has not activated it."""
    _do(config, lambda connection: control.abort(connection, number, by=_who(), now=_now(), why=why))


def _do(config: Path | None, deed: Callable[[Connection], None]) -> None:
    with closing(Database(load(config).database_url)) as database, database.write() as connection:
        deed(connection)


def _published(settings: CentralSettings, name: str, version: int) -> Target:
    listed = [one for one in Repository(settings.publishing.repository).listed() if one.name == name]
    found = [one for one in listed if version in (0, one.version)]
    if not found:
        raise Misuse(
            "rollout.unpublished",
            Bilingual(f"没有已签名发布的 {name}", f"No published release of {name}"),
            Bilingual("先由两人签名并发布", "Two persons sign and publish it first"),
        )
    return max(found, key=lambda one: one.release)


def _brief(found: Progress) -> dict[str, object]:
    one = found.rollout
    return {
        "rollout": one.id, "name": one.target.name, "version": one.target.version, "sha256": one.target.sha256,
        "state": one.state, "wave": one.wave, "reason": {"code": one.reason.code, **one.reason.values},
        "boxes": found.total.members, "counts": {key: count for key, count in found.total.counts if count},
        "waves": [
            {"number": wave.wave.number, "boxes": wave.tally.members, "started_at": wave.wave.started_at}
            for wave in found.waves
        ],
        "still_active": found.still_active, "started_by": one.started_by, "started_at": one.started_at,
    }  # fmt: skip


def _box(one: progress.BoxProgress) -> dict[str, object]:
    return {
        "box": one.member.box, "wave": one.member.wave, "standing": one.standing, "state": one.member.state,
        "error": one.error_code, "rollback": one.rollback_code,
    }  # fmt: skip


def _line(found: Progress) -> str:
    one, counts = found.rollout, found.total
    return (
        f"{one.id:>4} {one.target.name} {one.target.version} {one.state}, wave {one.wave + 1}/{len(found.waves)}: "
        f"{counts.of(plan.Standing.KEPT)} of {counts.members} committed, {counts.failed} failed, "
        f"{counts.of(plan.Standing.UNREACHED)} not reached; {_why(found)}"
    )


def _why(found: Progress) -> str:
    reason = found.rollout.reason
    return " ".join([reason.code, *(f"{name}={value}" for name, value in reason.figures)])


def _waves(found: Progress) -> list[str]:
    return [
        f"     wave {one.wave.number}: {one.tally.members} boxes, {one.tally.reported} reported "
        f"({one.needed} needed), {one.tally.failed} failed"
        for one in found.waves
        if one.wave.started_at is not None
    ]


def _failed(found: Progress) -> list[str]:
    return [
        f"     {one.member.box}: {one.standing} {one.error_code} {one.rollback_code}".rstrip()
        for one in found.boxes
        if one.standing in plan.FAILURES
    ]


def _print(whole: object, as_json: bool, lines: Callable[[], list[str]]) -> None:
    if as_json:
        typer.echo(json.dumps(export.plain(whole), ensure_ascii=False))
        return
    for line in lines():
        typer.echo(line)


def _who() -> str:
    """Who is at the terminal, so that two persons are two."""
    return f"qcbox-central:{getpass.getuser()}"


def _now() -> int:
    return time.time_ns() // 1_000_000
