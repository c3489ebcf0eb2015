"""Series and studies, and what devices say of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text, UniqueConstraint

from edge.store.schema.base import table

image_set = table(
    "image_set",
    Column("id", Integer, primary_key=True),
    Column("level", Text, nullable=False),
    Column("uid", Text, nullable=False),
    Column("exam_id", Integer, ForeignKey("exam.id")),
    Column("device_id", Integer, ForeignKey("device.id")),
    Column("case_id", Text, ForeignKey("case_.id"), unique=True),
    Column("calling_ae", Text, nullable=False),
    Column("opened_at", Integer, nullable=False),
    Column("last_image_at", Integer, nullable=False),
    Column("changes", Integer, nullable=False, server_default="0"),
    Column("because", Text),
    Column("misled_by", Text),
    CheckConstraint("level in ('series','study')", name="known_level"),
    UniqueConstraint("level", "uid"),
    Index("image_set_exam", "exam_id"),
    Index("image_set_device", "device_id"),
)
"""A series or study: ``uid`` is its SeriesInstanceUID or StudyInstanceUID.

``case_id``: the case of its verdict; None while there is nothing to judge (a localizer, a dose report).
``changes`` counts what came: a verdict is of one state of the set. ``because``: what said that it is whole.
``misled_by``: what said so before, and was wrong: an image came later.
"""

set_member = table(
    "set_member",
    Column("case_id", Text, ForeignKey("case_.id"), primary_key=True),
    Column("set_id", Integer, ForeignKey("image_set.id"), nullable=False),
    Column("excluded", Text),
    Column("record_sha256", Text),
    Column("frames", Integer, nullable=False),
    Column("expected", Integer),
    Column("time", Integer),
    Column("times", Integer),
    Column("dose_report", Text),
    Index("set_member_set", "set_id"),
    Index("set_member_record", "record_sha256"),
)
"""An image of a series; a study has those of its series. ``record_sha256``: the file with what was kept of it,
None when there is none. ``excluded``: why it does not count for a verdict on its series. ``expected``: the images
that the header says were to come. ``time``, ``times``: which it is of how many times of a dynamic series.
``dose_report``: JSON, from a report."""

performed_step = table(
    "performed_step",
    Column("uid", Text, primary_key=True),
    Column("study_uid", Text),
    Column("state", Text, nullable=False),
    Column("updated_at", Integer, nullable=False),
    CheckConstraint("state in ('in_progress','completed','discontinued')", name="known_step"),
    Index("performed_step_study", "study_uid"),
)
"""What a device says of its work by MPPS (PS3.4 F.7)."""

announced = table(
    "announced",
    Column("id", Integer, primary_key=True),
    Column("evidence", Text, nullable=False),
    Column("source_uid", Text, nullable=False),
    Column("series_uid", Text),
    Column("instances", Text, nullable=False),
    Column("announced_at", Integer, nullable=False),
    CheckConstraint("evidence in ('mpps','commitment')", name="known_evidence"),
    UniqueConstraint("evidence", "source_uid", "series_uid"),
    Index("announced_series", "series_uid"),
)
"""Images that a device says there are: ``instances`` is a JSON list of SOPInstanceUIDs. A request for storage
commitment does not name the series."""
