"""``qcbox watch``: takes files of a watched folder into the spool, a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from capture.folder import FolderSettings, FolderSource
from capture.spool import Spool, SpoolSettings
from cloud_sync.kit.log import configure
from cloud_sync.kit.notify import notify
from edge.commands.receiver import alive, run_source, stop_on_signals


def watch(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
) -> None:
    """Take files of the watched folder into the spool until asked to stop."""
    from edge.settings_file import load  # not needed by run_watcher

    configure("watch")
    settings = load(config)
    run_watcher(
        settings.spool_path,
        settings.spool,
        settings.folder,
        stop=stop_on_signals(),
        ready=lambda: notify("READY=1"),
    )


def run_watcher(
    folder: Path,
    spool_settings: SpoolSettings,
    folder_settings: FolderSettings,
    *,
    stop: threading.Event,
    ready: Callable[[], None] = lambda: None,
    at: Callable[[str], None] = lambda step: None,
) -> None:
    """Watch until ``stop``. ``ready`` is called before the first look; ``at`` hears every step of the spool."""
    source = FolderSource(folder_settings, ready=ready, alive=alive)
    run_source(source, Spool(folder, spool_settings, at=at), stop)
