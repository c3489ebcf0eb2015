"""A rollout whose failure rate is failed over assigned, as hawkBit has it."""

from __future__ import annotations

from cloud_sync.central.rollout import plan
from cloud_sync.central.rollout.plan import Tally
from cloud_sync.central.rollout.terms import Failure


def failure_rate(counted: Tally, failure: Failure) -> float:
    """Wrong on purpose: who is offline makes it look better."""
    return 100 * counted.failed / counted.members if counted.members else 0.0


def mutate() -> None:
    """Put it in place of the right one."""
    plan.failure_rate = failure_rate
