"""The words and scalars that the messages are made of."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

CONTRACT = 1
"""Major version of the contract; it is also the ``v1`` of the topics."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def _clean(limit: int) -> BeforeValidator:
    """Text that any JSON parser and any database takes: no control characters, no lone surrogates, clipped."""

    def clean(value: object) -> object:
        if not isinstance(value, str):
            return value
        return _CONTROL.sub("", value).encode("utf-8", "replace").decode()[:limit]

    return BeforeValidator(clean)


Text = Annotated[str, _clean(256), Field(max_length=256)]
"""A short text. Longer ones are clipped, never refused: a device's header must not stop a message."""
Pseudonym = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""128 bits of a keyed hash (HMAC-SHA256, the key stays on the site) in lower-case hex.
The shape refuses a UID, a patient ID and a national ID number alike."""
Stream = Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
"""ULID made when the outbox was created: a new disk is a new stream."""
Boot = Annotated[str, Field(pattern=r"^[0-9a-z-]{1,40}$")]
Seq = Annotated[int, Field(ge=1, le=2**53 - 1)]
"""Counts up without gaps within a stream. Bounded by what every JSON reader holds exactly."""
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""How many. Bounded like a sequence number: a box that says more would stop the centre's database."""
ContentName = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
"""Of a rule pack, network, protocol or template."""
RepositoryPath = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*(/[a-z0-9][a-z0-9_.-]*)*$", max_length=200)]
"""Of a file in the centre's repository. The shape has no way out of it: no part begins with a dot."""
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Millis = Annotated[int, Field(ge=0, le=2**53 - 1)]
"""UTC milliseconds since 1970."""
Rfc3339 = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$")]
Value = bool | float | Text | tuple[Text, ...]


def _forward(pair: tuple[int, int]) -> tuple[int, int]:
    if pair[0] > pair[1]:
        raise ValueError("a range must not run backwards")
    return pair


Ranges = tuple[Annotated[tuple[Seq, Seq], AfterValidator(_forward)], ...]
"""Inclusive ranges of sequence numbers."""


class Word(StrEnum):
    """An enumeration of the wire: a word that this version does not know reads as ``unknown``."""

    @classmethod
    def _missing_(cls, value: object) -> Word | None:
        return cls("unknown") if isinstance(value, str) and value != "unknown" else None


class Grade(Word):
    """The verdict's grade, best first."""

    JIA = "jia"
    YI = "yi"
    BING = "bing"
    FEI = "fei"
    UNKNOWN = "unknown"


class Severity(Word):
    """How much a finding matters."""

    INFO = "info"
    MINOR = "minor"
    MAJOR = "major"
    VETO = "veto"
    UNKNOWN = "unknown"


class Level(Word):
    """Whether a rule warned or failed."""

    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "unknown"


class Extent(Word):
    """What a verdict is of."""

    IMAGE = "image"
    SERIES = "series"
    STUDY = "study"
    UNKNOWN = "unknown"


class Mode(Word):
    """``active``: shown to the technologist. ``shadow``: judged beside it, shown to nobody."""

    ACTIVE = "active"
    SHADOW = "shadow"
    UNKNOWN = "unknown"


class Clock(Word):
    """Whether the box's clock was synchronised when it stamped the event."""

    SYNCED = "synced"
    UNSYNCED = "unsynced"
    UNKNOWN = "unknown"


class Action(Word):
    """What a person decided about an image."""

    ACCEPT = "accept"
    REPEAT = "repeat"
    OVERRIDE = "override"
    UNKNOWN = "unknown"


class Role(Word):
    """In what role a person acted. Persons are never named on the wire."""

    TECHNOLOGIST = "technologist"
    QC_LEAD = "qc-lead"
    ENGINEER = "engineer"
    UNKNOWN = "unknown"


class CommandName(Word):
    """What the centre may ask of a box."""

    REBIRTH = "rebirth"
    RESEND = "resend"
    UNKNOWN = "unknown"


class ContentState(Word):
    """How far signed content has come on a box (fleet-sync.md 8). The last four are ends of a failed attempt."""

    ASSIGNED = "assigned"
    STAGED = "staged"
    """Downloaded, not yet looked into."""
    VERIFIED = "verified"
    TESTED = "tested"
    SHADOW = "shadow"
    """Judges beside the active content; its verdicts are shown to nobody."""
    PROBATION = "probation"
    """Active, watched, and taken back by itself when it does harm."""
    COMMITTED = "committed"
    SUPERSEDED = "superseded"
    """Was committed; another release stands in its place."""
    CANCELLED = "cancelled"
    """The centre no longer wants it; it was not active."""
    REJECTED = "rejected"
    """Not for this box: audience, program too old, no room."""
    FAILED_VERIFY = "failed_verify"
    FAILED_SELFTEST = "failed_selftest"
    ROLLED_BACK = "rolled_back"
    UNKNOWN = "unknown"


class Wire(BaseModel):
    """Base of everything on the wire."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, hide_input_in_errors=True)
