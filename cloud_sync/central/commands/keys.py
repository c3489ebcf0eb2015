"""``qcbox-central keys``: make keys and look at them. Needs no centre: a laptop without a network will do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer

from cloud_sync.central.commands import asking
from cloud_sync.central.settings import load
from cloud_sync.central.signing import cards, keys
from cloud_sync.central.signing.cards import PURPOSES, Card

app = typer.Typer(no_args_is_help=True, help="Keys that sign what boxes may run.")
Config = Annotated[Path | None, typer.Option("--config", help="TOML file; without it, the defaults.")]
Folder = Annotated[Path | None, typer.Option("--folder", help="Of the key files; default: publishing.keys.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Of the files: small letters, digits and dashes.")],
    owner: Annotated[str, typer.Option("--owner", help="Account name of the one person who shall use it.")],
    purpose: Annotated[str, typer.Option("--purpose", help=", ".join(PURPOSES))],
    scheme: Annotated[str, typer.Option("--scheme", help="ed25519 or ecdsa-p256")] = "ed25519",
    pkcs11: Annotated[
        bool, typer.Option("--pkcs11", help="The key is on a token (PKCS#11); do not make one.")
    ] = False,
    token: Annotated[str, typer.Option("--token", help="Label of the token, when there are several.")] = "",
    folder: Folder = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a key. The passphrase (or PIN) comes from the terminal or from standard input."""
    if purpose not in PURPOSES:
        raise typer.BadParameter(", ".join(PURPOSES), param_hint="--purpose")
    if scheme not in ("ed25519", "ecdsa-p256"):
        raise typer.BadParameter("ed25519, ecdsa-p256", param_hint="--scheme")
    place = _folder(folder, config)
    if pkcs11:
        card = keys.adopt(
            place, name, owner, purpose, lambda: asking.passphrase("令牌 PIN", "PIN of the token"), token
        )
    else:
        secret = asking.passphrase("口令", "Passphrase", confirm=True)
        asking.progress("正在生成密钥…", "Making the key...")
        card = keys.new(place, name, owner, purpose, secret, cast(keys.Scheme, scheme))
    _show(card, as_json)
    asking.progress(
        f"私钥在 {keys.path_of(place, name)}，请做两份离线备份；公钥卡 {name}{cards.SUFFIX} 可交给任何人",
        f"The private key is in {keys.path_of(place, name)}: keep two copies off line. "
        f"The card {name}{cards.SUFFIX} may be given to anybody",
    )


@app.command("list")
def list_(folder: Folder = None, config: Config = None, as_json: Json = False) -> None:
    """All keys of the folder."""
    found = cards.listed(_folder(folder, config))
    if as_json:
        asking.answer({"keys": [fields(card) for card in found]})
        return
    for card in found:
        typer.echo(f"{card.name:24} {card.purpose:8} {card.owner:24} {card.keyid[:16]}")


@app.command()
def show(card: Annotated[Path, typer.Argument(help="A card file (.card.json).")], as_json: Json = False) -> None:
    """One card: compare its fingerprint by telephone with its owner's."""
    _show(cards.read(card), as_json)


def fields(card: Card) -> dict[str, object]:
    """A card for people and programs."""
    return {"name": card.name, "owner": card.owner, "purpose": card.purpose, "keyid": card.keyid}


def _show(card: Card, as_json: bool) -> None:
    if as_json:
        asking.answer(fields(card))
        return
    for label, value in fields(card).items():
        typer.echo(f"{label:8} {value}")


def _folder(folder: Path | None, config: Path | None) -> Path:
    return folder or load(config).publishing.keys
