"""``qcbox screen NAME``: watches one screen, a process of its own. It loads no database, no rules, no MQTT."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import typer

from capture.errors import Misuse
from capture.screen import perspective, sources
from capture.screen.ocr import choice
from capture.screen.run import ScreenSource
from capture.screen.settings import ScreenSettings
from capture.spool import Spool
from capture.text import Bilingual
from cloud_sync.kit.log import configure
from cloud_sync.kit.notify import notify
from edge.commands.receiver import alive, run_source, stop_on_signals
from edge.settings import Settings
from edge.settings_file import load


def screen(
    name: Annotated[str, typer.Argument(help="Name of the screen in the configuration.")],
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
) -> None:
    """Watch a screen and spool what it shows until asked to stop."""
    settings = load(config)
    chosen = _chosen(settings, name)
    configure("screen")
    folder = settings.screens_path / "live" / name
    cv2.setNumThreads(1)
    source = ScreenSource(
        name,
        settings.screens_path,
        lambda: sources.make(chosen, partial(perspective.taught, folder)),
        choice.make(settings.reading),
        ready=lambda: notify("READY=1"),
        alive=alive,
    )
    run_source(source, Spool(settings.spool_path, settings.spool), stop_on_signals())


def _chosen(settings: Settings, name: str) -> ScreenSettings:
    for one in settings.screens:
        if one.name == name:
            return one
    known = ", ".join(one.name for one in settings.screens) or "-"
    raise Misuse(
        "screen.unknown",
        Bilingual(f"配置中没有屏幕 {name}", f"The configuration has no screen {name}"),
        Bilingual(f"已配置：{known}", f"There are: {known}"),
    )
