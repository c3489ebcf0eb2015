"""Everyday lines of the receiver's log: kept for a moment, none lost, in order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO

import pytest
import structlog

from capture.dicom.diary import Diary
from tests.logs import entries, log_of


@pytest.fixture
def log() -> Iterator[StringIO]:
    with log_of("listen") as stream:
        yield stream


def test_a_line_is_written_later_with_the_time_at_which_it_was_said(
    log: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    diary = Diary(structlog.get_logger().bind())
    monkeypatch.setattr("capture.dicom.diary.time.time", lambda: 1_700_000_000.25)
    diary.info("instance.stored", case="c1", calling_ae="CT1")
    assert entries(log) == []
    diary.write()
    diary.write()
    (line,) = entries(log)
    assert line["timestamp"] == "2023-11-14T22:13:20.250000Z"
    assert (line["event"], line["case"], line["calling_ae"]) == ("instance.stored", "c1", "CT1")


def test_what_cannot_wait_comes_behind_what_was_said_before(log: StringIO) -> None:
    diary = Diary(structlog.get_logger().bind())
    diary.info("instance.stored", case="c1")
    diary.warning("instance.refused", reason="spool.full")
    diary.info("instance.stored", case="c2")
    diary.error("spool.low", code="spool.full")
    assert [line["event"] for line in entries(log)] == [
        "instance.stored", "instance.refused", "instance.stored", "spool.low"
    ]  # fmt: skip
    assert all(datetime.fromisoformat(str(line["timestamp"])).tzinfo == UTC for line in entries(log))


def test_it_is_written_now_and_then(log: StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("capture.dicom.diary.time.monotonic", lambda: now[0])
    diary = Diary(structlog.get_logger().bind())
    counts = []
    for moment in (100.0, 100.2, 100.5, 100.6, 101.1):
        now[0] = moment
        diary.info("instance.stored")
        diary.write_now_and_then()
        counts.append(len(entries(log)))
    assert counts == [1, 1, 3, 3, 5]
