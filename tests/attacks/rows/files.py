"""What somebody on the way does to the files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from cloud_sync.updates.listing import ISSUED, stored_path
from tests.attacks.repository import DAY_MS, Group, day, release_of
from tests.attacks.scene import BETTER, EVIL, Scene, altered, attack, content_of, online


@attack("hash")
def altered_content(scene: Scene) -> None:
    theirs = scene.next_release()
    scene.serve(altered(theirs, {content_of(theirs): b"E" + BETTER[1:]}))


@attack("length")
def content_longer_than_signed(scene: Scene) -> None:
    theirs = scene.next_release()
    scene.serve(altered(theirs, {content_of(theirs): BETTER + EVIL}))


@attack("download")
def content_shorter_than_signed(scene: Scene) -> None:
    theirs = scene.next_release()
    scene.serve(altered(theirs, {content_of(theirs): BETTER[:-1]}))


@attack("length")
def hash_right_and_length_too_small(scene: Scene) -> None:
    scene.serve(scene.next_release(length=len(BETTER) - 1))


@attack("download")
def hash_right_and_length_too_large(scene: Scene) -> None:
    scene.serve(scene.next_release(length=len(BETTER) + 1))


@attack("hash")
def length_right_and_hash_of_another(scene: Scene) -> None:
    theirs = scene.next_release(sha256=release_of(EVIL, "general", "slices", 2).sha256)
    evil_file = f"targets/kb/general/slices/{release_of(EVIL, 'ct', 'slices', 2).sha256}.2.zip"
    scene.serve(altered(theirs, {evil_file: BETTER}))


@attack("not_listed")
def extracontent_of(scene: Scene) -> None:
    extra = release_of(EVIL, "general", "extra", 1)
    scene.wanted = extra.path
    scene.serve(altered(scene.next_release(), {f"targets/{stored_path(extra)}": EVIL}))


@attack("hash")
def altered_list(scene: Scene) -> None:
    theirs = scene.next_release()
    name = f"metadata/{theirs.areas['kb-general'].version}.kb-general.json"
    scene.serve(altered(theirs, {name: theirs.files[name].replace(b'"release":2', b'"release":9')}))


@attack("signature")
def altered_list_named_by_the_stolen_online_key(scene: Scene) -> None:
    theirs = scene.next_release()
    version = theirs.areas["kb-general"].version
    content = theirs.files[f"metadata/{version}.kb-general.json"].replace(b'"release":2', b'"release":9')
    theirs.put_list("kb-general", version, content)
    scene.serve(online(theirs))


@attack("signature")
def altered_snapshot(scene: Scene) -> None:
    theirs = scene.next_release()
    name = f"metadata/{theirs.snapshot.version}.snapshot.json"
    scene.serve(altered(theirs, {name: theirs.files[name].replace(b'"version":', b'"Version":1,"version":', 1)}))


@attack("signature")
def altered_timestamp(scene: Scene) -> None:
    theirs = scene.next_release()
    theirs.timestamp.expires = day(theirs.at + 3650 * DAY_MS)
    forged = json.loads(theirs.files["metadata/timestamp.json"])
    forged["signed"]["expires"] = "2099-01-01T00:00:00Z"
    scene.serve(altered(theirs, {"metadata/timestamp.json": json.dumps(forged).encode()}))


@attack("metadata")
def timestamp_without_its_time(scene: Scene) -> None:
    theirs = scene.next_release()
    theirs.put_online(says={})
    scene.serve(theirs)


@attack("metadata")
def timestamp_signed_after_its_end(scene: Scene) -> None:
    theirs = scene.next_release()
    theirs.put_online(says={ISSUED: theirs.at + 3650 * DAY_MS})
    scene.serve(theirs)


@attack("metadata")
def garbage(scene: Scene) -> None:
    scene.serve(altered(scene.next_release(), {"metadata/timestamp.json": b"[" * 15_000}))


@attack("metadata")
def one_role_for_another(scene: Scene) -> None:
    theirs = scene.next_release()
    snapshot = theirs.files[f"metadata/{theirs.snapshot.version}.snapshot.json"]
    scene.serve(altered(theirs, {"metadata/timestamp.json": snapshot}))


@attack("download")
def metadata_left_out(scene: Scene) -> None:
    theirs = scene.next_release()
    del theirs.files["metadata/timestamp.json"]
    scene.serve(theirs)


@attack("length")
def endless_metadata(scene: Scene) -> None:
    scene.serve(scene.next_release())
    os.truncate(scene.way.folder / "metadata/timestamp.json", 1 << 40)


@attack("length")
def endless_content(scene: Scene) -> None:
    theirs = scene.next_release()
    scene.serve(theirs)
    os.truncate(scene.way.folder / content_of(theirs), 1 << 40)


@attack("download")
def link_instead_of_metadata(scene: Scene) -> None:
    _instead(scene, "metadata/timestamp.json", lambda path, outside: path.symlink_to(outside))


@attack("download")
def link_instead_of_content(scene: Scene) -> None:
    theirs = scene.next_release()
    _instead(scene, content_of(theirs), lambda path, outside: path.symlink_to(outside), theirs)


@attack("download")
def link_instead_of_a_folder(scene: Scene) -> None:
    theirs = scene.next_release()
    scene.serve(theirs)
    moved = scene.box.folder / "moved"
    (scene.way.folder / "metadata").rename(moved)
    (scene.way.folder / "metadata").symlink_to(moved)


@attack("download")
def pipe_instead_of_content(scene: Scene) -> None:
    theirs = scene.next_release()
    _instead(scene, content_of(theirs), lambda path, outside: os.mkfifo(path), theirs)


@attack("download")
def folder_instead_of_content(scene: Scene) -> None:
    theirs = scene.next_release()
    _instead(scene, content_of(theirs), lambda path, outside: path.mkdir(), theirs)


def _instead(scene: Scene, name: str, put: Callable[..., None], theirs: Group | None = None) -> None:
    scene.serve(theirs or scene.next_release())
    path, outside = scene.way.folder / name, scene.box.folder / "outside"
    outside.write_bytes(path.read_bytes())
    path.unlink()
    put(path, outside)


@attack("length")
def metadata_longer_than_named(scene: Scene) -> None:
    scene.group.by_hash = True
    theirs = scene.next_release()
    name = f"metadata/{theirs.snapshot.version}.snapshot.json"
    scene.serve(altered(theirs, {name: theirs.files[name] + b" "}))


@attack("hash")
def metadata_of_another_hash_than_named(scene: Scene) -> None:
    theirs = scene.next_release()
    name = f"metadata/{theirs.areas['kb-general'].version}.kb-general.json"
    scene.serve(altered(theirs, {name: theirs.files[name].replace(b"signatures", b"signatureS", 1)}))
