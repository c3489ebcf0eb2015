"""Columns that nearly every table of the centre has, several at a time."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, Text

Id = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database counts. SQLite counts by itself only in a column of type INTEGER."""


def texts(*names: str, empty: bool = False) -> list[Column[str]]:
    """Texts that are always there; ``empty``: "" where nothing was said."""
    return [Column(name, Text, nullable=False, server_default="" if empty else None) for name in names]


def numbers(*names: str) -> list[Column[int]]:
    """Times in UTC milliseconds, versions, counts: always there."""
    return [Column(name, BigInteger, nullable=False) for name in names]
