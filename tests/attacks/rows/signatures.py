"""Who signed it: strangers, thieves of one key, people who answer for something else."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.attacks.repository import Group, release_of
from tests.attacks.scene import EVIL, Scene, attack, online, stranger


@attack("signature")
def unsigned_list(scene: Scene) -> None:
    scene.serve(scene.forged([]))


@attack("signature")
def list_signed_by_strangers(scene: Scene) -> None:
    scene.serve(scene.forged([stranger(), stranger()]))


@attack("threshold")
def list_signed_by_one_thief_of_a_key(scene: Scene) -> None:
    scene.serve(scene.forged(scene.group.keys.of["kb-general"][:1]))


@attack("threshold")
def list_signed_by_one_thief_and_a_stranger(scene: Scene) -> None:
    scene.serve(scene.forged([scene.group.keys.of["kb-general"][0], stranger()]))


@attack("metadata")
def one_signature_twice(scene: Scene) -> None:
    scene.serve(_with_signature_again(scene, scene.group.keys.of["kb-general"][0].public_key.keyid))


@attack("threshold")
def one_signature_under_a_second_name(scene: Scene) -> None:
    scene.serve(_with_signature_again(scene, "f" * 64))


def _with_signature_again(scene: Scene, keyid: str) -> Group:
    theirs = scene.forged(scene.group.keys.of["kb-general"][:1])
    version = theirs.areas["kb-general"].version
    metadata = json.loads(theirs.files[f"metadata/{version}.kb-general.json"])
    metadata["signatures"].append(metadata["signatures"][0] | {"keyid": keyid})
    theirs.put_list("kb-general", version, json.dumps(metadata).encode())
    return online(theirs)


@attack("signature")
def list_of_another_areas_people(scene: Scene) -> None:
    scene.serve(scene.forged(scene.group.keys.of["kb-mr"]))


@attack("signature")
def list_of_people_who_were_replaced(scene: Scene) -> None:
    old = scene.group.keys.of["kb-general"]
    scene.group.keys.of["kb-general"] = [stranger(), stranger()]
    scene.group.delegate("kb-general", ["kb/general/*/*"])
    scene.next_release()
    scene.serve(scene.forged(old))


@attack("threshold")
def delegation_signed_by_one_thief(scene: Scene) -> None:
    theirs = scene.group.copy()
    theirs.keys.of["kb-general"] = [stranger(), stranger()]
    theirs.delegate("kb-general", ["kb/general/*/*"])
    theirs.targets.version += 1
    theirs.put_targets("targets", theirs.targets, theirs.keys.of["targets"][:1])
    scene.serve(online(theirs))


@attack("hash")
def both_people_of_an_area_robbed_but_not_the_centre(scene: Scene) -> None:
    genuine = scene.next_release()
    theirs = genuine.copy()
    theirs.list_as("kb-general", release_of(EVIL, "general", "slices", 2))
    theirs.put_targets("kb-general", theirs.areas["kb-general"], theirs.keys.of["kb-general"])
    scene.serve(theirs)


@attack("not_listed")
def people_of_one_area_sign_for_another(scene: Scene) -> None:
    theirs = scene.group.copy()
    theirs.list_as("kb-general", replace(release_of(EVIL, "mr", "slices", 2)))
    theirs.publish()
    scene.wanted = "kb/mr/slices/2.zip"
    scene.serve(theirs)


@attack("not_listed")
def a_path_that_leads_out(scene: Scene) -> None:
    theirs = scene.group.copy()
    scene.wanted = "kb/general/../../slices/2.zip"
    theirs.list_as("kb-general", replace(release_of(EVIL, "general", "slices", 2), path=scene.wanted))
    theirs.publish()
    scene.serve(theirs)


@attack("not_listed")
def a_release_that_says_another_name_than_its_path(scene: Scene) -> None:
    theirs = scene.group.copy()
    theirs.list_as("kb-general", replace(release_of(EVIL, "general", "slices", 2), name="other"))
    theirs.publish()
    scene.serve(theirs)
