"""Who makes the images, as far as the headers say: technologists by a key that names nobody."""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass

from sqlalchemy import Connection, select

from edge.store.schema import acquisition


@dataclass(frozen=True, slots=True)
class Person:
    """One technologist. The name stays on the box."""

    key: str
    name: str


def person_key(name: str | None) -> str:
    """Stable key of an OperatorsName; "" of none. L6 changes of rules name persons by it."""
    said = " ".join(unicodedata.normalize("NFKC", name or "").replace("^", " ").casefold().split())
    return f"p-{hashlib.sha256(said.encode('utf-8', 'replace')).hexdigest()[:10]}" if said else ""


def persons(connection: Connection) -> tuple[Person, ...]:
    """Everybody whom an image names as its operator, by name."""
    named = connection.scalars(
        select(acquisition.c.operator).distinct().where(acquisition.c.operator.is_not(None))
    )
    by_key = {person_key(name): name for name in sorted(named) if person_key(name)}
    return tuple(sorted((Person(key, name) for key, name in by_key.items()), key=lambda one: one.name))
