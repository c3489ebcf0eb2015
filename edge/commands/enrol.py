"""``qcbox enrol``: get this box its certificate from the centre, by the code on the token sheet."""

from __future__ import annotations

import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from cloud_sync.updates.disk import write_whole
from cloud_sync.wire.enrolment import Ticket, read_ticket, ticket
from edge.content.trusting import root_path
from edge.enrol import plate
from edge.enrol.check import overruled
from edge.enrol.enrolling import enrol as enrol_box
from edge.enrol.folder import Folder
from edge.settings_file import load


def enrol(
    text: Annotated[
        str,
        typer.Argument(help="Text of the code on the token sheet; - or nothing: asked for, or standard input."),
    ] = "-",
    url: Annotated[str, typer.Option(help="Instead of the text: address of the centre's door.")] = "",
    pin: Annotated[str, typer.Option(help="Instead of the text: the authority's key, as on the sheet.")] = "",
    serial: Annotated[str, typer.Option(help="Number on the type plate; default: what the firmware says.")] = "",
    proxy: Annotated[str, typer.Option(help="http://host:port of a proxy towards the centre.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
    config: Annotated[Path | None, typer.Option(help="Configuration file (TOML).")] = None,
) -> None:
    """Enrol this box at the centre. It can be interrupted and done again with the same token.

    With --url and --pin, what is asked for (or comes on standard input) is the token alone.
    """
    settings = load(config, alone=True)
    found = _ticket(text, url, pin)
    number = serial or plate.serial()
    _become_owner(settings.data_dir)
    folder = Folder(settings.enrolment_path)
    with folder.held():
        grant = enrol_box(folder, found, number, proxy=proxy)
    root = root_path(settings.content_path)
    if grant.root and not root.exists():  # later ones come signed by this one
        write_whole(root, grant.root.encode())
    against = overruled(load(config), grant)
    until = datetime.fromtimestamp(grant.not_after / 1000, UTC)
    if as_json:
        told = {
            "box": grant.box, "not_after": until.isoformat(), "broker": f"{grant.broker_host}:{grant.broker_port}",
            "signed_content": bool(grant.root), "overruled": [name for name, _ in against],
        }  # fmt: skip
        typer.echo(json.dumps(told, ensure_ascii=False))
        return
    typer.echo(f"{grant.box}: {grant.broker_host}:{grant.broker_port}, {until:%Y-%m-%d}")
    for _, hint in against:
        typer.echo(hint.get(language()), err=True)
    typer.echo("systemctl restart qcbox-agent")


def _ticket(text: str, url: str, pin: str) -> Ticket:
    said = _ask() if text == "-" else text
    found = ticket(url, said.strip(), pin) if url or pin else read_ticket(said)
    if found is None:
        raise Misuse(
            "enrol.ticket",
            Bilingual("令牌单的文字不完整或不正确", "The text of the token sheet is not whole, or not right"),
            Bilingual(
                "扫描或完整复制二维码下的文字，放在引号中；或用 --url 与 --pin 并输入令牌",
                "Scan the code, or copy the text under it whole and in quotes; or give --url, --pin and the token",
            ),
        )
    return found


def _ask() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Token / 令牌"))
    return sys.stdin.readline()


def _become_owner(data_dir: Path) -> None:
    """Root reads the type plate; the files are for the user that the agent runs as."""
    if os.geteuid() != 0:
        return
    try:
        owner = data_dir.stat()
    except OSError:
        raise Misuse(
            "enrol.data_dir",
            Bilingual("数据目录不存在", "The data folder is not there"),
            Bilingual(
                "先运行 deploy/install，或用 --config 指定配置", "Run deploy/install first, or name --config"
            ),
        ) from None
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
