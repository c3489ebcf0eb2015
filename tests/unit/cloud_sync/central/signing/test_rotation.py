"""Keys change, one kind after another, and a client that nobody touches follows; the old keys are refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from cloud_sync.central.signing import composing
from cloud_sync.central.signing.composing import Change
from cloud_sync.central.signing.repository import Addition
from cloud_sync.updates.terms import Area, Untrusted
from tests.unit.cloud_sync.central.signing.people import Client, Group, pack
from tests.unit.cloud_sync.central.signing.test_publishing import PATH, refusal


def disbelief(does: Callable[[], object]) -> str:
    """The code with which a box does not believe what it finds."""
    with pytest.raises(Untrusted) as refused:
        does()
    return refused.value.code


def rotate(group: Group, change: Change, online: str = "centre", **signers: str) -> None:
    """A new root, signed and published."""
    proposal = group.sign(group.repository.rotate(change), **signers)
    group.repository.publish(proposal, group.ring.signer(online, "online"))


def forged_root(group: Group, signers: str) -> None:
    """Written past the centre's own checks, as a thief with these keys and the server would."""
    store = group.repository.store
    version = store.root_version()
    evil = composing.next_root(store.root().signed, Change(), group.clock.now)
    metadata = Metadata(evil)
    for owner in signers.split():
        metadata.sign(group.ring.signer(owner, "root").instrument, append=True)
    store.put("root", version + 1, metadata.to_bytes())


def test_all_root_keys_go_and_the_old_ones_count_no_more(group: Group, client: Client) -> None:
    client.refreshed()
    rotate(group, Change(group.ring.cards("gu", "root"), ("an",)), root="an bo gu")
    rotate(group, Change(group.ring.cards("he", "root"), ("bo",)), root="chen gu")
    rotate(group, Change(group.ring.cards("ji", "root"), ("chen",)), root="gu he")
    group.published(pack())
    assert client.fetched(PATH) == pack()
    stolen = group.repository.rotate(Change())
    for owner in ("an", "bo", "chen"):
        signer = group.ring.signer(owner, "root")
        assert refusal(lambda: group.repository.sign(stolen.id, signer)) == "repository.not_a_signer"  # noqa: B023
    forged_root(group, "an bo chen")
    assert disbelief(lambda: client.refreshed()) == "signature"


def test_one_root_key_is_not_enough_even_with_the_server(group: Group, client: Client) -> None:
    alone = group.sign(group.repository.rotate(Change()), root="an")
    assert refusal(lambda: group.repository.publish(alone, group.online)) == "repository.incomplete"
    forged_root(group, "an")
    assert disbelief(lambda: client.refreshed()) == "threshold"


def test_targets_keys_rotate_and_the_targets_in_force_are_signed_by_the_new_ones_first(
    group: Group, client: Client
) -> None:
    group.published(pack())
    assert client.fetched(PATH) == pack()
    change = Change(group.ring.cards("gu he", "targets"), ("ding", "en"))
    proposal = group.sign(group.repository.rotate(change), root="an bo")
    assert refusal(lambda: group.repository.publish(proposal, group.online)) == "repository.incomplete"
    group.repository.publish(group.sign(proposal, targets="gu he"), group.online)
    assert client.fetched(PATH) == pack()

    store = group.repository.store
    evil = Metadata(composing.next_targets(store.targets().signed, {}, (), group.clock.now))
    for owner in ("ding", "en"):
        evil.sign(group.ring.signer(owner, "targets").instrument, append=True)
    group.sign(group.repository.appoint({}), targets="gu he")
    _in_force(group, "targets", evil)
    assert disbelief(lambda: client.fetched(PATH)) == "signature"


def test_the_online_key_rotates_and_what_a_thief_signed_far_ahead_is_overcome(
    group: Group, client: Client
) -> None:
    group.published(pack())
    assert client.fetched(PATH) == pack()
    store = group.repository.store
    ahead = store.timestamp()
    ahead.signed.version = 1_000_000
    ahead.sign(group.online.instrument)
    honest = store.timestamp().to_bytes()
    store.put_timestamp(ahead.to_bytes())
    client.refreshed()
    store.put_timestamp(honest)
    assert disbelief(lambda: client.refreshed()) == "rollback"
    rotate(group, Change(group.ring.cards("newonline", "online"), ("centre",)), online="newonline", root="an chen")
    assert client.fetched(PATH) == pack()
    assert refusal(lambda: group.repository.refresh(group.online)) == "repository.online_key"
    store.put_timestamp(ahead.to_bytes())
    assert disbelief(lambda: client.refreshed()) == "signature"


def test_a_signer_is_revoked_and_the_areas_in_force_are_signed_by_who_is_left(
    group: Group, client: Client
) -> None:
    group.published(pack())
    change: dict[Area, Change] = {"general": Change(remove=("li",))}
    proposal = group.sign(group.repository.appoint(change), targets="ding fang")
    assert refusal(lambda: group.repository.publish(proposal, group.online)) == "repository.incomplete"
    group.repository.publish(group.sign(proposal, content="wang zhao"), group.online)
    assert client.fetched(PATH) == pack()
    li = group.ring.signer("li", "content")
    added = [Addition(pack(2))]
    assert refusal(lambda: group.repository.propose("general", added, author=li)) == "repository.not_a_signer"

    area = group.repository.store.area("kb-general")
    assert area is not None
    area.signed.version += 1
    area.signatures.clear()
    for owner in ("li", "wang"):
        area.sign(group.ring.signer(owner, "content").instrument, append=True)
    _in_force(group, "kb-general", area)
    assert disbelief(lambda: client.fetched(PATH)) == "threshold"


def test_both_keys_of_an_area_swap_nothing_that_was_published(group: Group, client: Client) -> None:
    """A thief of both, between centre and box, without the online key."""
    group.published(pack())
    area = group.repository.store.area("kb-general")
    assert area is not None
    area.signed.targets.clear()
    area.signatures.clear()
    for owner in ("li", "wang"):
        area.sign(group.ring.signer(owner, "content").instrument, append=True)
    group.repository.store.put("kb-general", area.signed.version, area.to_bytes())
    assert disbelief(lambda: client.fetched(PATH)) == "hash"


def test_people_stay_when_an_area_published_what_those_who_remain_did_not_sign(group: Group) -> None:
    group.published(pack())
    change: dict[Area, Change] = {"general": Change(remove=("zhao",))}
    proposal = group.sign(group.repository.appoint(change), targets="ding fang")
    assert tuple(proposal.parts) == ("targets",)  # li and wang signed what is in force
    group.repository.publish(group.sign(group.proposed(pack(2)), content="zhao"), group.online)
    assert refusal(lambda: group.repository.publish(proposal, group.online)) == "repository.stale"


def test_a_closed_area_publishes_nothing(group: Group, client: Client) -> None:
    group.published(pack())
    assert client.fetched(PATH) == pack()
    proposal = group.sign(group.repository.appoint({}, close=["general"]), targets="ding en")
    group.repository.publish(proposal, group.online)
    assert group.repository.areas() == ("ct", "screen")
    assert group.repository.listed() == ()
    assert client.fetched(PATH) is None

    again: dict[Area, Change] = {"general": Change(add=group.ring.cards("hou zhao", "content"))}
    opened = group.sign(group.repository.appoint(again), targets="ding en", content="hou zhao")
    group.repository.publish(opened, group.online)
    assert client.fetched(PATH) is None  # what was withdrawn with the area does not come back by itself
    added = [Addition(pack())]
    proposal = group.repository.propose("general", added, author=group.ring.signer("hou", "content"))
    group.repository.publish(group.sign(proposal, content="zhao"), group.online)
    assert client.fetched(PATH) == pack()
    assert [one.release for one in group.repository.listed()] == [2]


def test_people_who_sign_are_enough_and_different(group: Group) -> None:
    assert refusal(lambda: group.repository.rotate(Change(remove=("an",)))) == "repository.people"
    assert refusal(lambda: group.repository.rotate(Change(remove=("centre",)))) == "repository.people"
    assert refusal(lambda: group.repository.rotate(Change(remove=("nobody",)))) == "repository.no_such_key"
    content = group.ring.cards("zhao", "content")
    assert refusal(lambda: group.repository.rotate(Change(add=content))) == "repository.people"
    root = group.ring.cards("gu", "root")
    assert refusal(lambda: group.repository.appoint({"ct": Change(add=root)})) == "repository.people"
    assert refusal(lambda: group.repository.appoint({"ct": Change(remove=("li",))})) == "repository.people"


def _in_force(group: Group, role: str, metadata: Metadata) -> None:  # type: ignore[type-arg]
    """As a thief of the online key and the server would put it."""
    store = group.repository.store
    version = metadata.signed.version
    store.put(role, version, metadata.to_bytes())
    snapshot = composing.next_snapshot(store.snapshot().signed, [(role, metadata.to_bytes())], group.clock.now)
    signed = Metadata(snapshot)
    signed.sign(group.online.instrument)
    store.put("snapshot", snapshot.version, signed.to_bytes())
    stamp = Metadata(composing.next_timestamp(store.timestamp().signed, snapshot.version, group.clock.now))
    stamp.sign(group.online.instrument)
    store.put_timestamp(stamp.to_bytes())


def test_a_repository_from_an_old_backup_is_believed_again_after_the_online_key_rotated(
    group: Group, client: Client, tmp_path: Path
) -> None:
    group.published(pack(1))
    shutil.copytree(group.folder, tmp_path / "backup")
    group.published(pack(2))
    client.refreshed()
    shutil.rmtree(group.folder)
    shutil.copytree(tmp_path / "backup", group.folder)
    assert disbelief(client.refreshed) == "rollback"
    rotate(group, Change(group.ring.cards("newonline", "online"), ("centre",)), online="newonline", root="an bo")
    assert client.fetched(PATH) == pack()
    assert [one.version for one in client.trust.listed()] == [1]
