"""``qcbox``: the appliance's command line. Exit 0: fine; 1: a finding or a failure; 2: misuse."""

from __future__ import annotations

import os
import sys
from importlib import import_module

import typer

from capture.errors import Misuse, QcError
from cloud_sync.kit.terminal import language

COMMANDS: dict[str, str] = {
    "listen": "edge.commands.listen:listen",
    "watch": "edge.commands.watch:watch",
    "screen": "edge.commands.screen:screen",
    "agent": "edge.commands.agent:agent",
    "judge": "edge.commands.judge:judge",
    "rules": "edge.commands.rules:app",
    "bundles": "edge.commands.bundles:app",
    "content": "edge.commands.content:app",
    "forward": "edge.commands.forward:app",
    "send-test": "edge.commands.send_test:send_test",
    "doctor": "edge.commands.doctor:doctor",
    "config": "edge.commands.config:app",
    "account": "edge.commands.account:app",
    "enrol": "edge.commands.enrol:enrol",
    "baseline": "edge.commands.baseline:app",
    "protocol": "edge.commands.protocol:app",
    "backup": "edge.commands.backup:backup",
    "restore": "edge.commands.backup:restore",
    "redact": "edge.commands.redact:redact",
    "hands": "edge.commands.hands:app",
    "bench": "edge.commands.bench:app",
}
"""Where each command is. Only the one that is asked for is imported: the receiver must stay small."""


def build(names: list[str]) -> typer.Typer:
    """The application with these commands."""
    app = typer.Typer(name="qcbox", no_args_is_help=True, pretty_exceptions_enable=False)
    app.callback(help="Judges the acquisition quality of medical images beside the imaging device.")(lambda: None)
    for name in names:
        module, _, attribute = COMMANDS[name].partition(":")
        command = getattr(import_module(module), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def main() -> None:
    """Run the command line. What the product raises on purpose is said in words, not as a traceback."""
    os.umask(0o077)  # whatever a command writes may hold a patient
    asked = [name for name in sys.argv[1:2] if name in COMMANDS]
    try:
        build(asked or list(COMMANDS))()
    except QcError as error:
        typer.echo(f"{error.code}: {error.say(language())}", err=True)
        sys.exit(2 if isinstance(error, Misuse) else 1)
