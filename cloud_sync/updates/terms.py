"""What a signed target says of itself, and why something is not believed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["pack", "bundle", "protocol", "template", "drl"]
"""A rule pack, a network, a protocol (a pack that was learnt), a screen template, a table of dose reference
levels (a pack that only sets limits)."""

Area = Literal["general", "radiography", "ct", "mr", "screen"]
"""Who answers for it: each area is a delegated role ``kb-<area>`` of its own, with its own people and keys."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom a release is for. Empty: everybody."""

    groups: tuple[str, ...] = ()
    modalities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """One release as the trusted metadata lists it: ``kb/<area>/<name>/<version>.zip``."""

    path: str
    sha256: str
    length: int
    name: str
    kind: Kind
    version: int
    release: int
    """Counts up over all releases of one name (Uptane's release counter): a box never goes back."""
    audience: Audience = Audience()
    min_agent: str = ""
    """Oldest program version that understands it."""


class Untrusted(Exception):
    """Content, or metadata, that is not believed. ``code`` is stable; ``detail`` quotes no content."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail

    def __reduce__(self) -> tuple[type[Untrusted], tuple[str, str]]:
        return type(self), (self.code, self.detail)
