"""Topics are built and taken apart by one table; nothing else is a topic."""

from __future__ import annotations

import re

import pytest

from cloud_sync.wire import ranges, topics


@pytest.mark.parametrize("leaf", topics.UP)
def test_what_a_box_says_comes_back(leaf: str) -> None:
    assert topics.parse(topics.up("b-7f3a", leaf)) == topics.Address("b-7f3a", True, leaf)


@pytest.mark.parametrize("leaf", topics.DOWN)
def test_what_a_box_hears_comes_back(leaf: str) -> None:
    topic = topics.down("b-7f3a", leaf)
    assert topics.parse(topic) == topics.Address("b-7f3a", False, leaf)
    assert topic.startswith(topics.all_down("b-7f3a").removesuffix("+"))


@pytest.mark.parametrize(
    "topic",
    [
        "", "qc/v1/centre/state", "qc/v2/a/up/event", "qc/v1/a/up/ack", "qc/v1/a/dn/event",
        "qc/v1/a/sideways/event",
        "qc/v1/A/up/event", "qc/v1/a/up/event/x", "qc/v1//up/event", "qc/v1/centre/up/event", "x/v1/a/up/event",
    ],
)  # fmt: skip
def test_anything_else_is_no_topic(topic: str) -> None:
    assert topics.parse(topic) is None


@pytest.mark.parametrize("box", ["", "A", "a.b", "a/b", "+", "#", "-a", "centre", "a" * 64, "ä", "a\n"])
def test_a_name_that_is_no_topic_level_is_refused(box: str) -> None:
    assert not topics.valid_box(box)
    with pytest.raises(ValueError, match="not a topic"):
        topics.up(box, "event")


def test_an_unknown_leaf_is_refused() -> None:
    with pytest.raises(ValueError, match="not a topic"):
        topics.down("a", "event")


def test_all_topics_keep_the_portable_rules() -> None:
    every = [topics.up("b-1", leaf) for leaf in topics.UP] + [topics.down("b-1", leaf) for leaf in topics.DOWN]
    for topic in [*every, topics.CENTRE_STATE]:
        assert len(topic.split("/")) <= 6
        assert re.fullmatch(r"[a-z0-9/-]+", topic)


def test_source_and_id_are_unique_together() -> None:
    assert topics.source("b-1") == "/box/b-1"
    assert topics.event_id("S", 57) == "S-000057"


def test_ranges_hold_exactly_the_numbers() -> None:
    assert ranges.from_numbers([]) == ()
    assert ranges.from_numbers([3, 1, 2, 2, 9]) == ((1, 3), (9, 9))
    assert ranges.count([(1, 3), (9, 9)]) == 4
