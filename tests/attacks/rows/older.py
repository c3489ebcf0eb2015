"""Genuine, but older, run out, or put together from parts."""

from __future__ import annotations

from tests.attacks.repository import DAY_MS, START, Group
from tests.attacks.scene import BETTER, EVIL, GOOD, Scene, altered, attack, content_of, online


def _box_is_at_two(scene: Scene) -> Group:
    """The box runs BETTER; what was served before."""
    before = scene.group.copy()
    scene.serve(scene.next_release())
    scene.update()
    scene.wanted = "kb/general/slices/1.zip"
    return before


@attack("rollback")
def everything_older(scene: Scene) -> None:
    scene.serve(_box_is_at_two(scene))


@attack("rollback")
def older_root_under_a_newer_name(scene: Scene) -> None:
    scene.serve(altered(scene.next_release(), {"metadata/2.root.json": scene.group.pinned()}))


@attack("rollback")
def older_snapshot_with_the_timestamp_key(scene: Scene) -> None:
    theirs = _box_is_at_two(scene)
    theirs.timestamp.version = 9
    theirs.put_online()
    scene.serve(theirs)


@attack("rollback")
def older_list_of_an_area_with_the_online_keys(scene: Scene) -> None:
    theirs = _box_is_at_two(scene)
    theirs.timestamp.version = theirs.snapshot.version = 9
    theirs.targets.version = scene.group.targets.version
    theirs.put_targets("targets", theirs.targets, theirs.keys.of["targets"])
    theirs.put_online()
    scene.serve(theirs)


@attack("rollback")
def older_top_list_with_the_online_keys(scene: Scene) -> None:
    before = _box_is_at_two(scene)
    theirs = scene.group.copy()
    theirs.timestamp.version = theirs.snapshot.version = 9
    theirs.snapshot.meta["targets.json"] = before.snapshot.meta["targets.json"]
    theirs.put_online()
    scene.serve(altered(before, theirs.files))


@attack("metadata")
def a_list_left_out_with_the_online_keys(scene: Scene) -> None:
    theirs = scene.group.copy()
    del theirs.snapshot.meta["kb-general.json"]
    scene.serve(online(theirs))


@attack("release")
def older_content_as_a_new_version(scene: Scene) -> None:
    _box_is_at_two(scene)
    scene.group.add(GOOD, version=3, release=1)
    scene.group.publish()
    scene.wanted = "kb/general/slices/3.zip"
    scene.serve(scene.group)


@attack("expired")
def frozen(scene: Scene) -> None:
    scene.box.now += 15 * DAY_MS


@attack("expired")
def frozen_for_years(scene: Scene) -> None:
    scene.box.now += 3650 * DAY_MS


@attack("clock", goes_on=False)
def frozen_and_the_clock_set_back(scene: Scene) -> None:
    """The box knows of day 20; its metadata is put back to day 0 together with its clock."""
    before = scene.group.copy()
    kept = (scene.box.folder / "trust" / "metadata.json").read_bytes()
    scene.box.now += 19 * DAY_MS
    scene.serve(scene.next_release())
    scene.update()
    (scene.box.folder / "trust" / "metadata.json").write_bytes(kept)
    scene.box.now = START + 5 * DAY_MS
    before.add(EVIL, version=2)
    scene.serve(before)
    scene.wanted = "kb/general/slices/1.zip"


@attack("clock")
def frozen_and_the_clock_before_the_program(scene: Scene) -> None:
    scene.box.built = START + 40 * DAY_MS
    scene.box.now = START - 3650 * DAY_MS


@attack("hash")
def new_snapshot_with_an_old_list(scene: Scene) -> None:
    before = scene.group.copy()
    theirs = scene.next_release()
    old = before.files[f"metadata/{before.areas['kb-general'].version}.kb-general.json"]
    scene.serve(altered(theirs, {f"metadata/{theirs.areas['kb-general'].version}.kb-general.json": old}))


@attack("mix")
def new_timestamp_with_an_old_snapshot(scene: Scene) -> None:
    before = scene.group.copy()
    theirs = scene.next_release()
    old = before.files[f"metadata/{before.snapshot.version}.snapshot.json"]
    scene.serve(altered(theirs, {f"metadata/{theirs.snapshot.version}.snapshot.json": old}))


@attack("hash")
def new_list_with_old_content(scene: Scene) -> None:
    theirs = scene.next_release()
    scene.serve(altered(theirs, {content_of(theirs): (GOOD * 2)[: len(BETTER)]}))
