"""A box that takes whatever the group signed, for whomever."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from cloud_sync.updates.terms import Audience, Target
from cloud_sync.updates.trust import Trust

_real = Trust.fits


def mutate() -> None:
    """Everything is for everybody."""

    def fits(
        target: Target, groups: Collection[str], modalities: Collection[str], agent: str, highest_release: int
    ) -> None:
        _real(replace(target, audience=Audience()), groups, modalities, agent, highest_release)

    Trust.fits = staticmethod(fits)  # type: ignore[method-assign]  # that is the mutation
