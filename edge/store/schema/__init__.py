"""The appliance's tables, all of them: whoever imports ``metadata`` from here has seen every one."""

from edge.store.schema.base import metadata
from edge.store.schema.baselines import baseline, baseline_group, baseline_seed, baseline_value
from edge.store.schema.cases import acquisition, case, device, exam, meta
from edge.store.schema.outbox import outbox
from edge.store.schema.people import account, audit, session
from edge.store.schema.screens import confirmed_field
from edge.store.schema.sets import announced, image_set, performed_step, set_member
from edge.store.schema.verdicts import alert, decision, facts, finding, verdict

__all__ = [
    "account",
    "acquisition",
    "alert",
    "announced",
    "audit",
    "baseline",
    "baseline_group",
    "baseline_seed",
    "baseline_value",
    "case",
    "confirmed_field",
    "decision",
    "device",
    "exam",
    "facts",
    "finding",
    "image_set",
    "meta",
    "metadata",
    "outbox",
    "performed_step",
    "session",
    "set_member",
    "verdict",
]
