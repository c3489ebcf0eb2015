"""What leaves the site: verdicts and facts, never who it was."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from capture.acquisition import Device, Exam, Identity
from capture.text import Bilingual
from cloud_sync.wire.codec import decode_event
from cloud_sync.wire.messages import ResultData, ResultEvent
from cloud_sync.wire.words import Clock
from edge.pipeline.report import Pseudonymizer, Reporter, code, result_data
from edge.pipeline.work import Job, Outcome, run_job
from edge.store.keys import KEY_FILE, pseudonym_key
from models.circumstances import Circumstances
from models.measurement import Measurement
from models.rules.verdict import BundleUsed, Finding, Severity
from tests.factories import SENTINEL, SENTINEL_BIRTH, SENTINEL_ID, arrival_of, dx, write

STREAM = "01J9Z3NDEKTSV4RRFFQ69G5FAV"


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    path = write(dx(), tmp_path_factory.mktemp("report") / "dx.dcm")
    return run_job(Job(path, arrival_of(path), Circumstances(received_at=1000), "GB18030"))


def reporter(key: bytes = b"key") -> Reporter:
    return Reporter("box-1", "boot", Pseudonymizer(key))


def content(outcome: Outcome, **changes: object) -> ResultData:
    read = replace(outcome.acquisition, **changes)  # type: ignore[arg-type]
    return result_data(read, outcome.facts, outcome.verdict, 1000, 3500, "AE1", reporter().pseudonym)


def test_a_result_is_complete_and_decodes(outcome: Outcome) -> None:
    payload = reporter().encode_result(content(outcome), 7, f"{STREAM}-000007", STREAM)
    event = decode_event(payload)
    assert isinstance(event, ResultEvent)
    assert (event.box, event.seq, event.stream, event.id) == ("box-1", 7, STREAM, f"{STREAM}-000007")
    assert event.clock in set(Clock)
    assert (event.data.modality, event.data.latency_ms, event.data.received) == ("DX", 2500, 1000)
    assert event.data.device.ae == "AE1"
    assert len(event.data.packs) == len(outcome.verdict.packs)
    assert len(event.data.findings) == len(outcome.verdict.findings)


def test_the_networks_behind_it_go_along(outcome: Outcome) -> None:
    used = BundleUsed("chest-anatomy", "0.1.0", "ab" * 32)
    data = content(replace(outcome, verdict=replace(outcome.verdict, bundles=(used,))))
    assert [(one.name, one.version, one.sha256) for one in data.bundles] == [("chest-anatomy", "0.1.0", "ab" * 32)]


def test_nothing_of_the_identity_is_in_the_payload(outcome: Outcome) -> None:
    payload = reporter().encode_result(content(outcome), 1, "id", STREAM)
    read = outcome.acquisition.identity
    said = [getattr(read, field.name) for field in fields(Identity)] + [SENTINEL, SENTINEL_ID, SENTINEL_BIRTH]
    for value in filter(None, said):
        assert value.encode() not in payload
        assert not any(part.encode() in payload for part in value.split("^") if len(part) > 3)


def test_free_text_stays_on_the_site(outcome: Outcome) -> None:
    exam = Exam(
        Modality="DX", BodyPartExamined="Zhang San's knee", ViewPosition="PA", StudyDescription="Zhang San"
    )
    payload = reporter().encode_result(content(outcome, exam=exam, device=Device()), 1, "id", STREAM)
    assert b"Zhang" not in payload


def test_a_pseudonym_is_keyed_stable_and_kind_by_kind() -> None:
    name = Pseudonymizer(b"key")
    assert name("patient", "P1") == name("patient", "P1") != name("patient", "P2")
    assert name("patient", "P1") != name("study", "P1")
    assert name("patient", "P1", "issuer") != name("patient", "P1")
    assert name("patient", "P1") != Pseudonymizer(b"other")("patient", "P1")
    assert name("patient", None) is None and name("patient", "") is None
    assert name.instance(Identity(SOPInstanceUID="1.2")) == name("instance", "1.2")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CHEST", "CHEST"),
        ("LOWER LEG", "LOWER LEG"),
        ("Chest", None),
        ("胸部", None),
        ("X" * 17, None),
        (None, None),
    ],
)
def test_only_code_strings_leave(text: str | None, said: str | None) -> None:
    assert code(text) == said


def test_a_result_that_is_too_large_goes_without_its_details(outcome: Outcome) -> None:
    wordy = Measurement("dicom.KVP", tuple("w" * 250 for _ in range(400)))
    found = Finding(
        "X01", "fail", Severity.MAJOR, "g", 5, Bilingual("题", "title"), Bilingual("建议", "advice"),
        (wordy, wordy), (), "L0", "p", "s", "V",
    )  # fmt: skip
    verdict = replace(outcome.verdict, findings=(found,))
    data = result_data(outcome.acquisition, outcome.facts, verdict, 0, 0, "", reporter().pseudonym)
    event = decode_event(reporter().encode_result(data, 1, "id", STREAM))
    assert isinstance(event, ResultEvent)
    assert [one.rule for one in event.data.findings] == ["X01"]
    assert event.data.grade == data.grade and event.data.measurements == ()


def test_the_sites_key_is_made_once_and_private(tmp_path: Path) -> None:
    made = pseudonym_key(tmp_path, None)
    assert len(made) == 32 and pseudonym_key(tmp_path, None) == made
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [KEY_FILE]
    assert pseudonym_key(tmp_path, "configured") == b"configured"
