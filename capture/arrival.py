"""Arrival: one thing that reached the box, before anybody has looked inside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

Kind = Literal["dicom", "frame", "release", "mpps", "commitment", "committed"]
"""An object or a picture, or what a device says about those it sent: it released an association, it worked on a
procedure step (PS3.4 F.7), it asks whether they are safe here (PS3.4 J.3); or what the archive answers to that."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What the spool knows of one received object.

    ``id`` starts with the receive time, so that sorting by id is sorting by time.
    Nothing here comes from inside the object: an Arrival carries no patient identity.
    """

    id: str
    digest: Annotated[str, Field(alias="sha256")]
    """Of its bytes (:mod:`capture.digest`); "" until the spool gives it to a reader. Written as ``sha256``, which
    it is in what earlier versions wrote."""
    size: int
    kind: Kind
    source: str
    """Name of the input source that took it, e.g. ``dicom`` or ``folder``."""
    received_at: int
    """UTC milliseconds at which the last byte was on disk."""
    calling_ae: str = ""
    peer: str = ""
    """Network address or folder it came from."""
    association: str = ""
    """A name of the association that brought it, the same for all that it brought; "" when there was none."""
    sop_class: str = ""
    """As the sender named it; "" when it did not."""


def arrival_id(received_at: int, rest: str) -> str:
    """Sortable id: 12 hex digits of UTC milliseconds, a dash, and the first 16 of ``rest``, which no other has."""
    return f"{received_at:012x}-{rest[:16]}"
