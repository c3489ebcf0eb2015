"""``qcbox doctor``: is this box well, and if not, what to do."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cloud_sync.kit.terminal import language
from edge.doctor import examine
from edge.settings_file import load
from edge.vivid import accept, find

_SIGNS = {"ok": "✓", "warning": "!", "failed": "✗"}


def doctor(
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
    vivid: Annotated[
        bool, typer.Option("--vivid", help="Try screen capture on the kernel's virtual capture card instead.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs, in both languages.")] = False,
) -> None:
    """Look at everything the box needs. Exit 1 when something failed."""
    checks = list(accept(find())) if vivid else examine(load(config))
    if as_json:
        typer.echo(json.dumps([asdict(check) for check in checks], ensure_ascii=False, indent=2))
    else:
        tongue = language()
        for check in checks:
            hint = f"  -> {check.hint.get(tongue)}" if check.hint else ""
            typer.echo(f"{_SIGNS[check.state]} {check.name}: {check.text.get(tongue)}{hint}")
    raise typer.Exit(1 if any(check.state == "failed" for check in checks) else 0)
