"""``qcbox listen``: the DICOM receiver, a process of its own. It loads no database, no decoder, no MQTT."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from capture.dicom.settings import DicomSettings
from capture.dicom.source import DicomSource
from capture.dicom.telling import Relayed
from capture.spool import Spool, SpoolSettings
from cloud_sync.kit.log import configure
from cloud_sync.kit.notify import notify
from edge.commands.receiver import alive, run_source, stop_on_signals


def listen(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
) -> None:
    """Receive DICOM objects into the spool until asked to stop."""
    from edge.settings_file import load  # not needed by run_listener, which tests start many times

    configure("listen")
    settings = load(config)
    run_listener(
        settings.spool_path,
        settings.spool,
        settings.dicom,
        stop=stop_on_signals(),
        ready=lambda port: notify("READY=1"),
        relayed=settings.forward.relayed,
    )


def run_listener(
    folder: Path,
    spool_settings: SpoolSettings,
    dicom_settings: DicomSettings,
    *,
    stop: threading.Event,
    ready: Callable[[int], None] = lambda port: None,
    at: Callable[[str], None] = lambda step: None,
    relayed: Relayed = frozenset(),
) -> None:
    """Listen until ``stop``. ``ready`` hears the port; ``at`` hears every step of the durability path."""
    source = DicomSource(dicom_settings, ready=ready, alive=alive, at=at, relayed=relayed)
    run_source(source, Spool(folder, spool_settings, at=at), stop)
