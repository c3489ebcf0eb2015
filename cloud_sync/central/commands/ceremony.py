"""The commands of a ceremony: found a repository, change who signs, carry proposals to other machines."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.commands import asking
from cloud_sync.central.commands.repository import Config, Id, Json, announce, opened, report
from cloud_sync.central.commands.repository import app as app
from cloud_sync.central.settings import load
from cloud_sync.central.signing import cards, proposals
from cloud_sync.central.signing.cards import Card
from cloud_sync.central.signing.composing import AREAS, Change, Founders, no_area
from cloud_sync.updates.listing import stored_path
from cloud_sync.updates.terms import Area

Cards = Annotated[
    list[Path], typer.Option("--add", help="Card of a key that comes (.card.json); may be repeated.")
]


@app.command()
def init(
    root: Annotated[list[Path], typer.Option("--root", help="Card of a root key; three times.")],
    targets: Annotated[list[Path], typer.Option("--targets", help="Card of a targets key; three times.")],
    online: Annotated[Path, typer.Option("--online", help="Card of the online key.")],
    signer: Annotated[
        list[str], typer.Option("--signer", help="AREA=CARD of who signs there; at least two an area.")
    ],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Begin a repository: a proposal that two root keys and two targets keys must sign."""
    areas: dict[Area, list[Card]] = defaultdict(list)
    for one in signer:
        area, _, card = one.partition("=")
        areas[_area(area)].append(cards.read(Path(card)))
    founders = Founders(
        tuple(map(cards.read, root)),
        tuple(map(cards.read, targets)),
        cards.read(online),
        {area: tuple(people) for area, people in areas.items()},
    )
    proposal = opened(load(config).publishing).found(founders)
    announce(proposal)
    report(proposal, as_json)


@app.command()
def rotate(
    role: Annotated[str, typer.Argument(help="root (with targets and online keys), or an area.")],
    add: Cards = [],  # noqa: B006
    remove: Annotated[
        list[str], typer.Option("--remove", help="Owner or key id that goes; may be repeated.")
    ] = [],  # noqa: B006
    close: Annotated[
        bool, typer.Option("--close", help="Nobody signs for the area; its releases are withdrawn.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Propose other keys. Without a change it renews: root for two years, "targets" for one."""
    repository, change = opened(load(config).publishing), Change(tuple(map(cards.read, add)), tuple(remove))
    if role == "root":
        proposal = repository.rotate(change)
    elif role == "targets":
        if change != Change():
            raise _roots_business()
        proposal = repository.appoint({})
    else:
        area = _area(role)
        proposal = repository.appoint({}, close=[area]) if close else repository.appoint({area: change})
    announce(proposal)
    report(proposal, as_json)


@app.command("export")
def export_(
    id: Id, file: Annotated[Path, typer.Argument(help="To write, on a stick.")], config: Config = None
) -> None:
    """A proposal as a file, for a machine without a network; there: repository sign FILE --key ..."""
    asking.write(file, opened(load(config).publishing).proposal(id).dump())


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="An exported file that came back.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Take over the signatures of a file that came back."""
    report(opened(load(config).publishing).merge(proposals.parse(cards.content_of(file))), as_json)


@app.command()
def copy(
    folder: Annotated[Path, typer.Argument(help="To write: a stick for boxes that have no network.")],
    config: Config = None,
) -> None:
    """What boxes need, as a folder that qcbox content fetch reads. Nothing in it is secret."""
    repository = opened(load(config).publishing)
    store = repository.store
    with store.writing():
        files = [stored for target in repository.listed() for stored in (Path("targets") / stored_path(target),)]
        files += sorted(path.relative_to(store.folder) for path in (store.folder / "metadata").glob("*.json"))
        # The timestamp last: a stick that is pulled out early names nothing that it lacks.
        files.sort(key=lambda path: path.name == "timestamp.json")
        for number, path in enumerate(files, 1):
            asking.progress(f"{number}/{len(files)} {path}", f"{number}/{len(files)} {path}")
            asking.write(folder / path, (store.folder / path).read_bytes())


@app.command()
def root(
    file: Annotated[Path, typer.Argument(help="To write: for qcbox content trust on a box.")],
    config: Config = None,
) -> None:
    """The root in force, which a box trusts from its enrolment on."""
    asking.write(file, opened(load(config).publishing).root_bytes())


def _area(name: str) -> Area:
    found = next((area for area in AREAS if area == name), None)
    if found is None:
        raise no_area(name)
    return found


def _roots_business() -> Misuse:
    return Misuse(
        "repository.roots_business",
        Bilingual("targets 的密钥写在根中", "The keys of targets stand in the root"),
        Bilingual("使用 repository rotate root --add 公钥卡", "Use repository rotate root --add CARD"),
    )
