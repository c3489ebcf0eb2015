"""The appliance's tables, all of them: whoever imports ``metadata`` from here has seen every one."""

from edge.store.schema.base import metadata
from edge.store.schema.baselines import baseline, baseline_group, baseline_seed, baseline_value
from edge.store.schema.cases import acquisition, case, device, exam, meta
from edge.store.schema.content import content_fault, content_release, content_slot, content_step
from edge.store.schema.forward import commitment, forward, relayed_step
from edge.store.schema.outbox import outbox
from edge.store.schema.overrides import site_override
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
    "commitment",
    "confirmed_field",
    "content_fault",
    "content_release",
    "content_slot",
    "content_step",
    "decision",
    "device",
    "exam",
    "facts",
    "finding",
    "forward",
    "image_set",
    "meta",
    "metadata",
    "outbox",
    "performed_step",
    "relayed_step",
    "session",
    "set_member",
    "site_override",
    "verdict",
]
