"""``qcbox config``: what the box is told, and whether that makes sense."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.settings_file import load

app = typer.Typer(no_args_is_help=True, help="Show and check the configuration.")
Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]


@app.command()
def show(config: Config = None) -> None:
    """Print every setting in force as JSON; secrets are masked."""
    typer.echo(load(config).model_dump_json(indent=2))


@app.command()
def check(config: Config = None) -> None:
    """Exit 0 when the file, the secrets and the environment make sense, 2 with a hint when not."""
    load(config)
    typer.echo("OK")
