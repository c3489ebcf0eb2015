"""Topic names of contract version 1: ``qc/v1/<box>/up/...`` and ``qc/v1/<box>/dn/...``.

The ``<box>`` level is the common name of the box's certificate; the broker's access list enforces it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIX = "qc/v1"
CENTRE_STATE = f"{PREFIX}/centre/state"
UP = ("state", "event", "metrics", "reply", "fetch", "papers")
DOWN = ("ack", "cmd", "desired", "chunk", "papers")
"""For boxes that reach nothing but the broker: ``fetch`` and ``chunk`` are files of the repository, ``papers`` is
what they would ask at the enrolment door."""
ALL_UP = f"{PREFIX}/+/up/+"
"""What the centre subscribes to."""

_BOX = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_RESERVED = "centre"


@dataclass(frozen=True, slots=True)
class Address:
    """A topic taken apart."""

    box: str
    up: bool
    leaf: str


def valid_box(box: str) -> bool:
    """Whether this may be a box's name: one topic level of lower-case letters, digits and dashes."""
    return _BOX.fullmatch(box) is not None and box != _RESERVED


def up(box: str, leaf: str) -> str:
    """Topic on which a box speaks. Raises ValueError for a name that is none."""
    return _topic(box, "up", leaf, UP)


def down(box: str, leaf: str) -> str:
    """Topic on which the centre speaks to one box. Raises ValueError for a name that is none."""
    return _topic(box, "dn", leaf, DOWN)


def all_down(box: str) -> str:
    """What a box subscribes to, beside the centre's state."""
    return up(box, "state").removesuffix("up/state") + "dn/+"


def source(box: str) -> str:
    """The CloudEvents ``source`` of a box."""
    return f"/box/{box}"


def event_id(stream: str, seq: int) -> str:
    """The CloudEvents ``id``: unique together with the source."""
    return f"{stream}-{seq:06d}"


def parse(topic: str) -> Address | None:
    """The parts of a box's topic, or None for anything else."""
    parts = topic.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != PREFIX or not valid_box(parts[2]):
        return None
    leaves = {"up": UP, "dn": DOWN}.get(parts[3], ())
    return Address(parts[2], parts[3] == "up", parts[4]) if parts[4] in leaves else None


def _topic(box: str, direction: str, leaf: str, leaves: tuple[str, ...]) -> str:
    if not valid_box(box) or leaf not in leaves:
        raise ValueError("not a topic of the contract")
    return f"{PREFIX}/{box}/{direction}/{leaf}"
