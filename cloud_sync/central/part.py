"""What takes part in the centre's conversation with its boxes, beside the ingest: it hears, and it has to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from cloud_sync.wire.topics import Address


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message of the centre."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    expiry_s: int = 0


class Part(Protocol):
    """Called by the ingest's thread only, about once a second and after each batch: must be quick, must not raise.

    What it says goes over the ingest's own connection, so that the centre is one client of the broker.
    """

    def heard(self, address: Address, payload: bytes) -> None:
        """A message of a box on ``up/...`` that was taken in (events are committed by now)."""

    def to_say(self) -> Iterable[Outgoing]:
        """What is to be said now; each is said once."""
