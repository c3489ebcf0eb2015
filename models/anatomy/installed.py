"""The networks of this release that the anatomy producers ask, each None where its bundle is not installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from models.anatomy import film, foreign_object, limits, view
from models.anatomy.film import Network
from models.anatomy.limits import Limits
from models.bundles.bundle import Bundle
from models.bundles.library import library


def anatomy() -> Network | None:
    return library().get(film.BUNDLE)


def objects() -> Network | None:
    return library().get(foreign_object.BUNDLE)


@dataclass(frozen=True, slots=True)
class Looker:
    """The bundle ``radiograph-view`` with the limits that it ships."""

    bundle: Bundle
    limits: Limits

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        return self.bundle.run(inputs)


@cache
def looker() -> Looker | None:
    """Raises pydantic.ValidationError when the bundle's limits are not as they must be."""
    bundle = library().get(view.BUNDLE)
    if bundle is None:
        return None
    return Looker(bundle, limits.read_limits(bundle.files.read(limits.FILE)))
