"""Operating points of radiograph-view, chosen on ``tune`` and shipped in its bundle: ``configs/limits.json``."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models.anatomy.gate import GateLimits
from models.anatomy.lung_shape import FEATURES, ShapePrior

FILE = "configs/limits.json"
Probability = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Band(_Part):
    """A probability is said at or below ``agrees`` and above ``differs``; between them nothing is."""

    agrees: Probability
    differs: Probability


class ViewLimits(_Part):
    """When the network's word is a fact."""

    chest: Probability
    """Least probability of a chest film for ``pixels.body_part``."""
    projection: Probability
    """PA or AP is said above it; at 1 never."""
    lateral: Probability
    """A lateral is said above it."""
    child: Band
    inverted: Band
    orientation: Band
    mirrored: Band
    """As ``orientation``, for a film that is only mirrored."""
    other_view: Band
    """A lateral taken for a frontal film or the reverse, or another body part."""


class ShapeNumbers(_Part):
    """The fitted distribution."""

    features: tuple[str, ...]
    mean: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    masks: Annotated[int, Field(gt=0)]
    """It was fitted on so many."""


class GateNumbers(_Part):
    """:class:`models.anatomy.gate.GateLimits`, as they are stored."""

    frontal: Probability
    upright: Probability
    inverted: Probability
    white_lung: Probability
    agreement: Probability
    certainty: Probability
    contrast: Probability
    distance: Annotated[float, Field(gt=0)]
    shape: ShapeNumbers

    def limits(self) -> GateLimits:
        """Raises ValueError when it was fitted on other features than these."""
        if self.shape.features != FEATURES:
            raise ValueError("the shape prior was fitted on other features")
        prior = ShapePrior(np.asarray(self.shape.mean), np.asarray(self.shape.precision))
        return GateLimits(**self.model_dump(exclude={"shape"}), shape=prior)


class Limits(_Part):
    """The whole file."""

    view: ViewLimits
    gate: GateNumbers


def read_limits(text: bytes) -> Limits:
    """Raises pydantic.ValidationError."""
    return Limits.model_validate_json(text)
