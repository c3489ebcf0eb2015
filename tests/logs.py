"""A process's log, as a test reads it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from cloud_sync.kit.log import configure


@contextmanager
def log_of(process: str) -> Iterator[io.StringIO]:
    """What it writes, until the context ends and logging is as it was."""
    stream = io.StringIO()
    handlers = logging.getLogger().handlers[:]
    configure(process, "info", stream)
    try:
        yield stream
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(False)
        logging.basicConfig(handlers=handlers, force=True)


def entries(stream: io.StringIO) -> list[dict[str, object]]:
    """Its lines."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]
