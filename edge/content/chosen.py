"""Chosen: which packages shall judge. A small value that goes to every worker; the bytes stay on the disk.

Nothing in it is believed: whoever loads it hashes the bytes and asks the signed metadata (``loading``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.content.overrides import SiteOverrides


@dataclass(frozen=True, slots=True)
class Held:
    """One package on the disk of this box."""

    name: str
    version: int
    sha256: str
    length: int
    as_of: int | None = None
    """When it was activated (UTC milliseconds, :meth:`cloud_sync.updates.trust.Trust.now` of then); None: it is on
    trial, and has to be listed by metadata that have not run out."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What stands under one name. Both None: what ships with the program, if anything does."""

    name: str
    active: Held | None
    previous: Held | None = None
    proven: bool = True
    """False: in probation."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What shall judge: the factory set, with the slots in place of what has their names."""

    folder: Path | None = None
    """Where packages and trusted metadata are; None: nothing but the factory set."""
    slots: tuple[Slot, ...] = ()
    trial: tuple[Held, ...] = ()
    """Judge beside; stored, shown to nobody."""
    overrides: tuple[SiteOverrides, ...] = ()
    """The site's own changes of rules."""

    @property
    def is_steady(self) -> bool:
        """Whether nothing is on trial or in probation."""
        return not self.trial and all(slot.proven for slot in self.slots)

    @property
    def settled(self) -> Chosen:
        """The same content, whatever has been proven since: what workers load is the same for both."""
        return replace(self, slots=tuple(replace(slot, proven=True) for slot in self.slots))

    def steady(self) -> Chosen:
        """What judged before anything that is not proven: what an image falls to that costs a worker its life."""
        slots = tuple(slot if slot.proven else Slot(slot.name, slot.previous) for slot in self.slots)
        return replace(self, slots=slots, trial=())

    def doubted(self) -> Chosen | None:
        """The same content, its newest release not taken for proven any more: some faults show themselves when the
        first image comes that has them. None: there is none, or some are on trial anyway."""
        filled = [slot for slot in self.slots if slot.active is not None]
        if not filled or not self.is_steady:
            return None
        newest = max(filled, key=lambda slot: slot.active.as_of or 0 if slot.active else 0)
        return replace(self, slots=tuple(replace(slot, proven=slot is not newest) for slot in self.slots))

    def suspects(self) -> tuple[str, ...]:
        """Hashes of what is on trial or in probation."""
        watched = (slot.active for slot in self.slots if not slot.proven)
        return tuple(one.sha256 for one in (*self.trial, *watched) if one is not None)


FACTORY = Chosen()
"""What ships with the program."""


def package_path(folder: Path, sha256: str) -> Path:
    """Where a package lies: by its hash, written once, never changed."""
    return folder / "kb" / f"{sha256}.zip"
