"""``qcbox account``: who may log in to the console, on a box whose agent is stopped; and the audit log's chain.

On a running box the account page of a QC lead does the same.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection

from cloud_sync.kit.secret import hash_secret
from edge.clock import now_ms
from edge.settings import Settings
from edge.settings_file import load
from edge.store import accounts, audit
from edge.store.database import Database

T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="Accounts of the console, and the chain of its audit log.")
Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]
Name = Annotated[str, typer.Argument(help="Log-in name.")]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help="technologist, qc-lead or engineer.")],
    display_name: Annotated[str, typer.Option(help="Name shown on the console; default: the log-in name.")] = "",
    language: Annotated[str, typer.Option(help="zh_CN or en.")] = "zh_CN",
    config: Config = None,
) -> None:
    """Make an account. The PIN or password is asked for, or read from standard input."""
    secret = _ask()
    if role in accounts.ROLES:
        accounts.check_secret(role, secret)
    secret_hash = hash_secret(secret)
    now = now_ms()

    def store(connection: Connection) -> None:
        accounts.add(
            connection,
            name=name,
            display_name=display_name,
            role=role,
            secret_hash=secret_hash,
            language=language,
            now=now,
        )
        audit.add(connection, now, None, "account.added", name, role)

    _with(load(config), store)
    typer.echo(f"{name}: {role}")


@app.command(name="list")
def list_accounts(config: Config = None, as_json: Json = False) -> None:
    """All accounts."""
    rows = [
        {
            "name": one.name,
            "display_name": one.display_name,
            "role": one.role,
            "disabled": one.disabled_at is not None,
        }
        for one in _with(load(config), accounts.listed)
    ]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        typer.echo(
            f"{row['name']:<20} {row['role']:<14} {row['display_name']}{'  (disabled)' if row['disabled'] else ''}"
        )


@app.command()
def reset(name: Name, config: Config = None) -> None:
    """Set a new PIN or password; unlocks and enables the account."""
    settings = load(config)
    role = _with(settings, lambda c: accounts.named(c, name)).role
    secret = _ask()
    accounts.check_secret(role, secret)
    secret_hash = hash_secret(secret)

    def store(connection: Connection) -> None:
        accounts.reset(connection, name, secret_hash)
        audit.add(connection, now_ms(), None, "account.reset", name)

    _with(settings, store)
    typer.echo(f"{name}: OK")


@app.command()
def disable(name: Name, config: Config = None) -> None:
    """Close an account; what it signed keeps its name."""

    def store(connection: Connection) -> None:
        accounts.disable(connection, name, now_ms())
        audit.add(connection, now_ms(), None, "account.disabled", name)

    _with(load(config), store)
    typer.echo(f"{name}: disabled")


@app.command()
def verify(config: Config = None, as_json: Json = False) -> None:
    """Walk the audit log's hash chain. Exit 1 when a row was changed or removed. Note the head elsewhere."""
    found = _with(load(config), audit.verify)
    if as_json:
        typer.echo(json.dumps({"rows": found.rows, "head": found.head, "broken_at": found.broken_at}))
    elif found.broken_at is None:
        typer.echo(f"OK: {found.rows} rows, head {found.head}")
    else:
        typer.echo(f"BROKEN after {found.rows} good rows / 第 {found.rows} 行之后的链已损坏")
    if found.broken_at is not None:
        raise typer.Exit(1)


def _with(settings: Settings, fn: Callable[[Connection], T]) -> T:
    db = Database(settings.database_path)
    try:
        return db.write(fn)
    finally:
        db.close()


def _ask() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("PIN / password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
