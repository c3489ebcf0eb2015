"""What goes first, how much may be on its way, and when it goes again."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from cloud_sync.link.drain import Limits, Window, delay
from cloud_sync.link.ports import Pending


def rows(first: int, count: int, *, fresh: bool, size: int = 100) -> list[Pending]:
    return [Pending(first + index, b"x" * size, 0, fresh) for index in range(count)]


def window(messages: int = 20, bytes_: int = 10**6, share: float = 0.2) -> Window:
    return Window(Limits(messages, bytes_, share))


def test_fresh_goes_first_and_the_backlog_keeps_its_share() -> None:
    chosen = window().choose(rows(1000, 50, fresh=True), rows(1, 50, fresh=False))
    assert [row.fresh for row in chosen] == [True] * 16 + [False] * 4
    assert chosen[0].seq == 1000


def test_without_a_backlog_fresh_takes_all_and_without_fresh_the_backlog_does() -> None:
    assert len(window().choose(rows(1, 50, fresh=True), [])) == 20
    assert len(window().choose([], rows(1, 50, fresh=False))) == 20


def test_the_share_counts_what_is_already_on_its_way() -> None:
    open_ = window()
    for mid, row in enumerate(rows(1, 4, fresh=False)):
        open_.sent(row, mid, 100.0)
    chosen = open_.choose(rows(1000, 50, fresh=True), rows(5, 50, fresh=False))
    assert all(row.fresh for row in chosen)
    assert len(chosen) == 16


def test_a_puback_frees_no_place_in_the_window() -> None:
    open_ = window(messages=2)
    for mid, row in enumerate(rows(1, 2, fresh=True)):
        open_.sent(row, mid, 100.0)
        open_.taken(mid)
    assert open_.choose(rows(3, 5, fresh=True), []) == []


def test_an_acknowledgement_without_puback_keeps_the_brokers_place() -> None:
    open_ = window(messages=2)
    for mid, row in enumerate(rows(1, 2, fresh=True)):
        open_.sent(row, mid, 100.0)
    open_.acknowledged([(1, 2)])
    assert len(open_) == 0
    assert open_.choose(rows(3, 5, fresh=True), []) == []
    open_.taken(0)
    assert len(open_.choose(rows(3, 5, fresh=True), [])) == 1


def test_what_is_due_again_gives_its_place_back() -> None:
    open_ = window(messages=2)
    for mid, row in enumerate(rows(1, 2, fresh=True)):
        open_.sent(row, mid, 10.0 + mid)
        open_.taken(mid)
    open_.expire(10.5)
    assert len(open_.choose(rows(1, 5, fresh=True), [])) == 1
    open_.forget()
    assert len(open_) == 0


def test_bytes_are_limited_but_one_large_row_always_goes() -> None:
    open_ = window(bytes_=250)
    assert len(open_.choose(rows(1, 5, fresh=True), [])) == 2
    (large,) = open_.choose(rows(1, 3, fresh=True, size=1000), [])
    open_.sent(large, 1, 100.0)
    assert open_.choose(rows(2, 3, fresh=True), []) == []


@given(
    messages=st.integers(1, 60),
    share=st.floats(0.05, 0.95),
    fresh=st.integers(0, 80),
    backlog=st.integers(0, 80),
    busy=st.integers(0, 60),
)
def test_never_more_than_the_window_and_never_a_lane_forgotten(
    messages: int, share: float, fresh: int, backlog: int, busy: int
) -> None:
    open_ = window(messages, share=share)
    for mid, row in enumerate(rows(10_000, min(busy, messages), fresh=True)):
        open_.sent(row, mid, 100.0)
    free = messages - min(busy, messages)
    chosen = open_.choose(rows(1000, fresh, fresh=True), rows(1, backlog, fresh=False))
    assert len(chosen) == min(free, fresh + backlog)
    assert len({row.seq for row in chosen}) == len(chosen)
    old = sum(not row.fresh for row in chosen)
    assert old >= min(backlog, free, Limits(messages, 0, share).reserve)


def test_delays_double_to_a_limit_and_differ() -> None:
    chance = random.Random(7)
    for attempts, plain in ((0, 30), (1, 60), (4, 480), (5, 600), (1000, 600)):
        for _ in range(20):
            assert plain <= delay(attempts, 30, 600, chance) <= plain * 1.5
    assert len({delay(0, 30, 600, chance) for _ in range(10)}) == 10
