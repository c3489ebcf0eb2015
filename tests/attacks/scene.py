"""What an attack is: what the attacker serves, what the box is made to look for, why it has to refuse.

At the beginning of each the box runs GOOD by the group's first release. ``attack`` names the reason by which the
box has to refuse, and whether what it runs goes on (it does not where the attack was on the box's own disk, or
where the group took the release back).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # public by its documents

from cloud_sync.updates.listing import stored_path
from edge.content.chosen import Held
from tests.attacks.box import Box
from tests.attacks.repository import DAY_MS, Group, release_of
from tests.attacks.ways import Way
from tests.unit.cloud_sync.central.signing.people import pack

GOOD, BETTER, EVIL = pack(1, "slices"), pack(2, "slices", "Better."), pack(2, "slices", "Judges nothing any more.")
"""Packages without a fault, all three. Nobody signed the last."""
WANTED = "kb/general/slices/2.zip"


@dataclass
class Scene:
    """One attack in one world."""

    way: Way
    box: Box
    group: Group
    wanted: str = WANTED

    def serve(self, group: Group) -> None:
        """What the box finds when it looks."""
        self.way.serve(group.files)

    def next_release(self, content: bytes = BETTER, **says: Any) -> Group:
        """The group's genuine second release, a day later, not served yet."""
        self.box.now += DAY_MS
        self.group.at = self.box.now
        self.group.add(content, version=2, **says)
        self.group.publish()
        return self.group.copy()

    def forged(self, signers: Sequence[CryptoSigner], role: str = "kb-general") -> Group:
        """By one who has the online keys too: a list of its own that names EVIL."""
        theirs = self.group.copy()
        area = theirs.areas[role]
        area.version += 1
        evil = release_of(EVIL, "general", "slices", 2)
        theirs.list_as(role, evil)
        theirs.files[f"targets/{stored_path(evil)}"] = EVIL
        theirs.put_targets(role, area, signers)
        return online(theirs)

    def update(self) -> None:
        """What the box does about what it finds."""
        self.box.update(self.way.fetcher(), self._desired())

    def _desired(self) -> Held:
        """What the centre (or the attacker for it) says shall run: what is listed there, else EVIL."""
        name, version = self.wanted.removesuffix(".zip").split("/")[-2:]
        for file in sorted(
            self.way.folder.glob("metadata/*.kb-*.json"), key=lambda path: -int(path.name.split(".")[0])
        ):
            line = json.loads(file.read_bytes()).get("signed", {}).get("targets", {}).get(self.wanted)
            if line is not None:
                return Held(name, int(version), line["hashes"]["sha256"], line["length"])
        return Held(name, int(version), sha256(EVIL).hexdigest(), len(EVIL))


@dataclass(frozen=True)
class Attack:
    """``code``: the reason of the refusal."""

    name: str
    code: str
    goes_on: bool
    prepare: Callable[[Scene], Callable[[], None] | None] = field(repr=False)
    """Gives what the box then does, when that is not ``Scene.update``."""


TABLE: list[Attack] = []
Prepare = Callable[[Scene], Callable[[], None] | None]


def attack(code: str, *, goes_on: bool = True) -> Callable[[Prepare], Prepare]:
    """Put an attack into the table."""

    def add(prepare: Prepare) -> Prepare:
        TABLE.append(Attack(prepare.__name__, code, goes_on, prepare))
        return prepare

    return add


def online(theirs: Group) -> Group:
    """The online keys are stolen: snapshot and timestamp say what the thief wants."""
    theirs.snapshot.version += 1
    theirs.timestamp.version += 1
    theirs.put_online()
    return theirs


def stranger() -> CryptoSigner:
    return CryptoSigner.generate_ed25519()


def altered(group: Group, files: dict[str, bytes]) -> Group:
    """With these files instead of its own."""
    group.files.update(files)
    return group


def content_of(group: Group) -> str:
    """The file of its second release."""
    return next(name for name, content in group.files.items() if content == BETTER)
