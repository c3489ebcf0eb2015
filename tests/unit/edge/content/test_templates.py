"""Signed screen templates: in use while they are in force, gone when taken back; what was taught here stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.screen.library import Library
from capture.screen.template import Template
from cloud_sync.updates.from_folder import FromFolder
from cloud_sync.updates.terms import Target
from edge.clock import now_ms
from edge.content import templates
from edge.content.chosen import Chosen, Held, Slot, package_path
from edge.content.loading import Account, Fallen, Running
from edge.content.templates import Signed
from edge.content.trusting import root_path, trust_of
from models.content.package import packed
from tests.shots import template
from tests.unit.cloud_sync.central.signing.people import Group, Keyring

SOURCES = ("room-1", "room-2")


def of(version: int, title: str = "DR room") -> Template:
    return template(version=version, title=f"{title} {version}")


def in_use(library: Library) -> dict[str, list[str]]:
    return {source: [one.title for one in library.active(source)] for source in SOURCES}


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return Signed(tmp_path)


def test_a_signed_template_is_there_to_be_chosen_and_chosen_once_it_is_followed(
    library: Library, signed: Signed
) -> None:
    assert signed.follow([of(1)], SOURCES) == 0
    assert library.ids() == ("dr-room",)
    assert in_use(library) == {"room-1": [], "room-2": []}
    library.activate("room-1", "dr-room", 1)
    assert signed.follow([of(2)], SOURCES) == 1
    assert in_use(library) == {"room-1": ["DR room 2"], "room-2": []}
    assert signed.follow([of(2)], SOURCES) == 0


def test_a_release_that_was_rolled_back_gives_way_to_the_one_before(library: Library, signed: Signed) -> None:
    signed.follow([of(1)], SOURCES)
    library.activate("room-1", "dr-room", 1)
    signed.follow([of(2)], SOURCES)
    assert signed.follow([of(1)], SOURCES) == 1
    assert in_use(library)["room-1"] == ["DR room 1"]


def test_what_is_withdrawn_goes_and_what_the_site_used_before_comes_back(library: Library, signed: Signed) -> None:
    taught = library.save(of(1, "Taught"), ())
    for source in SOURCES:
        library.activate(source, "dr-room", taught.version)
    signed.follow([of(1)], SOURCES)
    library.activate("room-1", "dr-room", 2)
    signed.follow([of(2)], SOURCES)
    assert in_use(library) == {"room-1": ["DR room 2"], "room-2": ["Taught 1"]}
    assert signed.follow([], SOURCES) == 1
    assert in_use(library) == {"room-1": ["Taught 1"], "room-2": ["Taught 1"]}


def test_what_is_withdrawn_where_nothing_was_before_leaves_the_screen_untaught(
    library: Library, signed: Signed
) -> None:
    signed.follow([of(1)], SOURCES)
    library.activate("room-2", "dr-room", 1)
    signed.follow([], SOURCES)
    assert in_use(library) == {"room-1": [], "room-2": []}


def test_a_template_that_this_site_taught_stays_its_own_when_it_comes_back_signed(
    library: Library, signed: Signed
) -> None:
    library.activate("room-1", "dr-room", library.save(of(1), ()).version)
    assert signed.follow([of(1)], SOURCES) == 0
    assert signed.follow([of(2)], SOURCES) == 0
    assert signed.follow([], SOURCES) == 0
    assert in_use(library)["room-1"] == ["DR room 1"]


def test_cut_off_before_it_was_in_use_it_is_still_known_as_signed(
    library: Library, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    signed.follow([of(1)], SOURCES)
    library.activate("room-1", "dr-room", 1)

    def die(*arguments: object) -> None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(Library, "activate", die)
        with pytest.raises(OSError):
            signed.follow([of(2)], SOURCES)
    signed.follow([of(2)], SOURCES)
    assert in_use(library)["room-1"] == ["DR room 2"]
    signed.follow([], SOURCES)
    assert in_use(library)["room-1"] == []


def test_only_bytes_that_were_signed_reach_the_library(tmp_path: Path) -> None:
    group = Group(tmp_path / "repository", Keyring(tmp_path / "ring"), now_ms()).begin()
    group.published(packed("any", {"template.json": of(1).dump()}, "template"), area="screen")
    box, screens = tmp_path / "box", tmp_path / "screens"
    box.mkdir()
    root_path(box).write_bytes(group.repository.root_bytes())
    trust, way = trust_of(box), FromFolder(group.folder)
    trust.refresh(way)
    (target,) = trust.listed()
    package_path(box, target.sha256).parent.mkdir(parents=True)
    trust.fetch(target, way, package_path(box, target.sha256))
    chosen, account = _in_force(box, target)

    templates.follow(screens, SOURCES, chosen, account)
    assert Library(screens).get("dr-room", 1).title == "DR room 1"

    Library(screens).activate("room-1", "dr-room", 1)
    fallen = Account((), (Fallen("dr-room", target.sha256, "trust.not_listed"),))
    templates.follow(screens, SOURCES, chosen, fallen)
    assert in_use(Library(screens)) == {"room-1": [], "room-2": []}

    package_path(box, target.sha256).write_bytes(b"x" * target.length)
    other = tmp_path / "other"
    templates.follow(other, SOURCES, chosen, account)
    assert Library(other).ids() == ()


def _in_force(box: Path, target: Target) -> tuple[Chosen, Account]:
    held = Held(target.name, target.version, target.sha256, target.length, now_ms())
    running = Running(target.name, target.version, target.sha256, "template", "group")
    return Chosen(box, (Slot(target.name, held),)), Account((running,))
