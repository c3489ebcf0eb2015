"""``qcbox backup`` and ``qcbox restore``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import structlog
import typer

from cloud_sync.kit.log import configure
from edge.settings_file import load
from edge.store import backup as store

log = structlog.get_logger()
Config = Annotated[Path | None, typer.Option(help="Configuration file (TOML).")]


def backup(
    folder: Annotated[Path, typer.Argument(help="Where backups are kept.")],
    config: Config = None,
    keep: Annotated[int, typer.Option(min=1, help="Snapshots to keep.")] = 7,
) -> None:
    """Copy database, image files and pseudonym key, while the box works on."""
    configure("backup")
    settings = load(config)
    made = store.backup(settings.data_dir, settings.blobs_path, folder, keep)
    log.info("backup.made", count=made.files)
    _say(made)


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that qcbox backup wrote.")],
    config: Config = None,
) -> None:
    """Make this box from the newest backup. The agent must be stopped and its data folder moved away."""
    configure("restore")
    settings = load(config)
    _say(store.restore(folder, settings.data_dir, settings.blobs_path))


def _say(made: store.Copied) -> None:
    typer.echo(json.dumps({"snapshot": str(made.snapshot), "files": made.files, "missing": made.missing}))
