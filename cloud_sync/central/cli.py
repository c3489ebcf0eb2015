"""``qcbox-central``: the QC group's side. Exit 0: fine; 1: a finding or a failure; 2: misuse."""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse, QcError
from cloud_sync.central import accounts, export, fleet, queries, streams
from cloud_sync.central.commands import ca, ceremony, keys, rollout
from cloud_sync.central.database import Database
from cloud_sync.central.program import run as run_program
from cloud_sync.central.settings import load
from cloud_sync.kit.terminal import language

app = typer.Typer(name="qcbox-central", no_args_is_help=True, pretty_exceptions_enable=False)
account_app = typer.Typer(no_args_is_help=True, help="Accounts of the centre's pages.")
app.add_typer(account_app, name="account")
app.add_typer(ca.app, name="ca")
app.add_typer(keys.app, name="keys")
app.add_typer(ceremony.app, name="repository")
app.add_typer(rollout.app, name="rollout")

Config = Annotated[Path | None, typer.Option("--config", help="TOML file; without it, the defaults.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback()
def about() -> None:
    """Takes in the results of all boxes and shows them to the QC group."""


@app.command()
def run(config: Config = None) -> None:
    """Take in results and serve the pages until asked to stop."""
    sys.exit(run_program(load(config)))


@app.command()
def status(config: Config = None, as_json: Json = False) -> None:
    """Boxes, queues, gaps, alarms. Exit 1 when there is a gap, a dead letter or an alarm."""
    with closing(Database(load(config).database_url)) as database, database.read() as connection:
        totals = queries.totals(connection)
        boxes = fleet.boxes(connection)
        gaps = streams.gaps(connection)
    if as_json:
        typer.echo(json.dumps(export.plain({"totals": totals, "boxes": boxes, "gaps": gaps}), ensure_ascii=False))
    else:
        for box in boxes:
            state = "online" if box.online else "offline"
            typer.echo(f"{box.name:24} {state:8} waiting {box.waiting}, missing {box.missing}")
        typer.echo(
            f"{totals.results} results, {totals.events} events, {len(gaps)} gaps, "
            f"{totals.dead_letters} dead letters, {totals.alarms} alarms"
        )
    sys.exit(1 if gaps or totals.dead_letters or totals.alarms else 0)


@app.command("export")
def export_results(
    config: Config = None,
    form: Annotated[str, typer.Option("--format", help="csv or json")] = "csv",
) -> None:
    """Print all results, oldest first."""
    if form not in export.WRITERS:
        raise typer.BadParameter("csv or json", param_hint="--format")
    with closing(Database(load(config).database_url)) as database, database.read() as connection:
        for piece in export.WRITERS[form](queries.every_result(connection, queries.Filter())):
            sys.stdout.write(piece)


@account_app.command("add")
def add_account(
    name: str,
    role: Annotated[str, typer.Option("--role", help="qc-group or admin")] = "qc-group",
    config: Config = None,
) -> None:
    """A new account; the password comes from the terminal or from standard input."""
    url = load(config).database_url
    secret_hash = accounts.hash_password(_password())
    with closing(Database(url)) as database, database.write() as connection:
        accounts.add(connection, name, role, secret_hash, time.time_ns() // 1_000_000, by="qcbox-central")


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def main() -> None:
    """Run the command line. What the product raises on purpose is said in words, not as a traceback."""
    os.umask(0o077)  # the database holds results and the hashes of passwords
    try:
        app()
    except QcError as error:
        typer.echo(f"{error.code}: {error.say(language())}", err=True)
        sys.exit(2 if isinstance(error, Misuse) else 1)


if __name__ == "__main__":
    main()
