"""Genuine, but for others; and what happens on the box's own disk."""

from __future__ import annotations

import os
from collections.abc import Callable

from cloud_sync.updates.terms import Audience, Target
from edge.content.chosen import Held
from tests.attacks.repository import DAY_MS, release_of
from tests.attacks.scene import EVIL, GOOD, Scene, attack


@attack("audience")
def genuine_for_another_group(scene: Scene) -> None:
    scene.serve(scene.next_release(audience=Audience(groups=("south",))))


@attack("audience")
def genuine_for_another_modality(scene: Scene) -> None:
    scene.serve(scene.next_release(audience=Audience(groups=("north",), modalities=("MR",))))


@attack("min_agent")
def genuine_for_a_newer_program(scene: Scene) -> None:
    scene.serve(scene.next_release(min_agent="0.10"))


@attack("min_agent")
def genuine_for_a_program_that_is_none(scene: Scene) -> None:
    scene.serve(scene.next_release(min_agent="newest"))


@attack("not_listed", goes_on=False)
def withdrawn(scene: Scene) -> Callable[[], None]:
    scene.box.now += DAY_MS
    scene.group.at = scene.box.now
    scene.group.areas["kb-general"].targets.clear()
    scene.group.publish()
    scene.serve(scene.group)
    scene.box.trust().refresh(scene.way.fetcher())
    return scene.box.start


@attack("hash", goes_on=False)
def altered_on_the_disk_after_its_check(scene: Scene) -> Callable[[], None]:
    scene.box.file().write_bytes(EVIL[: len(GOOD)].ljust(len(GOOD)))
    return scene.box.start


@attack("length", goes_on=False)
def cut_short_on_the_disk_after_its_check(scene: Scene) -> Callable[[], None]:
    os.truncate(scene.box.file(), 10)
    return scene.box.start


@attack("not_listed", goes_on=False)
def another_content_made_active_on_the_disk(scene: Scene) -> Callable[[], None]:
    _put_on_the_disk(scene)
    return scene.box.start


@attack("hash", goes_on=False)
def another_content_and_metadata_altered_on_the_disk(scene: Scene) -> Callable[[], None]:
    evil, good = _put_on_the_disk(scene), release_of(GOOD, "general", "slices", 1)
    kept = scene.box.folder / "trust" / "metadata.json"
    altered = kept.read_text().replace(good.sha256, evil.sha256)
    assert altered != kept.read_text()
    kept.write_text(altered)
    return scene.box.start


def _put_on_the_disk(scene: Scene) -> Target:
    """Who has the box's disk can say that EVIL was activated."""
    evil = release_of(EVIL, "general", "slices", 2)
    scene.box.active = Held("slices", 2, evil.sha256, evil.length, scene.box.now)
    scene.box.file().write_bytes(EVIL)
    return evil
