"""What devices say beside their images, taken from the spool: it moves the time at which a set is due."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import Connection

from capture.arrival import Arrival
from capture.dicom.told import Commitment, Step, read_commitment, read_step
from capture.errors import SetAside
from edge.settings import SetSettings
from edge.store import evidence, sets
from edge.store.set_due import Quiet
from edge.store.sets import Visit

log = structlog.get_logger()

KINDS = frozenset({"release", "mpps", "commitment", "committed"})
"""``kind`` of arrivals that are not images."""
_LONGEST = 64 << 20
"""Bytes. A step of 100,000 images has a tenth of it."""


@dataclass(frozen=True, slots=True)
class Release:
    """An association was released."""

    association: str
    at: int


Told = Release | Step | Commitment


def hear(path: Path, arrival: Arrival) -> Told | None:
    """Read it. None: it cannot be understood, which is no reason to stop; then other evidence must do."""
    if arrival.kind == "release":
        return Release(arrival.association, arrival.received_at)
    if arrival.kind == "committed":  # by an archive: it says nothing of a set
        return None
    try:
        if arrival.size > _LONGEST:
            raise ValueError
        told = read_step(path) if arrival.kind == "mpps" else read_commitment(path)
    except (SetAside, FileNotFoundError, ValueError):
        log.warning("device.not_understood", calling_ae=arrival.calling_ae, peer=arrival.peer)
        return None
    log.info("device.told", calling_ae=arrival.calling_ae, peer=arrival.peer)
    return told


def quiet_of(settings: SetSettings) -> Quiet:
    """The quiet times in milliseconds."""
    devices = {calling_ae: round(seconds * 1000) for calling_ae, seconds in settings.devices.items()}
    return Quiet(round(settings.quiet_s * 1000), round(settings.study_quiet_s * 1000), devices)


def take_note(connection: Connection, told: Told | None, quiet: Quiet, now: int) -> None:
    """Keep it, and work out anew when the sets that it speaks of are due."""
    match told:
        case Release():
            evidence.release(connection, told.association, told.at)
            spoken_of = sets.of_association(connection, told.association)
        case Step():
            spoken_of = evidence.note_step(connection, told, now)
        case Commitment():
            spoken_of = evidence.note_commitment(connection, told, now)
        case None:
            return
    Visit(connection, quiet, now).rethink(spoken_of)
