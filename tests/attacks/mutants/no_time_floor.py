"""A box that believes its clock alone."""

from __future__ import annotations

from collections.abc import Collection

from cloud_sync.updates.clock import Floor


def mutate() -> None:
    """No signed time and no build count."""

    def least(self: Floor, root: int, keys: Collection[str]) -> int:
        return 0

    Floor.least = least  # type: ignore[method-assign]  # that is the mutation
