"""The library of templates: versions, what is active, rolling back, files that travel."""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.errors import Misuse
from capture.screen.library import Library
from tests.screens import DR

FRAMES = (b"one", b"two", b"three")


def test_each_save_is_a_version_that_stays(tmp_path: Path) -> None:
    library = Library(tmp_path / "screens")
    first = library.save(DR.template(), FRAMES)
    second = library.save(DR.template(title="other"), FRAMES[:1])
    assert (first.version, second.version) == (1, 2)
    assert library.ids() == ("drawn-dx",)
    assert library.versions("drawn-dx") == (1, 2)
    assert library.get("drawn-dx", 1) == first
    assert library.frames("drawn-dx", 1) == FRAMES
    assert library.frames("drawn-dx", 2) == FRAMES[:1]
    assert library.versions("none") == ()


def test_what_is_active_belongs_to_a_source(tmp_path: Path) -> None:
    library = Library(tmp_path)
    for title in ("one", "two"):
        library.save(DR.template(title=title), ())
    library.activate("room1", "drawn-dx", 1)
    assert library.active("room2") == ()
    library.activate("room1", "drawn-dx", 2)
    assert [one.title for one in Library(tmp_path).active("room1")] == ["two"]
    library.activate("room1", "drawn-dx", 2)
    assert library.roll_back("room1", "drawn-dx").title == "one"
    assert [one.title for one in library.active("room1")] == ["one"]
    with pytest.raises(Misuse, match=r"template\.no_previous"):
        library.roll_back("room1", "drawn-dx")
    library.deactivate("room1", "drawn-dx")
    assert library.active("room1") == ()


def test_an_exported_file_comes_in_again_once(tmp_path: Path) -> None:
    here, there = Library(tmp_path / "a"), Library(tmp_path / "b")
    here.save(DR.template(), FRAMES)
    content = here.export("drawn-dx", 1)
    assert b"one" not in content.split(b'"patch"')[0]
    there.save(DR.template(title="its own"), ())
    assert there.import_(content).version == 2
    assert there.import_(content).version == 2
    assert there.frames("drawn-dx", 2) == ()
    with pytest.raises(Misuse, match=r"template\.invalid"):
        there.import_(b"{}")


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    library = Library(tmp_path)
    for id in ("none", "../../etc", ""):
        with pytest.raises(Misuse, match=r"template\.unknown"):
            library.get(id, 1)
    with pytest.raises(Misuse, match=r"template\.unknown"):
        library.activate("room1", "none", 1)
    (tmp_path / "active.json").write_text("[]")
    with pytest.raises(Misuse, match=r"template\.invalid"):
        library.active("room1")


def test_only_the_owner_can_look(tmp_path: Path) -> None:
    library = Library(tmp_path / "screens")
    library.save(DR.template(), FRAMES)
    library.activate("room1", "drawn-dx", 1)
    for path in (tmp_path / "screens").rglob("*"):
        assert path.stat().st_mode & 0o077 == 0
