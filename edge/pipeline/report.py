"""A verdict as the centre gets it. Identity leaves only as a keyed pseudonym, free text does not leave at all."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from capture.acquisition import Acquisition, Device, Identity
from cloud_sync.wire import codec, messages, words
from edge.clock import synced
from edge.store.verdicts import acquired
from models.catalogue import Entry, catalogue
from models.measurement import Measured, Measurement, Value
from models.rules.verdict import Finding, Fingerprint, Verdict
from models.sets.image_set import Level

RESULT = "qc.result.v1"
SET_ASIDE = "qc.setaside.v1"

# PS3.5 6.2, VR CS: what a code string may be. Anything else in such an element is free text.
_CODE_STRING = re.compile(r"[A-Z0-9 _]{1,16}")


class Pseudonymizer:
    """HMAC-SHA256 (RFC 2104) with the site's key, cut to 128 bits: the same patient, the same pseudonym."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __call__(self, kind: str, *parts: str | None) -> str | None:
        """Pseudonym of an identifier, or None when there is none. ``kind`` keeps equal texts apart."""
        if not parts[0]:
            return None
        text = "\0".join([kind, *(part or "" for part in parts)])
        return hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]

    def instance(self, identity: Identity) -> str | None:
        """The name the centre knows an image by."""
        return self("instance", identity.SOPInstanceUID)


class Reporter:
    """Turns what happened on this box into the bytes of an event. The one place that writes envelopes."""

    def __init__(self, box: str, boot: str, pseudonym: Pseudonymizer) -> None:
        self.pseudonym = pseudonym
        self._box = box
        self._boot = boot

    def encode(self, event: type[messages.Event], data: words.Wire, seq: int, event_id: str, stream: str) -> bytes:
        """The event with its number inside; for :meth:`edge.store.outbox.Outbox.add`.

        Raises:
            WireError: ``size``, when it is over 128 KiB.
        """
        clock = {True: words.Clock.SYNCED, False: words.Clock.UNSYNCED, None: words.Clock.UNKNOWN}
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        envelope = {
            "id": event_id,
            "source": f"/box/{self._box}",
            "time": now,
            "stream": stream,
            "seq": seq,
            "boot": self._boot,
            "clock": clock[synced()],
            "data": data,
        }
        return codec.encode(event.model_validate(envelope))

    def encode_result(self, data: messages.ResultData, seq: int, event_id: str, stream: str) -> bytes:
        """A verdict must go: one that is too large goes without its measurements and evidence."""
        try:
            return self.encode(messages.ResultEvent, data, seq, event_id, stream)
        except codec.WireError as error:
            if error.code != "size":
                raise
        bare = tuple(found.model_copy(update={"evidence": (), "limits": ()}) for found in data.findings)
        small = data.model_copy(update={"measurements": (), "not_assessed": (), "findings": bare})
        return self.encode(messages.ResultEvent, small, seq, event_id, stream)


@dataclass(frozen=True, slots=True)
class OfSet:
    """What a verdict on a series or study says beside that of an image."""

    level: Level
    images: int
    whole: bool


def result_data(
    read: Acquisition,
    facts: Iterable[Measured],
    verdict: Verdict,
    received_at: int,
    now: int,
    calling_ae: str,
    pseudonym: Pseudonymizer,
    of_set: OfSet | None = None,
    replaces: int | None = None,
) -> messages.ResultData:
    """``qc.result.v1`` of one verdict. ``replaces``: number of the event whose verdict this one corrects."""
    who, exam = read.identity, read.exam
    return messages.ResultData(
        patient=pseudonym("patient", who.PatientID, who.IssuerOfPatientID),
        study=pseudonym("study", who.StudyInstanceUID),
        series=pseudonym("series", who.SeriesInstanceUID),
        instance=pseudonym.instance(who),
        device=device_facts(read.device, calling_ae),
        modality=code(exam.Modality),
        body_part=code(exam.BodyPartExamined),
        view=code(exam.ViewPosition),
        laterality=code(exam.ImageLaterality or exam.Laterality),
        acquired=acquired(read),
        received=received_at,
        grade=None if verdict.grade is None else words.Grade(verdict.grade),
        score=verdict.score,
        findings=tuple(_finding(found) for found in verdict.findings),
        not_assessed=tuple(
            messages.NotAssessed(
                rule=rule.rule_id,
                missing=tuple(_missing(fact.name, fact.reason) for fact in rule.missing),
            )
            for rule in verdict.not_assessed
        ),
        measurements=_facts(facts),
        packs=tuple(map(_pack, verdict.packs)),
        bundles=tuple(
            messages.BundleUsed(name=one.name, version=one.version, sha256=one.sha256) for one in verdict.bundles
        ),
        latency_ms=max(0, now - received_at),
        mode=words.Mode(verdict.mode),
        level=words.Extent("image" if of_set is None else of_set.level),
        images=1 if of_set is None else of_set.images,
        whole=None if of_set is None else of_set.whole,
        replaces=replaces,
    )


def device_facts(made_by: Device, calling_ae: str) -> messages.DeviceFacts:
    """The machine and where it stands."""
    return messages.DeviceFacts(
        manufacturer=made_by.Manufacturer,
        model=made_by.ManufacturerModelName,
        serial=made_by.DeviceSerialNumber,
        station=made_by.StationName,
        institution=made_by.InstitutionName,
        ae=calling_ae or None,
    )


def code(text: str | None) -> str | None:
    """A code string as it stands; anything else could be free text and stays here."""
    return text if text is not None and _CODE_STRING.fullmatch(text) else None


def _finding(found: Finding) -> messages.Finding:
    return messages.Finding(
        rule=found.rule_id,
        level=words.Level(found.level),
        severity=words.Severity(found.severity),
        group=found.group,
        deduct=found.deduct,
        title=messages.Titles(zh=found.title.zh, en=found.title.en),
        evidence=_facts(found.evidence),
        limits=tuple(messages.AppliedLimit(name=limit.name, value=limit.value) for limit in found.limits),
        layer=found.layer,
        pack=found.pack,
        codes=found.codes,
    )


# Images of one device say much the same; a word of the wire that was checked once need not be checked again.
_MEMORY = 4096


@lru_cache(_MEMORY, typed=True)  # True is not 1.0
def _fact(name: str, value: Value, unit: str) -> messages.Fact:
    return messages.Fact(name=name, value=value, unit=unit)


@lru_cache(_MEMORY)
def _missing(name: str, reason: str) -> messages.Missing:
    return messages.Missing(name=name, reason=reason)


@lru_cache(_MEMORY)
def _pack(used: Fingerprint) -> messages.PackUsed:
    return messages.PackUsed(name=used.name, version=used.version, sha256=used.sha256)


def _facts(facts: Iterable[Measured]) -> tuple[messages.Fact, ...]:
    names: dict[str, Entry] = catalogue()
    return tuple(
        _fact(fact.name, fact.value, fact.unit)
        for fact in facts
        if isinstance(fact, Measurement) and fact.name in names and names[fact.name].leaves_site
    )
