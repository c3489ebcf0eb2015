"""Who may say who signs."""

from __future__ import annotations

from collections.abc import Sequence

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # public by its documents

from tests.attacks.repository import Group
from tests.attacks.scene import EVIL, Scene, altered, attack, stranger


@attack("threshold")
def root_signed_by_one_thief(scene: Scene) -> None:
    _new_root(scene, scene.group.keys.of["root"][:1])


@attack("signature")
def root_signed_by_strangers(scene: Scene) -> None:
    _new_root(scene, [stranger(), stranger()])


def _new_root(scene: Scene, signers: Sequence[CryptoSigner]) -> None:
    theirs = scene.group.copy()
    theirs.root.version += 1
    theirs.keys.of["targets"] = [stranger() for _ in range(3)]
    theirs.trust("targets")
    theirs.put_root(signers)
    scene.serve(theirs)


@attack("signature")
def another_groups_repository(scene: Scene) -> None:
    theirs = Group(at=scene.box.now)
    theirs.add(EVIL, version=2)
    theirs.publish()
    scene.serve(theirs)


@attack("signature")
def timestamp_by_a_key_that_was_replaced(scene: Scene) -> None:
    old = scene.group.copy()
    scene.group.root.version += 1
    scene.group.keys.of["timestamp"] = [stranger()]
    scene.group.trust("timestamp")
    scene.group.put_root()
    genuine = scene.next_release()
    old.at = scene.box.now
    old.timestamp.version = genuine.timestamp.version + 1
    old.snapshot = genuine.snapshot
    old.put_online()
    scene.serve(altered(genuine, {"metadata/timestamp.json": old.files["metadata/timestamp.json"]}))
