"""What a box shall run: properties over any history of rollouts and any words of the box."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.central.rollout.terms import ACTIVE, FAILED, Plan, RolloutState
from cloud_sync.central.rollout.wanted import BoxFacts, Release, choose, fits, newest_first, wanted
from cloud_sync.updates.terms import Audience
from cloud_sync.wire.words import ContentState
from tests.unit.cloud_sync.central.rollout.stage import release

History = tuple[BoxFacts, list[Release]]
_STATES = st.sampled_from([None, *ContentState])


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Rollouts of one name, newest first, and a box with a word on each."""
    releases, states = [], {}
    for number in range(draw(st.integers(0, 6)), 0, -1):
        target = release(number)
        wave = draw(st.integers(0, 3))
        members = {"box": draw(st.integers(0, 3))} if draw(st.booleans()) else {}
        state = draw(st.sampled_from(list(RolloutState)))
        releases.append(Release(number, target, Plan(), state, wave, members))
        said = draw(_STATES)
        if said is not None:
            states[target.sha256] = said
    return BoxFacts("box", frozenset(), frozenset(), states), releases


@given(histories())
def test_nothing_older_than_what_is_active_and_nothing_that_failed(
    history: tuple[BoxFacts, list[Release]],
) -> None:
    box, releases = history
    chosen = choose(box, releases)
    active = [one for one in releases if box.states.get(one.target.sha256) in ACTIVE]
    if chosen is None:
        return
    assert box.states.get(chosen.target.sha256) not in FAILED
    assert all(chosen.target.release >= one.target.release for one in active)


@given(histories())
def test_what_was_stopped_reaches_nobody_who_has_not_got_it(history: History) -> None:
    box, releases = history
    chosen = choose(box, releases)
    if chosen is not None and box.states.get(chosen.target.sha256) not in ACTIVE:
        assert chosen.state not in (RolloutState.PAUSED, RolloutState.CANCELLED, RolloutState.SUPERSEDED)
        assert chosen.state is RolloutState.COMPLETED or chosen.reaches("box")


@given(histories())
def test_a_box_without_a_word_gets_the_newest_it_is_meant_for(history: History) -> None:
    _, releases = history
    fresh = BoxFacts("box", frozenset(), frozenset(), {})
    meant = [
        one for one in releases
        if one.state is RolloutState.COMPLETED
        or (one.state in (RolloutState.RUNNING, RolloutState.WAITING) and one.reaches("box"))
    ]  # fmt: skip
    assert choose(fresh, releases) == (meant[0] if meant else None)
    assert wanted(BoxFacts("box", frozenset(), frozenset(), {}, revoked=True), {"dx": releases}, 0) == ()


def test_the_order_of_rows_does_not_matter_and_names_are_apart() -> None:
    done = RolloutState.COMPLETED
    releases = [
        Release(number, target, Plan(shadow_images=number), done, 0, {})
        for number, target in enumerate(
            [release(2, "mr"), release(1, "dx"), release(3, "dx"), release(2, "dx")], 1
        )
    ]
    box = BoxFacts("box", frozenset(), frozenset(), {})
    found = wanted(box, newest_first(releases), 0)
    assert [(one.name, one.version, one.rollout, one.shadow_images) for one in found] == [
        ("dx", 3, "3", 3), ("mr", 2, "1", 1),
    ]  # fmt: skip
    assert wanted(box, newest_first(releases[::-1]), 0) == found


def test_the_audience_fits_by_group_and_by_modality() -> None:
    assert fits(Audience(), (), ())
    assert fits(Audience(groups=("a", "b")), ("b",), ())
    assert not fits(Audience(groups=("a",)), ("b",), ())
    assert not fits(Audience(groups=("a",)), (), ())
    assert fits(Audience(modalities=("DX",)), (), ("DX", "CT"))
    assert fits(Audience(modalities=("DX",)), (), ())
    assert not fits(Audience(modalities=("DX",)), (), ("MR",))
