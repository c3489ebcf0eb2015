"""What each device's numbers usually are."""

from __future__ import annotations

from sqlalchemy import REAL, Column, ForeignKey, Index, Integer, Text, UniqueConstraint

from edge.store.schema.base import table

_ALIKE = ("modality", "body_part", "view", "protocol", "technique", "software", "detector")

baseline_group = table(
    "baseline_group",
    Column("id", Integer, primary_key=True),
    Column("device_id", Integer, ForeignKey("device.id"), nullable=False),
    *(Column(part, Text, nullable=False) for part in _ALIKE),
    Column("first_at", Integer, nullable=False),
    UniqueConstraint("device_id", *_ALIKE),
)
"""What is compared with each other: :class:`models.baseline.Alike`, "" where nothing is said."""

baseline_value = table(
    "baseline_value",
    Column("id", Integer, primary_key=True),
    Column("group_id", Integer, ForeignKey("baseline_group.id"), nullable=False),
    Column("measure", Text, nullable=False),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("value", REAL, nullable=False),
    Column("at", Integer, nullable=False),
    Column("producer", Text, nullable=False, server_default=""),
    UniqueConstraint("case_id", "measure"),
    Index("baseline_value_order", "group_id", "measure", "id"),
)
"""Each accepted number, for ever: the history that the control charts show."""

baseline = table(
    "baseline",
    Column("group_id", Integer, ForeignKey("baseline_group.id"), nullable=False),
    Column("measure", Text, nullable=False),
    Column("after_id", Integer, nullable=False, server_default="0"),
    Column("numbers", Integer, nullable=False),
    Column("median", REAL, nullable=False),
    Column("mad", REAL, nullable=False),
    Column("drift", REAL),
    Column("drifted_at", Integer),
    Column("updated_at", Integer, nullable=False),
    Column("producer", Text, nullable=False, server_default=""),
    UniqueConstraint("group_id", "measure"),
)
"""What the latest ``numbers`` come to. Those up to ``after_id`` were reset; ``drifted_at``: since when.

``producer``: who measures now, with the version; of the others nothing counts.
"""

baseline_seed = table(
    "baseline_seed",
    Column("id", Integer, primary_key=True),
    Column("device_id", Integer, ForeignKey("device.id"), nullable=False),
    *(Column(part, Text, nullable=False) for part in _ALIKE),
    Column("measure", Text, nullable=False),
    Column("numbers", Integer, nullable=False),
    Column("median", REAL, nullable=False),
    Column("mad", REAL, nullable=False),
    Column("source", Text, nullable=False),
    Column("seeded_at", Integer, nullable=False),
    Column("producer", Text, nullable=False, server_default=""),
    Index("baseline_seed_device", "device_id"),
)
"""Given to a device that has not learned yet. "" is anything, but ``software``: the first one that comes."""
