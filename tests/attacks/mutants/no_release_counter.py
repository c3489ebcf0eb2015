"""A box that goes back to old content when it comes as a new version."""

from __future__ import annotations

from collections.abc import Collection

from cloud_sync.updates.terms import Target
from cloud_sync.updates.trust import Trust

_real = Trust.fits


def mutate() -> None:
    """Nothing was ever active here."""

    def fits(
        target: Target, groups: Collection[str], modalities: Collection[str], agent: str, highest_release: int
    ) -> None:
        _real(target, groups, modalities, agent, 0)

    Trust.fits = staticmethod(fits)  # type: ignore[method-assign]  # that is the mutation
