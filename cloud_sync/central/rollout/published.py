"""What the repository lists, for who must know whether a release is still meant."""

from __future__ import annotations

from pathlib import Path

from capture.errors import Misuse
from cloud_sync.central.signing.repository import Repository


class Published:
    """Asked again and again; reads the lists when others are in force."""

    def __init__(self, repository: Path) -> None:
        self._repository = Repository(repository)
        self._state = b""
        self._listed: frozenset[str] = frozenset()

    def __call__(self) -> frozenset[str] | None:
        """SHA-256 of every release that boxes may run; None where there is no repository, or it cannot be read
        now."""
        try:
            state = self._repository.store.state()
            if state != self._state:
                self._listed = frozenset(one.sha256 for one in self._repository.listed())
                self._state = state
        except (Misuse, OSError):
            return None
        return self._listed
