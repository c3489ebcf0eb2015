"""The messages around the events: presence, acknowledgement, commands, metrics."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cloud_sync.wire.messages import PackUsed
from cloud_sync.wire.words import (
    CONTRACT,
    Boot,
    CommandName,
    ContentName,
    Count,
    Millis,
    Ranges,
    RepositoryPath,
    Seq,
    Sha256,
    Stream,
    Text,
    Wire,
)


class BoxClock(Wire):
    """The box's clock as it sees it: wall time, whether synchronised, estimated offset to the centre."""

    wall: Millis
    synced: bool
    offset_ms: int | None = None


class Certificate(Wire):
    """The client certificate in use."""

    serial: Text
    not_after: Millis


class Presence(Wire):
    """``up/state``: a birth (online) or a death (the will). ``boot`` ties the two together."""

    online: bool
    boot: Boot


class Birth(Presence):
    """Sent at every connection, retained: who the box is and what the centre has not heard of yet."""

    online: Literal[True] = True
    stream: Stream
    seq_hi: Count
    depth: Count
    oldest_age_s: Annotated[float, Field(ge=0)]
    quarantined: Count = 0
    disk_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    agent: Text
    site: Text = ""
    cv: tuple[int, ...] = (CONTRACT,)
    kb: tuple[PackUsed, ...] = ()
    kb_stale: Text = ""
    """Code of why nothing newly signed can be activated on the box; empty: all is well. What runs goes on."""
    cert: Certificate | None = None
    clock: BoxClock


class Death(Presence):
    """The will: the broker says it when the box is gone."""

    online: Literal[False] = False


class Refusal(Wire):
    """One number that the centre refuses for good. ``code``: see the handbook; ``detail`` quotes nothing."""

    seq: Seq
    code: Text
    detail: Text = ""


class Ack(Wire):
    """``dn/ack``: the centre has committed these. The only thing that lets a box call a row delivered."""

    stream: Stream
    ok: Ranges = ()
    rej: tuple[Refusal, ...] = ()
    hi: Count
    t: Millis


class Command(Wire):
    """``dn/cmd``. ``resend`` names the ranges of ``stream`` that the centre misses."""

    id: Text
    name: CommandName
    stream: Stream | None = None
    ranges: Ranges = ()


class Reply(Wire):
    """``up/reply``: what became of a command."""

    id: Text
    ok: bool
    code: Text = ""
    count: Count = 0


class Gauge(Wire):
    """One reading."""

    name: Text
    value: float


class Metrics(Wire):
    """``up/metrics``: gauges. The only message besides the will that may be lost."""

    boot: Boot
    t: Millis
    gauges: tuple[Gauge, ...] = ()


class CentreState(Wire):
    """``qc/v1/centre/state``, retained: boxes hold their drain while the centre is offline."""

    online: bool
    boot: Boot
    t: Millis = 0


class Wanted(Wire):
    """One release that a box shall run, if it is what the QC group signed. Nothing here is believed unverified."""

    name: ContentName
    version: Annotated[int, Field(ge=1)]
    path: RepositoryPath
    sha256: Sha256
    length: Count
    rollout: Text = ""
    shadow_images: Count = 0
    """Verdicts to collect beside the active content before it judges."""
    probation_images: Count = 50
    probation_s: Count = 1800
    """Probation ends with the images or with the time, whichever comes first."""


class Desired(Wire):
    """``dn/desired``, retained and said again after each birth: all that this box shall run beside the factory's.

    A release on its way that is no longer named is given up; an active one stays until another takes its place, or
    the signed list names it no more: a box that hears a new number looks there.
    """

    rev: Count
    """Counts up; an older one is not obeyed."""
    t: Millis
    kb: tuple[Wanted, ...] = ()
    groups: tuple[Text, ...] = ()
    """Groups that the centre has put the box into: what signed content may be meant for."""


class Fetch(Wire):
    """``up/fetch``: a piece of a file of the repository, please."""

    id: Text
    path: RepositoryPath
    offset: Count
    length: Annotated[int, Field(ge=1, le=98304)]


class Chunk(Wire):
    """``dn/chunk``: the first line of the payload; the bytes follow after a line feed."""

    id: Text
    status: Literal[200, 404, 416, 503]
    """As in HTTP: found, not there, behind the end, not now."""
    total: Count = 0
    """Bytes of the whole file."""
