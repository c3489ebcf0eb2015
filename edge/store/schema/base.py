"""The one set of tables, and how a table is made. Times are UTC milliseconds; JSON columns hold frozen values
written by one owner."""

from __future__ import annotations

from sqlalchemy import MetaData, Table
from sqlalchemy.schema import SchemaItem

metadata = MetaData()


def table(name: str, *items: SchemaItem) -> Table:
    """A STRICT table: SQLite then refuses a text in an integer column."""
    return Table(name, metadata, *items, sqlite_strict=True)
