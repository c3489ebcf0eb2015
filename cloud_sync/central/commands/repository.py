"""``qcbox-central repository``: who signs, what waits for signatures, what boxes may run."""

from __future__ import annotations

import sys
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cloud_sync.central.commands import asking
from cloud_sync.central.settings import load
from cloud_sync.central.signing import cards, keys, online, proposals, standing
from cloud_sync.central.signing.changes import lines
from cloud_sync.central.signing.composing import AREAS, no_area
from cloud_sync.central.signing.keys import Signer
from cloud_sync.central.signing.proposals import Proposal
from cloud_sync.central.signing.repository import Addition, Repository
from cloud_sync.central.signing.settings import PublishingSettings
from cloud_sync.updates.listing import area_of
from cloud_sync.updates.terms import Area, Target
from models.content.package import open_package

app = typer.Typer(no_args_is_help=True, help="What boxes may run, and who signs it.")
Config = Annotated[Path | None, typer.Option("--config", help="TOML file; without it, the defaults.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Key = Annotated[str, typer.Option("--key", help="Your key: its name in publishing.keys, or its file.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; boxes and the history show it.")]
Id = Annotated[str, typer.Argument(help="A proposal, as repository show names it.")]


@app.command()
def show(config: Config = None, as_json: Json = False) -> None:
    """Roles, people, releases and what waits. Exit 1 when a role has ended or soon will."""
    repository, now = opened(load(config).publishing), time.time_ns() // 1_000_000
    roles = tuple(standing.roles(repository)) if repository.store.founded else ()
    ending = standing.ending(repository, now) if roles else ()
    waiting = repository.proposals()
    if as_json:
        asking.answer(
            {
                "founded": bool(roles),
                "roles": [_role(role) for role in roles],
                "releases": [_release(one) for one in (repository.listed() if roles else ())],
                "proposals": [proposal_fields(one) for one in waiting],
                "ending": [role.name for role in ending],
            }
        )
    else:
        _tell(repository, roles, waiting)
        for role in ending:
            asking.say(
                f"注意：{role.name} 于 {_day(role.expires)} 到期，请重新签署",
                f"{role.name} ends on {_day(role.expires)}: sign it anew",
            )
    sys.exit(1 if ending else 0)


@app.command()
def sign(
    proposal: Annotated[str, typer.Argument(help="A proposal's id, or an exported file.")],
    key: Key,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Sign a proposal: here, or its file on a machine that has only your key."""
    settings, file = load(config).publishing, Path(proposal)
    if file.is_file():
        found = proposals.parse(file.read_bytes())
        announce(found)
        found = found.signed_by(unlocked(settings, key))
        asking.write(file, found.dump())
    else:
        repository = opened(settings)
        announce(repository.proposal(proposal))
        found = repository.sign(proposal, unlocked(settings, key))
    report(found, as_json)


@app.command()
def publish(id: Id, config: Config = None, as_json: Json = False) -> None:
    """Put a proposal in force that enough people have signed. Needs the online key."""
    settings = load(config).publishing
    repository = opened(settings)
    proposal = repository.proposal(id)
    asking.progress("正在发布…", "Publishing...")
    repository.publish(proposal, _online(settings))
    if as_json:
        asking.answer({"published": proposal.role, "version": proposal.version})
    else:
        asking.say(
            f"{proposal.role} 第 {proposal.version} 版已生效",
            f"{proposal.role} version {proposal.version} is in force",
        )


@app.command()
def propose(
    packages: Annotated[list[Path], typer.Argument(help="Packages made by qcbox content build.")],
    key: Key,
    group: Annotated[
        list[str], typer.Option("--group", help="Only for boxes of this group; may be repeated.")
    ] = [],  # noqa: B006
    reason: Reason = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Propose packages of one area; a second person signs, then publish."""
    settings = load(config).publishing
    contents = [cards.content_of(path) for path in packages]
    areas = {open_package(one).manifest.area for one in contents}
    additions = [Addition(one, tuple(group)) for one in contents]
    author = unlocked(settings, key)
    report(opened(settings).propose(_one(areas), additions, author=author, reason=reason), as_json)


@app.command()
def withdraw(
    paths: Annotated[list[str], typer.Argument(help="kb/<area>/<name>/<version>.zip, of one area.")],
    key: Key,
    reason: Reason = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Propose that no box runs these any more; a second person signs, then publish."""
    settings = load(config).publishing
    area = _one({area_of(path) or path for path in paths})
    author = unlocked(settings, key)
    report(opened(settings).propose(area, remove=paths, author=author, reason=reason), as_json)


@app.command()
def renew(
    area: Annotated[str, typer.Argument(help="general, radiography, ct, mr or screen.")],
    key: Key,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Propose an area's list for another year, unchanged; a second person signs, then publish."""
    settings = load(config).publishing
    report(opened(settings).propose(_one({area}), author=unlocked(settings, key)), as_json)


@app.command()
def drop(id: Id, config: Config = None) -> None:
    """Forget a proposal that was not published."""
    opened(load(config).publishing).drop(id)


@app.command()
def refresh(config: Config = None, as_json: Json = False) -> None:
    """Sign the timestamp anew now; the running centre does it every day."""
    settings = load(config).publishing
    signed = opened(settings).refresh(_online(settings), every_ms=0)
    asking.answer({"signed": signed}) if as_json else asking.say(
        "时间戳已重新签署", "The timestamp is signed anew"
    )


def opened(settings: PublishingSettings) -> Repository:
    return Repository(settings.repository)


def unlocked(settings: PublishingSettings, key: str) -> Signer:
    """Somebody's key, opened by what is typed. Raises Misuse."""
    path = Path(key) if key.endswith(keys.SUFFIX) else keys.path_of(settings.keys, key)
    secret = asking.passphrase(f"密钥 {path.name} 的口令", f"Passphrase of {path.name}")
    return keys.load(path, secret)


def report(proposal: Proposal, as_json: bool) -> None:
    """How far a proposal is, and what is next."""
    if as_json:
        asking.answer(proposal_fields(proposal))
        return
    typer.echo(proposal.id)
    for need in proposal.needs():
        signed, may = ", ".join(need.signed) or "-", ", ".join(need.may_sign) or "-"
        asking.say(
            f"  {need.part}: {len(need.signed)}/{need.threshold} 已签 {signed}；可签 {may}",
            f"  {need.part}: {len(need.signed)} of {need.threshold} signed: {signed}; may sign: {may}",
        )
    if proposal.complete:
        asking.say(
            f"签名已齐：qcbox-central repository publish {proposal.id}",
            f"Complete: qcbox-central repository publish {proposal.id}",
        )


def proposal_fields(proposal: Proposal) -> dict[str, object]:
    """A proposal for programs."""
    needs = [
        {"part": need.part, "threshold": need.threshold, "signed": need.signed, "may_sign": need.may_sign}
        for need in proposal.needs()
    ]
    return {
        "id": proposal.id, "role": proposal.role, "version": proposal.version, "author": proposal.author,
        "complete": proposal.complete, "needs": needs,
    }  # fmt: skip


def announce(proposal: Proposal) -> None:
    """What one is about to sign, read from the signed bytes; said before the passphrase is asked for."""
    asking.progress(f"提议 {proposal.id}", f"Proposal {proposal.id}")
    for line in lines(proposal):
        typer.echo(f"  {line.mark} {line.part} | {line.text}", err=True)


def _online(settings: PublishingSettings) -> Signer:
    """From its passphrase file, as the centre opens it; else what is typed."""
    return online.open_online(settings) if settings.online_passphrase else unlocked(settings, settings.online_key)


def _one(areas: Collection[str]) -> Area:
    found = next((area for area in AREAS if set(areas) == {area}), None)
    if found is None:
        raise no_area(", ".join(sorted(areas)))
    return found


def _tell(repository: Repository, roles: Iterable[standing.Role], waiting: Iterable[Proposal]) -> None:
    for role in roles:
        people = ", ".join(f"{one.owner} ({one.keyid[:8]})" for one in role.people)
        zh, en = "尚未发布", "nothing published yet"
        if role.version:
            zh = f"第 {role.version} 版，{_day(role.expires)} 到期"
            en = f"version {role.version}, until {_day(role.expires)}"
        asking.say(
            f"{role.name:16} {zh}, {role.threshold} 人：{people}",
            f"{role.name:16} {en}, {role.threshold} of: {people}",
        )
    for target in repository.listed() if repository.store.founded else ():
        whom = ", ".join((*target.audience.groups, *target.audience.modalities)) or "*"
        typer.echo(f"  {target.path} release {target.release} [{whom}] {target.sha256[:12]}")
    for proposal in waiting:
        report(proposal, as_json=False)


def _role(role: standing.Role) -> dict[str, object]:
    people = [{"owner": one.owner, "keyid": one.keyid} for one in role.people]
    return {
        "name": role.name, "version": role.version, "threshold": role.threshold, "expires": role.expires,
        "people": people,
    }  # fmt: skip


def _release(target: Target) -> dict[str, object]:
    audience = target.audience
    return {
        "path": target.path, "sha256": target.sha256, "length": target.length, "release": target.release,
        "kind": target.kind, "groups": audience.groups, "modalities": audience.modalities,
    }  # fmt: skip


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d")
