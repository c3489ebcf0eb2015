"""The words of a rollout: what is planned, how it stands, why. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from cloud_sync.updates.terms import Target
from cloud_sync.wire.words import ContentState

TARGET: TypeAdapter[Target] = TypeAdapter(Target)
"""A target as JSON and back."""


class RolloutState(StrEnum):
    """How a rollout stands. The last three are ends."""

    RUNNING = "running"
    WAITING = "waiting"
    """The next wave starts when a person says so. Started waves go on."""
    PAUSED = "paused"
    """Something is wrong or a person said so: nobody activates it; who has it active, keeps it."""
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    """A newer release of the same name took its place before it had reached everybody."""


OPEN = (RolloutState.RUNNING, RolloutState.WAITING, RolloutState.PAUSED)
"""Not ended."""


class Failure(StrEnum):
    """What counts as failed in an abort rule."""

    FAILED_VERIFY = "failed_verify"
    FAILED_SELFTEST = "failed_selftest"
    ROLLED_BACK = "rolled_back"
    TIMED_OUT = "timed_out"
    ANY = "any"


class AbortAction(StrEnum):
    """What an abort rule does."""

    PAUSE = "pause"
    CANCEL = "cancel"
    SUPERSEDE = "supersede"
    """Cancel, and ask the QC group for a release that takes its place on boxes that have it active."""


class AbortRule(BaseModel):
    """Stops a rollout when too many of those that reported have failed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    failure: Failure = Field(
        Failure.ANY, title="Failure",
        description="failed_verify, failed_selftest, rolled_back, timed_out or any of them.",
    )  # fmt: skip
    percent: float = Field(
        5, ge=0, lt=100, title="Threshold", description="Per cent of the boxes that reported; more than it stops."
    )
    reports: int = Field(3, ge=1, title="Minimum sample", description="Boxes that must have reported before.")
    action: AbortAction = Field(
        AbortAction.PAUSE, title="Action", description="pause, cancel, or supersede: cancel and ask for a release."
    )


class SignalRule(BaseModel):
    """Pauses a rollout when boxes with the new release alert, or repeat images, far more often than the others."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    images: int = Field(
        50, ge=10, title="Minimum sample", description="Images on each side before the rates are compared."
    )
    ratio: float = Field(1.5, gt=1, title="Jump", description="How many times the other rate counts as a jump.")
    deviations: float = Field(
        3.3, ge=1, title="Significance",
        description="Standard deviations between the rates, by the two-proportion test; 3.3: 1 in 2000 by chance.",
    )  # fmt: skip
    before_days: float = Field(
        7,
        gt=0,
        title="Days before",
        description="A box's own days before the release, which it is compared with too.",
    )


_Percent = Annotated[float, Field(gt=0, le=100)]


class Plan(BaseModel):
    """How a release goes to the boxes. Frozen with the rollout when it starts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    canary_boxes: int = Field(3, ge=1, title="Canary", description="Boxes in the first wave, at least.")
    canary_percent: float = Field(
        1, ge=0, le=100, title="Canary share", description="Per cent of the boxes in the first wave, at least."
    )
    percents: tuple[_Percent, ...] = Field(
        (10, 50, 100), title="Waves",
        description="Per cent of the boxes that have it after each later wave; the last is 100.",
    )  # fmt: skip
    success_percent: float = Field(
        95,
        gt=0,
        le=100,
        title="Success",
        description="Per cent of the boxes that reported which must have kept it.",
    )
    reports: int = Field(
        3,
        ge=1,
        title="Minimum reports",
        description="Boxes of a wave that must have reported, or all if it has fewer.",
    )
    reports_percent: float = Field(
        60,
        ge=0,
        le=100,
        title="Share of reports",
        description="Per cent of a wave's online boxes that must have reported.",
    )
    soak_s: float = Field(
        86400, ge=0, title="Soak", description="Seconds between a wave's success and the next wave."
    )
    timeout_s: float = Field(
        86400,
        gt=0,
        title="Patience",
        description="Seconds after which an online box without a report counts as failed.",
    )
    ask_again_s: float = Field(
        3600,
        gt=0,
        title="Ask again",
        description="Seconds after which a box that declined is asked again; doubled every time, a week at most.",
    )
    pause_after: tuple[int, ...] = Field(
        (), title="Stops", description="Waves (0: canary) after whose success a person must say go on."
    )
    abort: tuple[AbortRule, ...] = Field((AbortRule(),), title="Abort", description="When to stop.")
    signals: SignalRule | None = Field(SignalRule(), title="Signals", description="When to distrust; none: never.")
    shadow_images: int = Field(
        0, ge=0, title="Shadow", description="Verdicts that a box collects beside its active content first."
    )
    probation_images: int = Field(50, ge=0, title="Probation", description="Images that a box watches it for.")
    probation_s: int = Field(
        1800,
        ge=0,
        title="Probation time",
        description="Seconds after which probation ends even with fewer images.",
    )

    @field_validator("percents")
    @classmethod
    def _climbs(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or value[-1] != 100 or any(a >= b for a, b in pairwise(value)):
            raise ValueError("must climb to 100")
        return value


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rollout stands as it stands. ``code`` is stable; ``figures`` are what was counted."""

    code: str
    figures: tuple[tuple[str, int | float | str], ...] = ()

    @property
    def values(self) -> dict[str, int | float | str]:
        return dict(self.figures)


REASON: TypeAdapter[Reason] = TypeAdapter(Reason)
"""A reason as JSON and back."""

KEPT = frozenset({ContentState.COMMITTED, ContentState.SUPERSEDED})
"""The box has kept the release, or had when the next one came."""
ACTIVE = frozenset({ContentState.PROBATION, ContentState.COMMITTED})
"""The release judges on the box."""
FAILED = {
    ContentState.FAILED_VERIFY: Failure.FAILED_VERIFY,
    ContentState.FAILED_SELFTEST: Failure.FAILED_SELFTEST,
    ContentState.ROLLED_BACK: Failure.ROLLED_BACK,
}
"""The box tried it and does not run it."""
