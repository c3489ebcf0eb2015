"""Settings of rollouts."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from cloud_sync.central.rollout.terms import Plan


class RolloutSettings(BaseModel):
    """How releases go to the boxes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    look_s: float = Field(2, gt=0, title="Interval", description="Seconds between two looks at what runs.")
    signals_s: float = Field(
        60, gt=0, title="Signal interval", description="Seconds between two comparisons of alert and repeat rates."
    )
    plan: Plan = Field(Plan(), title="Plan", description="What a new rollout does unless it is told otherwise.")
