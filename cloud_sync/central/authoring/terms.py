"""What there is to say of a draft: values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.authoring.texts import PackText
from cloud_sync.updates.terms import Kind

State = Literal["editing", "submitted", "published", "withdrawn"]


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft as it stands. Times are UTC milliseconds."""

    id: int
    pack: str
    kind: Kind
    author: str
    created_at: int
    state: State
    edit: int
    newest: int
    """Number of the newest edit; above ``edit`` when edits were undone."""
    base: str
    base_version: int
    note: str
    submitted_by: str
    submitted_at: int | None
    sha256: str
    proposal: str
    text: PackText
    edited_by: frozenset[str]
    """Everybody who wrote it; none of them may approve it."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One step of a draft. ``kind`` is a word of a closed set, ``subject`` what it was done to."""

    number: int
    at: int
    account: str
    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class Deed:
    """One line of a pack's history."""

    draft: int
    at: int
    account: str
    action: str
    version: int
    why: str


@dataclass(frozen=True, slots=True)
class By:
    """Who does something, and when."""

    account: str
    now: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where it is and what it is, in words. ``line`` and ``column`` count from 1; 0: not known."""

    file: str
    text: Bilingual
    hint: Bilingual
    rule: str = ""
    line: int = 0
    column: int = 0


def problem(file: str, error: Misuse, rule: str = "") -> Problem:
    """What the engine refuses, as a mistake of a file."""
    return Problem(file, error.text, error.hint, rule)
