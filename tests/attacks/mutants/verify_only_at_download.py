"""A box that never looks again at what it once brought in."""

from __future__ import annotations

from cloud_sync.updates.terms import Target
from cloud_sync.updates.trust import Trust

_real = Trust.check


def mutate() -> None:
    """What was activated once is believed at every start."""

    def check(self: Trust, sha256: str, length: int, as_of: int | None = None) -> Target:
        if as_of is None:
            return _real(self, sha256, length, None)
        return Target("", sha256, length, "", "pack", 1, 1)

    Trust.check = check  # type: ignore[method-assign]  # that is the mutation
