"""``qcbox forward``: what still has to go on to archives, RIS and devices; another try of what was refused."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture.text import Bilingual
from cloud_sync.kit.terminal import language
from edge.forward import wish
from edge.forward.status import Queued, status
from edge.settings_file import load
from edge.store.database import engine

if TYPE_CHECKING:
    from edge.forward.check import Checked

app = typer.Typer(help="What goes on to archives, the RIS and devices.", no_args_is_help=True)

_Config = Annotated[Path | None, typer.Option("--config", help="Configuration file (TOML).")]
_Json = Annotated[bool, typer.Option("--json", help="For programs.")]
_Lang = Annotated[str | None, typer.Option("--lang", help="zh or en; the terminal's own by default.")]

_NOTHING = Bilingual(
    "没有转发队列：未配置 [forward]，或尚未收到任何对象", "No queues: no [forward] is set, or nothing ever came"
)


@app.command("status")
def show(config: _Config = None, lang: _Lang = None, as_json: _Json = False) -> None:
    """Each queue: how many wait, since when, how many were refused, and the last answer."""
    settings = load(config)
    queues: list[Queued] = []
    if settings.database_path.exists():
        reading = engine(settings.database_path, read_only=True)
        try:
            with reading.begin() as connection:
                queues = status(connection, settings.forward)
        finally:
            reading.dispose()
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in queues], ensure_ascii=False, indent=2))
        return
    if not queues:
        typer.echo(_NOTHING.get(lang or language()))
    for one in queues:
        typer.echo(_line(one).get(lang or language()))


@app.command()
def check(config: _Config = None, lang: _Lang = None, as_json: _Json = False) -> None:
    """Call each peer once: association, TLS, certificate. Exit 1 when one does not answer as it should."""
    from edge.forward.check import check as call
    from edge.forward.check import peers  # loads what only this command needs

    settings = load(config)
    with ThreadPoolExecutor(8) as pool:
        each = list(pool.map(call, peers(settings.forward, settings.worklist)))
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in each], ensure_ascii=False, indent=2))
    else:
        for one in each:
            typer.echo(_checked(one).get(lang or language()))
    if any(one.code for one in each):
        raise typer.Exit(1)


@app.command()
def retry(config: _Config = None, as_json: _Json = False) -> None:
    """Have the agent try again, within seconds, what was refused and what waits for its time."""
    path = load(config).wishes_path
    wish.make(path)
    typer.echo(json.dumps({"wish": str(path)}) if as_json else str(path))


def _line(one: Queued) -> Bilingual:
    since = "" if one.oldest is None else f"{datetime.fromtimestamp(one.oldest / 1000).astimezone():%m-%d %H:%M}"
    said = one.said or Bilingual("", "")
    zh, en = (f"  [{one.code}] {text}".rstrip() if one.code else "" for text in (said.zh, said.en))
    return Bilingual(
        f"{one.name}  等待 {one.waiting}{f'（自 {since}）' if since else ''}  被拒 {one.refused}{zh}",
        f"{one.name}  {one.waiting} waiting{f' (since {since})' if since else ''}  {one.refused} refused{en}",
    )


def _checked(one: Checked) -> Bilingual:
    head = f"{one.name}  {one.address}  {one.ae_title}"
    zh, en = (
        [f"{head}  {one.code or 'ok'}" + (f"  {text} ({hint})" if one.code else "")]
        for text, hint in ((one.text.zh, one.hint.zh), (one.text.en, one.hint.en))
    )
    if one.takes:
        zh.append(f"接受：{'、'.join(one.takes)}")
        en.append(f"takes: {', '.join(one.takes)}")
    if (tls := one.secured) is not None:
        names = f"{tls.subject} {list(tls.names)}"
        zh += [f"{tls.protocol} {tls.cipher}", f"证书：{names}，有效期至 {tls.until[:10]}", f"签发：{tls.issuer}"]
        en += [
            f"{tls.protocol} {tls.cipher}",
            f"certificate: {names}, until {tls.until[:10]}",
            f"of: {tls.issuer}",
        ]
        for lines in (zh, en):
            lines.append(f"SHA-256: {tls.sha256}")
    return Bilingual("\n    ".join(zh), "\n    ".join(en))
