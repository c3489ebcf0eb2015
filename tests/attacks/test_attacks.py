"""No attack ever makes a box run anything, whichever way it comes, and each is refused for its own reason."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED

import pytest

from cloud_sync.updates.refusals import REASONS
from cloud_sync.updates.terms import Untrusted
from models.content import archive as archives
from tests.attacks import rows
from tests.attacks.box import Box
from tests.attacks.repository import START, Group
from tests.attacks.scene import BETTER, EVIL, GOOD, TABLE, Attack, Scene
from tests.attacks.ways import WAYS, Way
from tests.unit.models.content.zips import entries, good, members, zipped

pytestmark = pytest.mark.real


@pytest.fixture(scope="module", params=WAYS)
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    with TemporaryDirectory(dir="/dev/shm") as base, WAYS[request.param](Path(base)) as made:
        yield made


@pytest.fixture(scope="module")
def beginning(way: Way) -> Iterator[Scene]:
    """The box runs the group's first release, brought in by this very way. In memory: durability has tests of its
    own, and a hundred attacks would wait for a hundred disks."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        group = Group()
        group.add(GOOD)
        group.publish()
        scene = Scene(
            way, Box(Path(folder), group.pinned(), START + 60_000), group, wanted="kb/general/slices/1.zip"
        )
        scene.serve(group)
        scene.update()
        yield scene


@pytest.fixture
def scene(beginning: Scene) -> Iterator[Scene]:
    """Another box that stands there."""
    with TemporaryDirectory(dir="/dev/shm") as folder:
        shutil.copytree(beginning.box.folder, folder, dirs_exist_ok=True)
        box = replace(beginning.box, folder=Path(folder), run=list(beginning.box.run))
        made = Scene(beginning.way, box, beginning.group.copy())
        made.serve(made.group)
        yield made


def run(attack: Attack, scene: Scene) -> None:
    """The attack is refused for its reason, and nothing of it ever judged."""
    act = attack.prepare(scene) or scene.update
    with pytest.raises(Untrusted) as refused:
        act()
    assert refused.value.code == attack.code, refused.value
    assert attack.code in REASONS
    assert sha256(EVIL).hexdigest() not in scene.box.run
    if attack.goes_on:
        judged = scene.box.run[-1]
        scene.box.start()
        assert scene.box.run[-1] == judged


@pytest.mark.parametrize("attack", TABLE, ids=lambda attack: attack.name)
def test_attack_is_refused(attack: Attack, scene: Scene) -> None:
    run(attack, scene)


@pytest.mark.parametrize(
    ("archive", "code"),
    [
        (entries(*members().items(), ("../evil.toml", b"x")), "content.name"),
        (entries(*members().items(), ("rules.toml", b"other")), "content.twice"),
        (zipped(members() | {"README.md": bytes(7_000_000)}, ZIP_DEFLATED), "content.packed"),
        (good()[:-30], "content.zip"),
        (archives.written(members() | {"rules.toml": b"?"}), "content.hash"),
    ],
    ids=["zip-slip", "twice", "bomb", "cut", "hash"],
)
def test_a_signed_archive_that_is_a_trap_is_refused(archive: bytes, code: str, scene: Scene) -> None:
    """Whoever signs may have been deceived: the list is genuine, and names what is no package."""
    scene.serve(scene.next_release(archive))
    with pytest.raises(Untrusted) as refused:
        scene.update()
    assert refused.value.code == code and refused.value.detail
    judged = scene.box.run[-1]
    scene.box.start()
    assert scene.box.run[-1] == judged != sha256(archive).hexdigest()


def test_without_an_attack_the_next_release_runs(scene: Scene) -> None:
    scene.serve(scene.next_release())
    scene.update()
    scene.box.start()
    assert scene.box.run == [sha256(one).hexdigest() for one in (GOOD, BETTER, BETTER)]


def test_the_table_is_as_long_as_the_issue_asks() -> None:
    assert rows and len(TABLE) * len(WAYS) >= 30
