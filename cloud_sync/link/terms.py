"""What a connection to the broker asks for, is allowed, and brings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class Lost(Exception):
    """There is no connection (any more). ``code`` says why, in words of MQTT 5 with underscores."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says, retained, once we are gone for ``delay_s``."""

    topic: str
    payload: bytes
    delay_s: int


@dataclass(frozen=True, slots=True)
class Session:
    """How we introduce ourselves. ``expiry_s``: how long the broker keeps our session after a loss."""

    client_id: str
    clean: bool
    expiry_s: int
    receive_maximum: int
    will: Will


@dataclass(frozen=True, slots=True)
class Terms:
    """What the broker allows: unconfirmed messages at once, and bytes in one packet."""

    receive_maximum: int
    max_packet: int


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message to us. It stays the broker's until ``confirm``."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    retained: bool
    """Said before we came, and kept by the broker."""
    user: Mapping[str, str]
    """MQTT 5 user properties."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What one ``poll`` brought: messages, and PUBACKs as (message id, reason code)."""

    arrived: Sequence[Arrived]
    taken: Sequence[tuple[int, int]]
