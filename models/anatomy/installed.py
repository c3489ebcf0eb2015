"""The networks that the anatomy producers ask, each None where a library has it not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from capture.errors import Misuse
from capture.text import Bilingual
from models.anatomy import film, foreign_object, limits, view
from models.anatomy.limits import Limits
from models.bundles.bundle import Bundle
from models.producer import Network, Networks


@dataclass(frozen=True, slots=True)
class Looker:
    """The bundle ``radiograph-view`` with the limits that it ships."""

    bundle: Bundle
    limits: Limits

    def run(self, inputs: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
        return self.bundle.run(inputs)


def anatomy(networks: Networks) -> Network | None:
    found: Bundle | None = networks.get(film.BUNDLE)
    return found


def objects(networks: Networks) -> Network | None:
    found: Bundle | None = networks.get(foreign_object.BUNDLE)
    return found


def looker(networks: Networks) -> Looker | None:
    """Raises Misuse when the bundle's limits are not as they must be."""
    bundle: Bundle | None = networks.get(view.BUNDLE)
    if bundle is None:
        return None
    try:
        chosen = limits.read_limits(bundle.configs.get(limits.FILE, b""))
        chosen.gate.limits()
    except ValueError:
        raise Misuse(
            "bundle.limits",
            Bilingual(f"{bundle.name}：{limits.FILE} 不可用", f"{bundle.name}: {limits.FILE} cannot be used"),
            Bilingual("换用另一版本", "Use another version"),
        ) from None
    return Looker(bundle, chosen)
