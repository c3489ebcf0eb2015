"""``qcbox screen NAME``: watches one screen, a process of its own. It loads no database, no rules, no MQTT."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import cv2
import typer
from pydantic import ValidationError

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
from edge.settings import Settings, load


def screen(
    name: Annotated[str, typer.Argument(help="Name of the screen in the configuration.")],
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    corners: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,X,Y,X,Y,X,Y",
            help="Camera: keep these corners of the screen (clockwise from top left; 'none': none) and end.",
        ),
    ] = None,
) -> None:
    """Watch a screen and spool what it shows until asked to stop."""
    configure("screen")
    settings = load(config)
    chosen = _chosen(settings, name)
    folder = settings.screens_path / "live" / name
    if corners is not None:
        perspective.teach(folder, _corners(corners))
        return
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
        Bilingual(f"已配置:{known}", f"There are: {known}"),
    )


def _corners(given: str) -> perspective.Corners | None:
    if given == "none":
        return None
    try:
        x = [float(number) for number in given.split(",")]
        return perspective.Corners(points=((x[0], x[1]), (x[2], x[3]), (x[4], x[5]), (x[6], x[7])))
    except (ValueError, IndexError, ValidationError):
        raise Misuse(
            "screen.corners",
            Bilingual("四角坐标不合要求", "These are not the four corners of a screen"),
            Bilingual(
                "从左上角起顺时针给出 8 个数,例如 102,88,1790,64,1822,1010,95,1033",
                "Give 8 numbers, clockwise from the top left, e.g. 102,88,1790,64,1822,1010,95,1033",
            ),
        ) from None
