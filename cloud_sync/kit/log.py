"""Logs: one JSON object a line, only events and fields of the vocabulary, never a text that may quote input.

Texts of other libraries are not kept either: a DICOM toolkit quotes names in its warnings. What remains of
them is who spoke and how loudly.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import structlog

from cloud_sync.kit.vocabulary import EVENTS, FIELDS

Entry = MutableMapping[str, object]


def configure(process: str, level: str = "info", stream: TextIO | None = None) -> None:
    """Set up structlog and the standard library's logging for this process.

    ``process`` is written with every line; ``level`` is debug, info, warning or error; ``stream`` is
    standard error unless given. Raises KeyError for another level.
    """
    threshold = {"debug": 10, "info": 20, "warning": 30, "error": 40}[level]

    # One step for structlog's level, time and JSON: most lines come one by one, when no cache holds the code of
    # each any more, and took six times as long as in a loop.
    def render(logger: object, method: str, entry: Entry) -> str:
        at = entry.get("timestamp")  # of what was said before it was written
        said = (at if isinstance(at, datetime) else datetime.now(UTC)).isoformat().replace("+00:00", "Z")
        return _JSON.encode({**entry, "level": _level(method), "timestamp": said, "process": process})

    structlog.configure(
        processors=[describe_exception, keep_vocabulary, render],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(True)
    logging.basicConfig(handlers=[LibraryHandler()], level=max(threshold, logging.WARNING), force=True)


def keep_vocabulary(logger: object, method: str, entry: Entry) -> Entry:
    """Drop an event that is not in EVENTS, and every field that is not in FIELDS."""
    if entry.get("event") not in EVENTS:
        raise structlog.DropEvent
    return {name: value for name, value in entry.items() if name in FIELDS}


def describe_exception(logger: object, method: str, entry: Entry) -> Entry:
    """``exc_info`` becomes ``error`` (its type) and ``where`` (file and line); its text is left out."""
    error = _exception(entry.pop("exc_info", None))
    if error is None:
        return entry
    entry["error"] = type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        entry["where"] = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return entry


class LibraryHandler(logging.Handler):
    """Passes on that a library spoke, not what it said."""

    def emit(self, record: logging.LogRecord) -> None:
        """One ``library.logged`` line with the logger's name."""
        logger = structlog.get_logger()
        say = logger.error if record.levelno >= logging.ERROR else logger.warning
        say("library.logged", where=record.name, exc_info=record.exc_info)


def _exception(exc_info: object) -> BaseException | None:
    """From any of the three shapes that ``exc_info`` may have: the exception, its triple, or True."""
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info is True:
        exc_info = sys.exc_info()[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _level(method: str) -> str:
    return "error" if method == "exception" else method


def _unsaid(value: object) -> str:
    """A value that is not JSON is named by its type: its text may hold anything."""
    return f"<{type(value).__name__}>"


_JSON = json.JSONEncoder(ensure_ascii=False, default=_unsaid)
