"""``qcbox baseline``: what the devices' numbers usually are; learn anew; give a device a baseline to begin with.

``show`` reads beside a running agent. ``reset`` and ``seed`` write, so its agent must be stopped; on a running box
a QC lead learns anew on the device's page.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.clock import now_ms
from edge.settings import Settings
from edge.settings_file import load
from edge.store import audit, baseline_seeds, baselines, board
from edge.store.baselines import Row
from edge.store.board import DeviceRow
from edge.store.database import Database, engine
from models.baseline import LEAST, Seed, spread
from models.catalogue import catalogue
from models.seeds import read_seeds, written

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Baselines of the devices: show, learn anew, give.")
Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Device = Annotated[str, typer.Argument(metavar="DEVICE", help="Key of a device; qcbox baseline show names them.")]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]
Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]


@app.command()
def show(
    device: Annotated[str, typer.Argument(metavar="[DEVICE]", help="Key of one device; all of them.")] = "",
    config: Config = None,
    as_json: Json = False,
    as_seeds: Annotated[
        bool, typer.Option("--as-seeds", help="Write a baselines.toml for a device that has not learned yet.")
    ] = False,
    lang: Lang = None,
) -> None:
    """Every baseline: measure, what it is of, images, median, robust standard deviation, drift."""
    settings = load(config)

    def read(connection: Connection) -> list[tuple[DeviceRow, Row]]:
        wanted = [_device(connection, device)] if device else board.devices(connection, 0)
        return [(one, row) for one in wanted for row in baselines.of_device(connection, one.id)]

    rows = _read(settings, read)
    if as_seeds:
        typer.echo(written(_as_seed(one, row) for one, row in rows if row.ready and row.current))
    elif as_json:
        typer.echo(json.dumps([_as_json(one, row) for one, row in rows], ensure_ascii=False))
    else:
        tongue = lang or language()
        for one, row in rows:
            typer.echo(_line(one, row, tongue))
        if not rows:
            typer.echo(Bilingual("尚无基线", "No baseline yet").get(tongue))


@app.command()
def reset(
    device: Device,
    reason: Annotated[str, typer.Option(help="Why; it goes into the audit log.")],
    measure: Annotated[str, typer.Option(help="One measure only; default: all of the device.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Learn a device anew from now on; the history stays."""

    def store(connection: Connection) -> int:
        found, now = _device(connection, device), now_ms()
        count = baselines.reset(connection, found.id, now, measure or None)
        if not count:
            raise Misuse(
                "baseline.unknown",
                Bilingual("该设备没有这条基线", "This device has no such baseline"),
                Bilingual("`qcbox baseline show` 列出全部", "`qcbox baseline show` names them all"),
            )
        audit.add(connection, now, None, "baseline.reset", found.key, f"{measure or '*'}: {reason}")
        return count

    count = _write(load(config), store)
    typer.echo(json.dumps({"device": device, "reset": count}) if as_json else f"{device}: {count}")


@app.command()
def seed(
    path: Annotated[Path, typer.Argument(exists=True, help="A pack with a baselines.toml, or such a file.")],
    device: Annotated[str, typer.Option(help="Key of the device it is for.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give a device baselines that stand in until it has learned its own."""
    seeds = read_seeds(path)

    def store(connection: Connection) -> None:
        found, now = _device(connection, device), now_ms()
        baseline_seeds.give(connection, found.id, seeds, now)
        audit.add(connection, now, None, "baseline.seeded", found.key, f"{path.name}: {len(seeds)}")

    _write(load(config), store)
    typer.echo(json.dumps({"device": device, "seeds": len(seeds)}) if as_json else f"{device}: {len(seeds)}")


def _device(connection: Connection, key: str) -> DeviceRow:
    found = next((one for one in board.devices(connection, 0) if one.key == key), None)
    if found is None:
        raise Misuse(
            "baseline.device",
            Bilingual(f"没有设备 {key}", f"There is no device {key}"),
            Bilingual(
                "设备的键见其网页地址；设备须先发送过一幅图像",
                "Its page's address ends in its key; it must have sent an image first",
            ),
        )
    return found


def _as_json(device: DeviceRow, row: Row) -> dict[str, object]:
    return {
        "device": device.key,
        "measure": row.measure,
        "unit": catalogue()[row.measure].unit if row.measure in catalogue() else "",
        "of": asdict(row.alike),
        "images": row.baseline.count,
        "least": LEAST,
        "ready": row.ready,
        "median": row.baseline.median,
        "robust_sd": spread(row.baseline),
        "drift": row.drift,
        "drifted_at": row.drifted_at,
        "current": row.current,
    }


def _as_seed(device: DeviceRow, row: Row) -> Seed:
    """Of any software and detector: those of another room have other names."""
    made = replace(row.baseline, seeded=True)
    return Seed(replace(row.alike, software="", detector=""), made, f"{device.key}, n = {row.baseline.count}")


def _line(device: DeviceRow, row: Row, tongue: str) -> str:
    of = " ".join(part for part in asdict(row.alike).values() if part)
    head = f"{device.key:28} {row.measure:30} {of}"
    if not row.ready:
        learning = Bilingual("学习中", "being learned").get(tongue)
        return f"{head}  {learning}: {row.baseline.count} / {LEAST}"
    moved = Bilingual("漂移", "drift").get(tongue)
    drift = f"  {moved} {row.drift:+.1f}" if row.drifted_at is not None and row.drift is not None else ""
    return f"{head}  n {row.baseline.count}  {row.baseline.median:.4g} +- {spread(row.baseline):.3g}{drift}"


def _read(settings: Settings, fn: Callable[[Connection], T]) -> T:
    """Beside a running agent."""
    if not settings.database_path.exists():
        raise Misuse(
            "baseline.no_database",
            Bilingual("这里没有数据库", "There is no database here"),
            Bilingual("用 --config 指明这台盒子的配置", "Name this box's configuration with --config"),
        )
    opened = engine(settings.database_path, read_only=True)
    try:
        with opened.begin() as connection:
            return fn(connection)
    finally:
        opened.dispose()


def _write(settings: Settings, fn: Callable[[Connection], T]) -> T:
    db = Database(settings.database_path)
    try:
        return db.write(fn)
    finally:
        db.close()
