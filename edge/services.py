"""What the parts of the agent share: made once at start, passed down, never global."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from edge.metrics import Metrics
from edge.overrides.in_force import Rulebook
from edge.pipeline.announce import Announcer
from edge.pipeline.report import Reporter
from edge.pipeline.worklist import Worklist
from edge.settings import Settings
from edge.store.blobs import Blobs
from edge.store.database import Database
from edge.store.outbox import Outbox

LinkState = Literal["off", "connecting", "connected", "lost"]
"""``off``: no centre is configured. How much waits is in ``outbox.status(now)``."""


@dataclass(frozen=True, slots=True)
class Services:
    """The console's view of the agent."""

    db: Database
    blobs: Blobs
    settings: Settings
    announcer: Announcer
    outbox: Outbox
    reporter: Reporter
    metrics: Metrics
    worklist: Worklist
    rulebook: Rulebook
    link_status: Callable[[], LinkState]
