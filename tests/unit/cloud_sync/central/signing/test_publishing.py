"""What is published reaches a client; what is not signed by two persons is never published."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata

from capture.errors import Misuse
from cloud_sync.central.signing import proposals
from cloud_sync.central.signing.changes import lines
from cloud_sync.central.signing.composing import Change
from cloud_sync.central.signing.proposals import Proposal
from cloud_sync.central.signing.repository import Addition, Repository
from tests.unit.cloud_sync.central.signing.people import DAY_MS, NOW, Client, Group, Keyring, pack

PATH = "kb/general/completeness/1.zip"


def refusal(does: Callable[[], object]) -> str:
    """The code with which something is refused."""
    with pytest.raises(Misuse) as refused:
        does()
    return refused.value.code


def test_a_release_of_two_persons_reaches_a_client(group: Group, client: Client) -> None:
    group.published(pack())
    (listed,) = group.repository.listed()
    assert (listed.path, listed.version, listed.release, listed.kind) == (PATH, 1, 1, "pack")
    assert client.fetched(PATH) == pack() == group.repository.content(listed)
    assert not group.repository.proposals()
    assert [path.name for path in (group.folder / "proposals").iterdir()] == []


def test_one_person_is_not_enough(group: Group, client: Client) -> None:
    alone = group.proposed(pack())
    assert refusal(lambda: group.repository.publish(alone, group.online)) == "repository.incomplete"
    assert group.repository.listed() == ()
    assert client.fetched(PATH) is None


def test_the_author_cannot_approve(group: Group) -> None:
    alone = group.proposed(pack(), author="li")
    li, stranger = group.ring.signer("li", "content"), group.ring.signer("mallory", "content")
    assert refusal(lambda: group.repository.countersign(alone, li)) == "repository.same_person"
    assert refusal(lambda: group.repository.countersign(alone, stranger)) == "repository.not_a_signer"
    other_role = group.ring.signer("ding", "targets")
    assert refusal(lambda: group.repository.countersign(alone, other_role)) == "repository.not_a_signer"


def test_one_person_has_one_key_in_a_role(group: Group, ring: Keyring) -> None:
    second = replace(ring.signer("mallory", "content").card, owner="li")
    assert refusal(lambda: group.repository.appoint({"general": Change(add=(second,))})) == "repository.people"


def test_what_is_approved_is_what_was_looked_at(group: Group) -> None:
    seen = group.proposed(pack(note="Harmless."))
    changed = group.proposed(pack(note="Something else."))
    assert seen.id != changed.id
    signed = group.repository.countersign(seen, group.ring.signer("wang", "content"))
    assert signed.complete
    assert not group.repository.proposal(changed.id).complete
    group.repository.publish(signed, group.online)
    both = group.sign(changed, content="wang")
    assert refusal(lambda: group.repository.publish(both, group.online)) == "repository.stale"


def test_content_that_was_exchanged_while_it_waited_is_not_published(group: Group, client: Client) -> None:
    proposal = group.sign(group.proposed(pack()), content="wang")
    (waiting,) = (group.folder / "proposals").glob("*.zip")
    waiting.write_bytes(pack(note="Evil."))
    assert refusal(lambda: group.repository.publish(proposal, group.online)) == "repository.content_lost"
    assert client.fetched(PATH) is None


def test_what_is_withdrawn_is_listed_no_more_and_remembered(group: Group, client: Client) -> None:
    group.published(pack())
    li = group.ring.signer("li", "content")
    proposal = group.repository.propose("general", remove=[PATH], author=li, reason="Limit wrong / 限值有误")
    group.repository.publish(group.sign(proposal, content="wang"), group.online)
    assert client.fetched(PATH) is None
    first, second = group.repository.history("general")
    assert (first.author, first.signers, [one.path for one in first.added]) == ("li", ("li", "wang"), [PATH])
    assert (second.reason, [one.path for one in second.removed]) == ("Limit wrong / 限值有误", [PATH])
    assert (
        refusal(lambda: group.repository.propose("general", remove=[PATH], author=li)) == "repository.not_listed"
    )


def test_a_version_never_changes_and_old_content_comes_back_as_a_new_release(group: Group) -> None:
    group.published(pack(1))
    group.published(pack(2))
    assert refusal(lambda: group.proposed(pack(1, note="Other."))) == "repository.version_taken"
    group.published(pack(1))
    assert {one.version: one.release for one in group.repository.listed()} == {1: 3, 2: 2}


def test_a_name_belongs_to_one_area(group: Group) -> None:
    li = group.ring.signer("li", "content")
    added = [Addition(pack())]
    assert refusal(lambda: group.repository.propose("ct", added, author=li)) == "repository.wrong_area"
    assert refusal(lambda: group.repository.propose("mr", added, author=li)) == "repository.area"


def test_an_online_key_that_the_root_does_not_name_publishes_nothing(group: Group, client: Client) -> None:
    signed = group.sign(group.proposed(pack()), content="wang")
    thief = group.ring.signer("thief", "online")
    assert refusal(lambda: group.repository.publish(signed, thief)) == "repository.online_key"
    assert refusal(lambda: group.repository.refresh(thief)) == "repository.online_key"
    assert client.fetched(PATH) is None


def test_a_proposal_is_signed_on_another_machine_and_comes_back(group: Group) -> None:
    waiting = group.proposed(pack())
    away = proposals.parse(waiting.dump())
    back = proposals.parse(away.signed_by(group.ring.signer("wang", "content")).dump())
    merged = group.repository.merge(back)
    assert merged.complete
    assert [need.signed for need in merged.needs()] == [("li", "wang")]
    group.repository.publish(merged, group.online)
    assert [one.path for one in group.repository.listed()] == [PATH]


def test_a_copy_that_was_changed_or_signed_by_a_stranger_is_not_merged(group: Group) -> None:
    waiting = group.proposed(pack())
    other = group.proposed(pack(note="Other."))
    forged = Metadata.from_bytes(waiting.parts["kb-general"])
    wang, mallory = group.ring.signer("wang", "content"), group.ring.signer("mallory", "content")
    forged.signatures[wang.card.keyid] = mallory.instrument.sign(forged.signed_bytes)
    came = replace(waiting, parts={"kb-general": forged.to_bytes()})
    assert group.repository.merge(came).needs()[0].signed == ("li",)
    swapped = replace(other, parts=waiting.parts)
    group.repository.drop(waiting.id)
    assert refusal(lambda: group.repository.merge(swapped)) == "repository.no_proposal"
    assert refusal(lambda: proposals.parse(b'{"format": 1}')) == "repository.proposal"


def test_whoever_signs_sees_every_part_and_not_only_what_the_file_calls_new(group: Group) -> None:
    """A centre in wrong hands hides evil targets in a harmless root, and calls both old."""
    mallory = group.ring.cards("mallory malory", "content")
    evil = group.repository.appoint({"general": Change(add=mallory)}).parts["targets"]
    harmless = group.repository.rotate(Change())
    came = replace(
        harmless, parts={**harmless.parts, "targets": evil}, before={**harmless.before, "targets": evil}
    )
    said = {(line.mark, line.part, line.text) for line in lines(proposals.parse(came.dump()))}
    keyid = mallory[0].keyid[:16]
    assert ("=", "targets", f"kb-general: mallory {keyid}") in said
    assert ("=", "targets", "kb-general: threshold 2, kb/general/*/*") in said
    assert ("=", "root", "targets: threshold 2") in said


def test_a_proposal_that_wants_one_signature_only_is_not_read(group: Group) -> None:
    weak = group.repository.rotate(Change())
    root = weak.metadata("root")
    root.signed.roles["targets"].threshold = 1
    came = replace(weak, parts={**weak.parts, "root": root.to_bytes()})
    assert refusal(lambda: proposals.parse(came.dump())) == "repository.proposal"
    mixed = replace(weak, parts={**weak.parts, "targets": weak.parts["root"]})
    assert refusal(lambda: proposals.parse(mixed.dump())) == "repository.proposal"


class _Broken:
    """A token that was pulled out."""

    def sign(self, payload: bytes) -> None:
        raise ValueError


def test_a_key_that_does_not_sign_leaves_the_proposal_as_it_was(group: Group) -> None:
    waiting = group.proposed(pack())
    broken = replace(group.ring.signer("wang", "content"), instrument=_Broken())  # type: ignore[arg-type]
    other = replace(broken, instrument=group.ring.signer("mallory", "content").instrument)
    for signer in (broken, other):
        assert refusal(lambda: group.repository.countersign(waiting, signer)) == "repository.signature"  # noqa: B023
    assert group.repository.proposal(waiting.id).needs()[0].signed == ("li",)


def test_a_damaged_repository_says_so(group: Group) -> None:
    (group.folder / "metadata" / "timestamp.json").write_bytes(b"{")
    assert refusal(group.repository.due) == "repository.damaged"
    (group.folder / "metadata" / "timestamp.json").unlink()
    assert refusal(lambda: group.repository.refresh(group.online)) == "repository.damaged"


def test_the_timestamp_is_signed_daily_and_the_snapshot_before_it_ends(group: Group, client: Client) -> None:
    store = group.repository.store
    assert not group.repository.due()
    assert not group.repository.refresh(group.online)
    group.clock.now = NOW + DAY_MS
    assert group.repository.due()
    assert group.repository.refresh(group.online)
    assert (store.timestamp().signed.version, store.snapshot().signed.version) == (2, 1)
    assert store.timestamp().signed.unrecognized_fields["issued"] == NOW + DAY_MS
    group.clock.now = NOW + 16 * DAY_MS
    assert group.repository.refresh(group.online)
    assert (store.timestamp().signed.version, store.snapshot().signed.version) == (3, 2)
    client.refreshed()


class Died(BaseException):
    """The power went."""


class Power:
    """Goes at the ``last``-th crash point; counts those that were passed."""

    def __init__(self, last: int = 0) -> None:
        self.passed, self._last = 0, last

    def __call__(self, step: str) -> None:
        self.passed += 1
        if self.passed == self._last:
            raise Died(step)


def _area(group: Group) -> Proposal:
    return group.sign(group.proposed(pack(2), pack(name="second")), content="wang")


def _root(group: Group) -> Proposal:
    change = Change(
        add=group.ring.cards("gu", "root") + group.ring.cards("newonline", "online"), remove=("an", "centre")
    )
    return group.sign(group.repository.rotate(change), root="bo chen")


def _people(group: Group) -> Proposal:
    change = Change(
        group.ring.cards("he ji", "targets") + group.ring.cards("newonline", "online"), ("ding", "en", "centre")
    )
    return group.sign(group.repository.rotate(change), root="bo chen", targets="he ji")


def _targets(group: Group) -> Proposal:
    change = Change(add=group.ring.cards("hou", "content"), remove=("li",))
    proposal = group.repository.appoint({"general": change, "ct": change})
    return group.sign(proposal, targets="ding en", content="hou wang")


@pytest.mark.parametrize(
    ("make", "steps", "online"),
    [(_area, 5, "centre"), (_targets, 4, "centre"), (_root, 3, "newonline"), (_people, 6, "newonline")],
)
def test_power_loss_at_each_step_leaves_the_old_or_the_new(
    tmp_path: Path, ring: Keyring, make: Callable[[Group], Proposal], steps: int, online: str
) -> None:
    for last in range(1, steps + 1):
        group = Group(tmp_path / str(last), ring).begin()
        group.published(pack())
        client = Client(tmp_path / f"box{last}", group.folder, group.repository.root_bytes())
        assert client.fetched(PATH) == pack()
        proposal, power = make(group), Power(last)
        with pytest.raises(Died):
            Repository(group.folder, group.clock, power).publish(proposal, ring.signer(online, "online"))
        if make is not _people or last not in (3, 4, 5):  # the root is new, the targets are not: tried again
            assert client.fetched(PATH) == pack()
        power = Power()
        again = Repository(group.folder, group.clock, power)
        again.publish(again.proposal(proposal.id), ring.signer(online, "online"))
        assert client.fetched(PATH) == pack()
        assert again.proposals() == ()
        if make is _area:
            assert client.fetched("kb/general/second/1.zip") == pack(name="second")
            assert again.store.version("kb-general") == 2
    assert power.passed == 0  # at the last step all was in force


def test_power_loss_while_it_is_founded(tmp_path: Path, ring: Keyring) -> None:
    for last in range(1, 5):
        group = Group(tmp_path / str(last), ring)
        proposal = group.sign(group.first, root="an chen", targets="en fang")
        with pytest.raises(Died):
            Repository(group.folder, group.clock, Power(last)).publish(proposal, group.online)
        assert Repository(group.folder).store.founded == (last == 4)
        group.repository.publish(proposal, group.online)
        Client(tmp_path / f"box{last}", group.folder, group.repository.root_bytes()).refreshed()
        assert refusal(lambda: group.repository.publish(proposal, group.online)) == "repository.no_proposal"  # noqa: B023


def test_a_cut_off_publication_gives_way_to_another(group: Group, client: Client) -> None:
    first = _area(group)
    with pytest.raises(Died):
        Repository(group.folder, group.clock, Power(3)).publish(first, group.online)
    group.repository.drop(first.id)
    group.published(pack(3))
    assert client.fetched("kb/general/completeness/3.zip") == pack(3)
    assert client.fetched("kb/general/second/1.zip") is None
