"""One case in a worker whose content has not proved itself: it may use less processor time.

Time of the processor, not of the clock: a busy box is slow with every release, and this one is not to blame.
What waits without working ends at the time limit of every case.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from cloud_sync.kit.confined import allow
from edge.pipeline.loaded import content_of
from edge.pipeline.set_job import SetJob
from edge.pipeline.work import Group, Job

J = TypeVar("J", Job, SetJob, Group)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trial(Generic[J, T]):
    """What to do, with what, and how long."""

    work: Callable[[J], T]
    job: J
    cpu_s: float | None
    """Seconds of processor time after which the worker ends; None: any."""


def run_trial(trial: Trial[J, T]) -> tuple[T, float]:
    """What the work came to, and the seconds of processor time that it took once the content was loaded."""
    content_of(trial.job.content)
    began = time.process_time()
    allow(trial.cpu_s or 0)
    try:
        outcome = trial.work(trial.job)
    finally:
        allow(0)
    return outcome, time.process_time() - began
