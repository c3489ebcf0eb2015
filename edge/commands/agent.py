"""``qcbox agent``: judges what was received, shows it, and sends it to the centre."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import structlog
import typer

from cloud_sync.kit.log import configure
from edge.settings_file import load

log = structlog.get_logger()


def agent(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
) -> None:
    """Judge what was received, run the console, send results to the centre, until asked to stop."""
    from edge.agent import run_agent

    configure("agent")
    settings = load(config)
    try:
        asyncio.run(run_agent(settings))
    except ExceptionGroup as group:
        for error in group.exceptions:
            log.error("process.failed", exc_info=error)
        sys.exit(1)
