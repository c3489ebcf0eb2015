"""What came, from where, and how far it has come."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, Text

from edge.store.schema.base import table

meta = table("meta", Column("key", Text, primary_key=True), Column("value", Text, nullable=False))
"""``stream`` (ULID of this database), ``box`` id, pseudonym salt id, schema notes."""

device = table(
    "device",
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("calling_ae", Text, nullable=False),
    Column("manufacturer", Text),
    Column("model", Text),
    Column("serial", Text),
    Column("station", Text),
    Column("institution", Text),
    Column("modality", Text),
    Column("label", Text),
    Column("first_seen", Integer, nullable=False),
    Column("last_seen", Integer, nullable=False),
)

case = table(
    "case_",
    Column("id", Text, primary_key=True),
    # Of what came before BLAKE3 its SHA-256, after which it is named; since then Arrival.digest.
    Column("sha256", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("calling_ae", Text, nullable=False),
    Column("peer", Text, nullable=False),
    Column("received_at", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Integer),
    Column("reason_code", Text),
    Column("reason", Text),
    Column("hint", Text),
    Column("sop_class", Text),
    Column("association", Text),
    Column("association_ended_at", Integer),
    Column("device_id", Integer, ForeignKey("device.id")),
    Column("exam_id", Integer, ForeignKey("exam.id")),
    Column("same_as", Text, ForeignKey("case_.id")),
    Column("pixels_gone_at", Integer),
    Column("updated_at", Integer, nullable=False),
    CheckConstraint(
        "state in ('held','judging','judged','reported','waiting_retry','set_aside','duplicate')",
        name="known_state",
    ),
    Index("case_state", "state", "next_at"),
    Index("case_sha256", "sha256"),
    Index("case_device", "device_id"),
    Index("case_association", "association"),
)
"""One arrival and how far it has come. ``same_as``: identical bytes arrived before as that case.

A set (``kind`` is ``series`` or ``study``) is a case, too: held until ``next_at``, the time at which it is due;
``received_at`` is that of its last image. ``sop_class``: as the file's meta information says, before anybody has
read the object. ``association``: names the association that brought it; ``association_ended_at``: its release.
"""

exam = table(
    "exam",
    Column("id", Integer, primary_key=True),
    Column("study_uid", Text, unique=True),
    Column("modality", Text),
    Column("started_at", Integer, nullable=False),
    Column("last_image_at", Integer, nullable=False),
)
"""A study as the box sees it."""

acquisition = table(
    "acquisition",
    Column("case_id", Text, ForeignKey("case_.id"), primary_key=True),
    Column("sop_uid", Text),
    Column("series_uid", Text),
    Column("study_uid", Text),
    Column("patient_id", Text),
    Column("patient_id_issuer", Text),
    Column("patient_name", Text),
    Column("patient_birth_date", Text),
    Column("patient_sex", Text),
    Column("accession_number", Text),
    Column("operator", Text),
    Column("sop_class", Text),
    Column("modality", Text),
    Column("body_part", Text),
    Column("view", Text),
    Column("laterality", Text),
    Column("study_description", Text),
    Column("series_description", Text),
    Column("series_number", Integer),
    Column("instance_number", Integer),
    Column("acquired", Text),
    Column("circumstances", Text, nullable=False),
    Column("preview_sha256", Text),
    Column("rows", Integer),
    Column("columns", Integer),
    Index("acquisition_sop", "sop_uid"),
    Index("acquisition_study", "study_uid"),
)
"""The only table with a patient's name; it stays on the site, as all of this does. Of a set: its middle image."""
