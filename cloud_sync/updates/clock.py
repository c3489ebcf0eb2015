"""What time it is at least. A clock that is set back must not bring expired metadata to life."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from cloud_sync.updates.disk import write_whole


@dataclass(frozen=True, slots=True)
class Signed:
    """The newest signing time that was seen, and whose: the timestamp role's keys under a version of the root."""

    issued: int
    root: int
    keys: frozenset[str]


class Floor:
    """The latest of the system's clock, the program's build and the newest signed time ever seen (UTC ms).

    Only signed times are kept: a clock that once stood far in the future leaves nothing behind. A signed time
    is kept for as long as its signer is trusted: when a newer root takes the online key away, because it was
    stolen and signed a time in the far future, that time goes with it (TUF's fast-forward recovery).
    """

    def __init__(self, path: Path, wall: Callable[[], int], built: int) -> None:
        """``path``: the file that keeps it, apart from the metadata; ``wall`` and ``built``: UTC milliseconds."""
        self._path, self._wall, self._built = path, wall, built

    def now(self, root: int, keys: Collection[str]) -> int:
        """The time for everything that expires, under the newest root known and its keys for the timestamp."""
        return max(self._wall(), self.least(root, keys))

    def least(self, root: int, keys: Collection[str]) -> int:
        """The floor alone."""
        seen = self._believed(root, keys)
        return max(self._built, seen.issued if seen else 0)

    def saw(self, issued: int, root: int, keys: Collection[str]) -> None:
        """A timestamp was verified under this root. On disk on return."""
        seen = self._believed(root, keys)
        new = Signed(max(issued, seen.issued if seen else 0), root, frozenset(keys))
        if new != seen:
            text = json.dumps({"issued": new.issued, "root": new.root, "keys": sorted(new.keys)})
            write_whole(self._path, text.encode())

    def _believed(self, root: int, keys: Collection[str]) -> Signed | None:
        seen = self._read()
        taken_away = seen is not None and root > seen.root and seen.keys.isdisjoint(keys)
        return None if taken_away else seen

    def _read(self) -> Signed | None:
        try:
            read = json.loads(self._path.read_bytes())
            return Signed(int(read["issued"]), int(read["root"]), frozenset(map(str, read["keys"])))
        except (OSError, ValueError, KeyError, TypeError):
            return None
