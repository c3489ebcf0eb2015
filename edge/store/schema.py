"""The appliance's tables. Times are UTC milliseconds; JSON columns hold frozen values written by one owner."""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import SchemaItem

metadata = MetaData()


def table(name: str, *items: SchemaItem) -> Table:
    """A STRICT table: SQLite then refuses a text in an integer column."""
    return Table(name, metadata, *items, sqlite_strict=True)


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
    Column("dose_report", Text),
    Index("set_member_set", "set_id"),
    Index("set_member_record", "record_sha256"),
)
"""An image of a series; a study has those of its series. ``record_sha256``: the file with what was kept of it,
None when there is none. ``excluded``: why it does not count for a verdict on its series. ``expected``: the images
that the header says were to come. ``dose_report``: JSON, from a report."""

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

verdict = table(
    "verdict",
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("mode", Text, nullable=False),
    Column("grade", Text),
    Column("score", REAL),
    Column("packs", Text, nullable=False),
    Column("bundles", Text, nullable=False, server_default="[]"),
    Column("passed", Text, nullable=False),
    Column("not_assessed", Text, nullable=False),
    Column("timings", Text, nullable=False),
    Column("marks", Text),
    Column("replaces", Integer, ForeignKey("verdict.id")),
    Column("created_at", Integer, nullable=False),
    Index("verdict_case", "case_id", "mode"),
    Index("one_first_verdict", "case_id", "mode", unique=True, sqlite_where=Column("replaces").is_(None)),
)
"""``marks``: what to draw over the picture; goes with the picture."""

measurement = table(
    "measurement",
    Column("verdict_id", Integer, ForeignKey("verdict.id"), nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Text),
    Column("unit", Text),
    Column("producer", Text),
    Column("confidence", REAL),
    Column("regions", Text),
    Column("reason", Text),
    Column("detail", Text),
    UniqueConstraint("verdict_id", "name"),
)
"""``value`` is JSON, or NULL when ``reason`` says why it was not measured."""

finding = table(
    "finding",
    Column("id", Integer, primary_key=True),
    Column("verdict_id", Integer, ForeignKey("verdict.id"), nullable=False),
    Column("rule_id", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("group_", Text, nullable=False),
    Column("deduct", REAL, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    Column("advice_zh", Text, nullable=False),
    Column("advice_en", Text, nullable=False),
    Column("detail", Text, nullable=False),
    UniqueConstraint("verdict_id", "rule_id"),
)
"""``detail``: JSON with evidence, limits, layer, pack, source, evidence_label, codes, regions."""

alert = table(
    "alert",
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("verdict_id", Integer, ForeignKey("verdict.id"), nullable=False, unique=True),
    Column("level", Text, nullable=False),
    Column("needs_acknowledgement", Integer, nullable=False),
    Column("dedupe_key", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("expires_at", Integer),
    Column("acknowledged_at", Integer),
    Column("acknowledged_by", Integer, ForeignKey("account.id")),
    Index("alert_open", "acknowledged_at", "created_at"),
    Index("alert_case", "case_id"),
)
"""One per verdict, also for good images (level ``good``): the console shows what went well, too.

``id`` is the SSE event id, so Last-Event-ID replays what a page missed.
"""

decision = table(
    "decision",
    Column("id", Integer, primary_key=True),
    Column("case_id", Text, ForeignKey("case_.id"), nullable=False),
    Column("verdict_id", Integer, ForeignKey("verdict.id"), nullable=False),
    Column("account_id", Integer, ForeignKey("account.id"), nullable=False),
    Column("action", Text, nullable=False),
    Column("reason_code", Text),
    Column("comment", Text),
    Column("undone_at", Integer),
    Column("created_at", Integer, nullable=False),
    CheckConstraint("action in ('accept','repeat','override')", name="known_action"),
    Index("decision_case", "case_id"),
)
"""What a person decided. The latest one that is not undone counts."""

outbox = Table(
    "outbox",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("case_id", Text),
    Column("payload", LargeBinary, nullable=False),
    Column("boot", Text, nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_at", Integer, nullable=False, server_default="0"),
    Column("acked_at", Integer),
    Column("reject_code", Text),
    Column("reject_detail", Text),
    CheckConstraint("state in ('pending','acked','quarantined')", name="known_state"),
    Index("outbox_pending", "state", "next_at", "seq"),
    Index("outbox_case", "case_id"),
    sqlite_strict=True,
    sqlite_autoincrement=True,
)
"""Facts for the centre. ``seq`` is gap-free and never reused, so that the centre can prove completeness."""

account = table(
    "account",
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("failed_attempts", Integer, nullable=False, server_default="0"),
    Column("locked_until", Integer),
    Column("disabled_at", Integer),
    Column("created_at", Integer, nullable=False),
    CheckConstraint("role in ('technologist','qc-lead','engineer')", name="known_role"),
)

session = table(
    "session",
    Column("token_hash", Text, primary_key=True),
    Column("account_id", Integer, ForeignKey("account.id"), nullable=False),
    Column("created_at", Integer, nullable=False),
    Column("last_seen", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("address", Text, nullable=False),
)

audit = table(
    "audit",
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("account_id", Integer),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("chain", Text, nullable=False),
)
"""Who did what, in a hash chain: a row changed or removed later breaks every ``chain`` after it."""

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
    UniqueConstraint("group_id", "measure"),
)
"""What the latest ``numbers`` come to. Those up to ``after_id`` were reset; ``drifted_at``: since when."""

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
    Index("baseline_seed_device", "device_id"),
)
"""Given to a device that has not learned yet. "" is anything, but ``software``: the first one that comes."""
