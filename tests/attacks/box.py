"""A box as far as content goes, by the appliance's own steps: staged, verified, and loaded at each start."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.terms import Untrusted
from cloud_sync.updates.trust import Trust
from edge.content.chosen import Held, package_path
from edge.content.fetching import Meant, Unfetched, stage, verify
from edge.content.loading import Refused, read
from edge.store.content import Release


@dataclass
class Box:
    """``now`` is its clock (UTC ms); ``run`` names every content that it ever let judge, by hash."""

    folder: Path
    root: bytes
    now: int
    built: int = 0
    meant: Meant = field(default_factory=lambda: Meant(("north",), ("CT",), "0.6.0"))
    highest: int = 0
    active: Held | None = None
    run: list[str] = field(default_factory=list)

    def trust(self) -> Trust:
        """As a new process has it."""
        return Trust(self.folder / "trust", self.root, wall=lambda: self.now, built=self.built)

    def update(self, fetcher: Fetcher, wanted: Held) -> None:
        """Bring in what the centre says shall run, and let it judge. Raises Untrusted."""
        # Of the row of an assignment only what names the release is looked at here.
        trust, release = self.trust(), cast(Release, wanted)
        try:
            stage(trust, [fetcher], self.folder, release, self.meant, self.highest)
            _, target = verify(trust, self.folder, release, self.meant, self.highest)
        except Unfetched as error:
            raise Untrusted(error.code.removeprefix("trust."), error.detail) from error
        self.active, self.highest = replace(wanted, as_of=trust.now()), target.release
        self.start()

    def start(self) -> None:
        """A process starts: what is active is checked again and judges. Raises Untrusted."""
        assert self.active is not None
        try:
            package, _ = read(self.folder, self.active, self.trust().check)
        except Refused as error:
            raise Untrusted(error.code.removeprefix("trust."), error.detail) from error
        self.run.append(package.sha256)

    def file(self) -> Path:
        """Where it keeps what is active."""
        assert self.active is not None
        return package_path(self.folder, self.active.sha256)
