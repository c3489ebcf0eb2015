"""The log says only what the vocabulary allows."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from cloud_sync.kit.log import configure
from tests.logs import entries, log_of


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    with log_of("test") as stream:
        yield stream


def test_a_known_event_keeps_known_fields_and_loses_the_others(lines: io.StringIO) -> None:
    structlog.get_logger().info("case.judged", case="c1", PatientName="WANG^SENTINEL", grade="jia")
    (entry,) = entries(lines)
    assert entry.pop("timestamp")
    assert entry == {"event": "case.judged", "level": "info", "process": "test", "case": "c1", "grade": "jia"}


def test_an_unknown_event_is_dropped(lines: io.StringIO) -> None:
    structlog.get_logger().info("WANG^SENTINEL was here", case="c1")
    assert lines.getvalue() == ""


def test_under_the_level_nothing_is_said(lines: io.StringIO) -> None:
    structlog.get_logger().debug("case.judged")
    assert lines.getvalue() == ""


def test_an_exception_is_its_type_and_place_never_its_text(lines: io.StringIO) -> None:
    try:
        raise ValueError("WANG^SENTINEL")
    except ValueError as error:
        structlog.get_logger().error("request.failed", exc_info=error)
        structlog.get_logger().exception("request.failed")
        structlog.get_logger().error("request.failed", exc_info=sys.exc_info())
    found = entries(lines)
    assert [entry["error"] for entry in found] == ["ValueError"] * 3
    assert all(str(entry["where"]).startswith("test_log.py:") for entry in found)
    assert "SENTINEL" not in lines.getvalue()


def test_exc_info_without_an_exception_says_nothing_more(lines: io.StringIO) -> None:
    structlog.get_logger().error("request.failed", exc_info=True)
    structlog.get_logger().error("request.failed", exc_info=ValueError("never raised"))
    plain, bare = entries(lines)
    assert "error" not in plain
    assert bare["error"] == "ValueError"
    assert "where" not in bare


def test_a_library_is_heard_without_its_words(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("Invalid value WANG^SENTINEL")
    logging.getLogger("some.library").error("WANG^SENTINEL")
    logging.getLogger("some.library").info("not loud enough")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("WANG^SENTINEL", stacklevel=1)
    found = entries(lines)
    assert [(entry["level"], entry["where"]) for entry in found] == [
        ("warning", "some.library"),
        ("error", "some.library"),
        ("warning", "py.warnings"),
    ]
    assert "SENTINEL" not in lines.getvalue()


def test_a_value_that_is_not_json_is_named_by_its_type(lines: io.StringIO) -> None:
    structlog.get_logger().info("case.judged", case=ValueError("WANG^SENTINEL"))
    assert entries(lines)[0]["case"] == "<ValueError>"


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(KeyError):
        configure("test", "loud")
