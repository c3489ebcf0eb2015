"""``qcbox-central ca``: the authority that signs the papers of boxes, broker and centre."""

from __future__ import annotations

import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from cloud_sync.central.commands.asking import passphrase as ask
from cloud_sync.central.commands.asking import say
from cloud_sync.central.database import Database
from cloud_sync.central.enrolment import ca, overview, vault
from cloud_sync.central.enrolment.vault import SERVER, Keeper, Vault
from cloud_sync.central.enrolment.warden import Warden
from cloud_sync.central.settings import CentralSettings, load

app = typer.Typer(
    no_args_is_help=True, help="The centre's own authority: certificates of boxes, broker and centre."
)
Config = Annotated[Path | None, typer.Option("--config", help="TOML file; without it, the defaults.")]
Names = Annotated[list[str], typer.Option("--name", help="Host name or address; may be given several times.")]
Encrypt = Annotated[
    bool, typer.Option(help="Ask for a passphrase of the key; the running centre needs it in a file.")
]


def _now() -> int:
    return time.time_ns() // 1_000_000


@app.command()
def init(
    name: Names,
    title: Annotated[str, typer.Option("--title", help="Name of the authority.")] = "qcbox",
    encrypt: Encrypt = False,
    config: Config = None,
) -> None:
    """Make the authority. It will only ever sign for the servers named here (and names under them), and for
    boxes."""
    settings = load(config)
    secret = _secret(settings, encrypt)
    made = vault.create(settings.enrolment.folder, title, name, secret, _now())
    say(
        f"公钥指纹 {made.current.id}；下一步：ca issue-server {SERVER} --name ..., "
        "ca issue-server broker --name ..., ca issue-centre",
        f"Key {made.current.id}. Next: ca issue-server {SERVER} --name ..., "
        "ca issue-server broker --name ..., ca issue-centre",
    )


@app.command()
def show(
    config: Config = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Generations, until when they are good, and how many boxes still have papers of each."""
    settings = load(config)
    held = _vault(settings)
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        count = overview.by_authority(connection, _now())
    rows = [
        {
            "generation": place,
            "pin": one.id,
            "subject": one.certificate.subject.rfc4514_string(),
            "not_after": one.certificate.not_valid_after_utc.isoformat(),
            "boxes": count.get(one.id, 0),
            "signs": one is held.current,
        }
        for place, one in enumerate(held.authorities, 1)
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    for row in rows:
        typer.echo(
            f"{row['subject']}  {row['pin']}  {row['not_after']}  {row['boxes']}{' *' if row['signs'] else ''}"
        )


@app.command()
def roll(
    name: Names,
    title: Annotated[str, typer.Option("--title", help="Name of the authority.")] = "qcbox",
    config: Config = None,
) -> None:
    """A new generation beside the present one. Boxes learn it by themselves; then issue the servers' papers
    anew."""
    settings = load(config)
    made = vault.roll(settings.enrolment.folder, title, name, _secret(settings), _now())
    say(f"新一代公钥指纹 {made.current.id}", f"Key of the new generation {made.current.id}")


@app.command()
def retire(
    config: Config = None, force: Annotated[bool, typer.Option(help="Even while boxes need it.")] = False
) -> None:
    """Believe the oldest generation no more. Exit 1, with their number, while boxes have papers of it."""
    settings = load(config)
    oldest = _vault(settings).authorities[0]
    with closing(Database(settings.database_url)) as database, database.read() as connection:
        count = overview.by_authority(connection, _now()).get(oldest.id, 0)
    if count and not force:
        say(f"仍有 {count} 台盒子使用该代证书", f"{count} boxes still have papers of this generation")
        sys.exit(1)
    vault.retire(settings.enrolment.folder, _secret(settings))


@app.command("issue-server")
def issue_server(
    stem: Annotated[str, typer.Argument(help=f"Of the files; {SERVER} is the enrolment door's.")],
    name: Names,
    folder: Annotated[Path | None, typer.Option(help="Where to; default: the authority's folder.")] = None,
    config: Config = None,
) -> None:
    """Key and certificate of a server: the door, or the broker."""
    settings = load(config)
    place = folder or settings.enrolment.folder
    vault.issue_files(
        _vault(settings), place, stem, lambda by, key: ca.issue_server(by, name, key, _now(), vault.SERVER_LIFE)
    )
    typer.echo(f"{place / stem}.pem {place / stem}.key")


@app.command("issue-centre")
def issue_centre(config: Config = None) -> None:
    """Key and certificate of the centre itself at the broker, under the name ``ingest.client_id``."""
    settings = load(config)
    place, name = settings.enrolment.folder, settings.ingest.client_id
    vault.issue_files(
        _vault(settings), place, "centre", lambda by, key: ca.issue_box(by, name, key, _now(), vault.SERVER_LIFE)
    )
    typer.echo(f"{place / 'centre.pem'} {place / 'centre.key'}")


@app.command()
def crl(config: Config = None) -> None:
    """Write authorities and revocation list for the broker now. The running centre does so by itself."""
    settings = load(config)
    held = Keeper(settings.enrolment.folder, _secret(settings))
    with closing(Database(settings.database_url)) as database:
        Warden(settings.enrolment, settings.broker, database, held, _now).publish()
    typer.echo(str(settings.enrolment.publish))


def _vault(settings: CentralSettings) -> Vault:
    return vault.load(settings.enrolment.folder, _secret(settings))


def _secret(settings: CentralSettings, new: bool = False) -> bytes | None:
    """From the file that the running centre reads too; else typed where a key is or shall be encrypted."""
    if settings.enrolment.passphrase_file is not None:
        return vault.passphrase(settings.enrolment.passphrase_file)
    if new or vault.encrypted(settings.enrolment.folder):
        return ask("颁发机构密钥口令", "Passphrase of the authority's key", confirm=new).encode()
    return None
