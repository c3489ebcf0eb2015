"""Rollouts as rows: nothing of one is kept in memory, so that the centre may end at any moment.

Times are UTC milliseconds of the centre, unless said otherwise. Lists and plans are JSON.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint

from cloud_sync.central.columns import Id, numbers, texts
from cloud_sync.central.schema import metadata

rollout = Table(
    "rollout",
    metadata,
    Column("id", Id, primary_key=True),
    *texts("name"),
    *numbers("version", "release"),
    *texts("sha256", "target", "plan", "state"),
    Column("wave", Integer, nullable=False),
    Column("pause_after", Integer, nullable=False, server_default="0"),
    *numbers("watched_from"),
    *texts("reason", empty=True),
    *texts("started_by"),
    *numbers("started_at"),
    Column("ended_at", BigInteger),
    Index("rollout_name", "name", "release"),
)
"""``wave``: the one that runs. ``reason``: why it stands as it stands (``terms.Reason``).

``pause_after``: a person wants to look after this wave. ``watched_from``: signals before it were accepted.
"""

wave = Table(
    "rollout_wave",
    metadata,
    Column("rollout", Id, ForeignKey("rollout.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started_at", BigInteger),
    Column("held_at", BigInteger),
    Column("ended_at", BigInteger),
    UniqueConstraint("rollout", "number"),
)
"""``held_at``: since when enough boxes have reported success; the soak counts from there."""

member = Table(
    "rollout_member",
    metadata,
    Column("rollout", Id, ForeignKey("rollout.id"), nullable=False),
    *texts("box"),
    Column("wave", Integer, nullable=False),
    Column("accepted", Integer, nullable=False, server_default="0"),
    UniqueConstraint("rollout", "box"),
    Index("rollout_member_box", "box"),
)
"""Who comes when: written once, when the rollout starts. ``accepted``: its failure was seen by who resumed."""

step = Table(
    "rollout_step",
    metadata,
    Column("id", Id, primary_key=True),
    Column("rollout", Id, ForeignKey("rollout.id"), nullable=False),
    *numbers("at"),
    *texts("who", "deed"),
    *texts("why", "reason", empty=True),
    Index("rollout_step_of", "rollout"),
)
"""What was done to a rollout, by a person (``why`` in their words) or by the centre itself (``reason``)."""

content_state = Table(
    "content_state",
    metadata,
    *texts("box", "sha256", "name"),
    *numbers("version"),
    *texts("rollout", "state", "error_code", "error_detail", "rollback_code", "rollback_detail"),
    Column("active_at", BigInteger),
    *numbers("at", "heard_at"),
    *texts("stream"),
    *numbers("seq"),
    UniqueConstraint("box", "sha256"),
    Index("content_state_sha", "sha256"),
)
"""How far each release has come on each box, by its newest event. ``at`` and ``active_at`` are the box's clock.

A row of another stream than the box's present one is of a disk that is gone.
"""

declined = Table(
    "content_declined",
    metadata,
    *texts("box", "sha256"),
    Column("times", Integer, nullable=False),
    *numbers("at"),
    *texts("as_it_was"),
    UniqueConstraint("box", "sha256"),
)
"""How often each box has said that a release is not for it, when last, and what it was then (``declining``)."""

born = Table(
    "box_born",
    metadata,
    Column("box", Text, primary_key=True),
    *texts("stream"),
    *numbers("at"),
)
"""When a box last came, and with which stream."""

stale = Table(
    "box_stale",
    metadata,
    Column("box", Text, primary_key=True),
    *texts("code"),
    *numbers("since"),
)
"""Boxes that cannot activate what is newly signed: why, by their own words, and since when the centre knows."""

content_runs = Table(
    "content_runs",
    metadata,
    *texts("box", "name"),
    Column("version", BigInteger),
    Column("sha256", Text),
    *texts("stream"),
    *numbers("seq"),
    UniqueConstraint("box", "name"),
)
"""What judges on each box, by its birth and its events since. No ``sha256``: what shipped with the program."""

override = Table(
    "site_override",
    metadata,
    *texts("box", "override", "layer", "subject", "rule", "limits"),
    Column("enabled", Integer),
    Column("severity", Text),
    *texts("role"),
    *numbers("at"),
    Column("removed", Integer, nullable=False),
    *texts("stream"),
    *numbers("seq"),
    UniqueConstraint("box", "override"),
    Index("site_override_rule", "rule"),
)
"""What sites changed for themselves, within the bounds of the rules. ``at`` is the box's clock."""

decision = Table(
    "decision",
    metadata,
    Column("event_id", Id, ForeignKey("event.id"), primary_key=True),
    *texts("box", "stream"),
    Column("result_seq", BigInteger),
    *texts("action"),
    Column("undone", Integer, nullable=False),
    Index("decision_of", "box", "stream", "result_seq"),
)
"""What people decided about images, and took back: repeats are a signal."""

machine = Table(
    "box_machine",
    metadata,
    *texts("box", "modality", "manufacturer"),
    UniqueConstraint("box", "modality", "manufacturer"),
)
"""What each box has judged images of."""

group = Table(
    "box_group",
    metadata,
    *texts("box", "name"),
    UniqueConstraint("box", "name"),
)
"""Groups that the QC group has put a box into: what signed content may be meant for."""

desired = Table(
    "desired",
    metadata,
    Column("box", Text, primary_key=True),
    *numbers("rev"),
    *texts("kb", "groups"),
    *numbers("turn"),
    Index("desired_turn", "turn"),
)
"""What each box shall run: the words of ``dn/desired``. ``turn`` counts over all boxes: what is new to say."""
