"""What this box believes: the group's trust in its folder, and the list that ships with the program."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cloud_sync.updates.listing import ISSUED
from cloud_sync.updates.terms import Target
from cloud_sync.updates.trust import Trust, factory_check
from edge.clock import now_ms
from edge.enrol import names
from models.content import factory

ENROLLED = "enrolment"
"""The folder beside that of content where the box keeps what it was given with its enrolment."""


def root_path(folder: Path) -> Path:
    """The group's root as an engineer brought it."""
    return folder / names.ROOT


def root_of(folder: Path) -> bytes | None:
    """The root that the box was given in person: by an engineer, else with its enrolment."""
    enrolled = folder.parent / ENROLLED / names.CURRENT / names.ROOT
    for path in (root_path(folder), enrolled):
        if path.is_file():
            return path.read_bytes()
    return None


def trust_of(folder: Path, wall: Callable[[], int] = now_ms) -> Trust:
    """The group's trust, from ``folder``. Without a root nothing is believed."""
    return Trust(folder / "trust", root_of(folder), wall=wall, built=built())


@cache
def factory_list() -> Callable[[str, int], Target]:
    """What ships, as it was signed when the program was made. Raises OSError, Untrusted: the installation is
    damaged."""
    return factory_check(*factory.metadata())


@cache
def built() -> int:
    """When the program was made: when its factory set was signed (UTC milliseconds); 0 where nothing says so."""
    try:
        signed = json.loads(factory.metadata()[1])["signed"]
        return int(signed.get(ISSUED, 0))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return 0
