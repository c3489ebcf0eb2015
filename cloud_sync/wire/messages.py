"""What a box tells the centre and must not lose: the events, contract version 1.

Frozen values. Unknown fields are kept and ignored, an unknown word of an enumeration becomes ``unknown``,
so that a centre and a box of different age understand each other. No field can hold a patient's identity:
studies and patients are pseudonyms of one fixed shape (:data:`Pseudonym`), people are roles.
The messages around them (birth, acknowledgement, commands) are in ``control``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from cloud_sync.wire.words import (
    Action,
    Boot,
    Clock,
    ContentName,
    ContentState,
    Count,
    Extent,
    Grade,
    Level,
    Millis,
    Mode,
    Pseudonym,
    Rfc3339,
    Role,
    Seq,
    Severity,
    Sha256,
    Stream,
    Text,
    Value,
    Wire,
)

SCHEMA_BASE = "https://qcbox.invalid/schema/"
"""Prefix of ``dataschema``. An identifier, not an address: nothing is ever fetched from it."""


class Titles(Wire):
    """One text in both languages."""

    zh: Text
    en: Text


class Fact(Wire):
    """A measurement: catalogue name, value, UCUM unit ("" for none)."""

    name: Text
    value: Value
    unit: Text = ""


class AppliedLimit(Wire):
    """A limit as it was applied."""

    name: Text
    value: Value


class Finding(Wire):
    """A rule that warned or failed."""

    rule: Text
    level: Level
    severity: Severity
    group: Text = ""
    deduct: float = 0.0
    title: Titles
    evidence: tuple[Fact, ...] = ()
    limits: tuple[AppliedLimit, ...] = ()
    layer: Text = ""
    pack: Text = ""
    codes: tuple[Text, ...] = ()


class Missing(Wire):
    """A fact that a rule lacked, and why."""

    name: Text
    reason: Text


class NotAssessed(Wire):
    """A rule that applied but could not be decided."""

    rule: Text
    missing: tuple[Missing, ...] = ()


class PackUsed(Wire):
    """Exactly which content judged."""

    name: Text
    version: int
    sha256: Sha256


class BundleUsed(Wire):
    """A network that facts of the result came from: its bundle's name and version, and the hash over its files."""

    name: Text
    version: Text
    sha256: Sha256


class DeviceFacts(Wire):
    """The machine that made the image and where it stands."""

    manufacturer: Text | None = None
    model: Text | None = None
    serial: Text | None = None
    station: Text | None = None
    institution: Text | None = None
    ae: Text | None = None


class ResultData(Wire):
    """``qc.result.v1``: one verdict. Not judged (no pack applies): ``grade`` and ``score`` are null."""

    patient: Pseudonym | None = None
    study: Pseudonym | None = None
    series: Pseudonym | None = None
    instance: Pseudonym | None = None
    device: DeviceFacts = DeviceFacts()
    modality: Text | None = None
    body_part: Text | None = None
    view: Text | None = None
    laterality: Text | None = None
    acquired: Text | None = None
    """The device's own local time, ISO 8601 without zone; never used for order."""
    received: Millis
    grade: Grade | None = None
    score: Annotated[float, Field(ge=0, le=100)] | None = None
    findings: tuple[Finding, ...] = ()
    not_assessed: tuple[NotAssessed, ...] = ()
    measurements: tuple[Fact, ...] = ()
    packs: tuple[PackUsed, ...] = ()
    bundles: tuple[BundleUsed, ...] = ()
    latency_ms: Annotated[float, Field(ge=0)] | None = None
    """Last byte received to verdict stored."""
    mode: Mode = Mode.ACTIVE
    level: Extent = Extent.IMAGE
    """A series or study is named by ``series`` and ``study``; it has no ``instance``."""
    images: Count = 1
    """How many different images it was judged by."""
    whole: bool | None = None
    """Of a series or study: whether all of its images were there. Null for an image."""
    replaces: Seq | None = None
    """Number of the result that this one corrects, because an image came late. Only the last one counts."""


class SetAsideData(Wire):
    """``qc.setaside.v1``: an object that needs a person. ``reason_code`` is in the handbook."""

    device: DeviceFacts = DeviceFacts()
    modality: Text | None = None
    received: Millis
    reason_code: Text


class DecisionData(Wire):
    """``qc.decision.v1``: accept, repeat or override of the result with number ``result_seq``."""

    result_seq: Seq | None = None
    instance: Pseudonym | None = None
    action: Action
    reason_code: Text | None = None
    role: Role
    decided: Millis
    undone: bool = False


class AlertAckData(Wire):
    """``qc.alert_ack.v1``: a person has seen the alert of the result with number ``result_seq``."""

    result_seq: Seq | None = None
    instance: Pseudonym | None = None
    role: Role
    acknowledged: Millis


class KbStateData(Wire):
    """``qc.kb_state.v1``: a step of signed content on the box. Two errors: why it failed, why the way back did."""

    name: ContentName
    version: Annotated[int, Field(ge=1)]
    sha256: Sha256
    rollout: Text = ""
    state: ContentState
    error_code: Text = ""
    error_detail: Text = ""
    rollback_code: Text = ""
    rollback_detail: Text = ""
    runs: Sha256 | None = None
    """What judges under this name after the step; null: nothing, or what shipped with the program."""
    at: Millis


class OverrideData(Wire):
    """``qc.override.v1``: the site changed a rule for itself, within the bounds of the rule, or took it back."""

    override: Text
    """Its number on the box."""
    layer: Text
    """``L4`` hospital, ``L5`` device, ``L6`` person."""
    subject: Text = ""
    """The device's key; nothing for a person, who is not named."""
    rule: Text
    limits: tuple[AppliedLimit, ...] = ()
    enabled: bool | None = None
    severity: Severity | None = None
    role: Role
    at: Millis
    removed: bool = False


class OtherData(Wire):
    """Content of an event type that this version does not know."""


Data = ResultData | SetAsideData | DecisionData | AlertAckData | KbStateData | OverrideData | OtherData


class Event(Wire):
    """One durable fact of a box: a CloudEvent (1.0, structured JSON) with its place in the box's stream."""

    specversion: Literal["1.0"] = "1.0"
    id: Text
    source: Annotated[str, Field(pattern=r"^/box/[a-z0-9][a-z0-9-]{0,62}$")]
    type: Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,64}$")]
    time: Rfc3339
    """The box's clock. Never used for identity, order or deduplication."""
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: Text = ""
    stream: Stream
    seq: Seq
    boot: Boot
    clock: Clock = Clock.UNKNOWN
    data: Data

    @property
    def box(self) -> str:
        """The box that made it."""
        return self.source.removeprefix("/box/")


class ResultEvent(Event):
    """``qc.result.v1``."""

    type: Literal["qc.result.v1"] = "qc.result.v1"
    dataschema: Text = SCHEMA_BASE + "qc.result.v1.json"
    data: ResultData


class SetAsideEvent(Event):
    """``qc.setaside.v1``."""

    type: Literal["qc.setaside.v1"] = "qc.setaside.v1"
    dataschema: Text = SCHEMA_BASE + "qc.setaside.v1.json"
    data: SetAsideData


class DecisionEvent(Event):
    """``qc.decision.v1``."""

    type: Literal["qc.decision.v1"] = "qc.decision.v1"
    dataschema: Text = SCHEMA_BASE + "qc.decision.v1.json"
    data: DecisionData


class AlertAckEvent(Event):
    """``qc.alert_ack.v1``."""

    type: Literal["qc.alert_ack.v1"] = "qc.alert_ack.v1"
    dataschema: Text = SCHEMA_BASE + "qc.alert_ack.v1.json"
    data: AlertAckData


class KbStateEvent(Event):
    """``qc.kb_state.v1``."""

    type: Literal["qc.kb_state.v1"] = "qc.kb_state.v1"
    dataschema: Text = SCHEMA_BASE + "qc.kb_state.v1.json"
    data: KbStateData


class OverrideEvent(Event):
    """``qc.override.v1``."""

    type: Literal["qc.override.v1"] = "qc.override.v1"
    dataschema: Text = SCHEMA_BASE + "qc.override.v1.json"
    data: OverrideData


class OtherEvent(Event):
    """A type of a newer box: stored and acknowledged, so that nothing is refused for being new."""

    data: OtherData


EVENT_TYPES: dict[str, type[Event]] = {
    "qc.result.v1": ResultEvent,
    "qc.setaside.v1": SetAsideEvent,
    "qc.decision.v1": DecisionEvent,
    "qc.alert_ack.v1": AlertAckEvent,
    "qc.kb_state.v1": KbStateEvent,
    "qc.override.v1": OverrideEvent,
}
