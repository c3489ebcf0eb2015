"""Results as CSV or JSON, piece by piece."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from cloud_sync.central.queries import ResultRow

_COLUMNS = tuple(field.name for field in fields(ResultRow))
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_csv(rows: Iterable[ResultRow]) -> Iterator[str]:
    """With a header line and a byte order mark, without which spreadsheets misread Chinese."""
    yield "\ufeff"
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(_COLUMNS)
    for row in rows:
        writer.writerow([_harmless(getattr(row, name)) for name in _COLUMNS])
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def as_json(rows: Iterable[ResultRow]) -> Iterator[str]:
    """One array of objects."""
    separator = "["
    for row in rows:
        yield separator + json.dumps(plain(row), ensure_ascii=False)
        separator = ",\n"
    yield "[]\n" if separator == "[" else "]\n"


def plain(value: object) -> object:
    """A frozen value as what JSON has."""
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def _harmless(value: object) -> object:
    """A station may be named ``=cmd``: no spreadsheet shall run it (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


WRITERS: dict[str, Callable[[Iterable[ResultRow]], Iterator[str]]] = {"csv": as_csv, "json": as_json}
