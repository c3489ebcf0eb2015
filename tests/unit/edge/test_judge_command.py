"""``qcbox judge`` and ``qcbox rules``: verdicts without a service, and what a pack's author sees."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from capture.errors import Misuse
from edge.cli import build
from edge.commands import judging as command
from models.content.factory import PACKS
from tests.factories import SENTINEL, SENTINEL_BIRTH, SENTINEL_ID, ct, ct_dose_report, dx, uid, write
from tests.unit.models.rules.packs import head
from tests.unit.models.rules.packs import write as write_pack


def qcbox(*words: object) -> Result:
    return CliRunner().invoke(build(["judge", "rules"]), [str(word) for word in words])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good chest, one without a patient, a dose report, and a text that is no image."""
    place = tmp_path_factory.mktemp("studies")
    write(dx(), place / "good.dcm")
    write(dx(PatientID=None), place / "nobody.dcm")
    write(ct_dose_report(), place / "dose.dcm")
    (place / "notes.txt").write_text("not an image")
    return place


def test_a_veto_exits_one_and_says_what_to_do(folder: Path) -> None:
    said = qcbox("judge", folder / "nobody.dcm", "--lang", "en")
    assert said.exit_code == 1
    assert "Grade D" in said.output and "Patient ID missing" in said.output and "DX CHEST PA" in said.output
    assert "choose the patient from the worklist" in said.output
    assert "废片" in qcbox("judge", folder / "nobody.dcm", "--lang", "zh").output


def test_what_is_fine_exits_zero(tmp_path: Path, folder: Path) -> None:
    report = json.loads(qcbox("judge", folder / "dose.dcm", "--json").output)
    failing = {found["rule_id"] for found in report["findings"] if found["level"] == "fail"}
    quiet = "".join(f'[[override]]\nrule = "{rule}"\nenabled = false\n' for rule in sorted(failing))
    own = write_pack(tmp_path / "own", head("own", "L4"), quiet)
    said = qcbox("judge", folder / "dose.dcm", "--packs", own)
    assert said.exit_code == 0, said.output


def test_explain_names_rule_limit_layer_and_source_and_marks_defaults(folder: Path) -> None:
    said = qcbox("judge", folder / "nobody.dcm", "--explain", "--lang", "en").output
    assert "rule: HD01.patient_id_missing  [L2, dicom-header]" in said
    assert "fails when: !identity.patient_id_present" in said
    assert "default, not yet verified" in said
    assert "no model installed (chest-ribs)" in said
    assert "packs: dicom-header 2 " in said


def test_a_folder_lists_what_it_cannot_read_and_goes_on(folder: Path) -> None:
    said = qcbox("judge", folder, "--lang", "en")
    assert said.exit_code == 1
    assert "notes.txt  unreadable" in said.output and "dicom.unreadable" in said.output
    assert "good.dcm  DX CHEST PA" in said.output
    assert "unreadable: 1" in said.output.splitlines()[-1]


def test_a_pipe_does_not_block_and_a_lost_disk_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in qcbox("judge", tmp_path / "pipe", "--lang", "en").output

    def lost(path: Path, received_at: int) -> str:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(command, "arrival_of", lost)
    said = qcbox("judge", write(dx(), tmp_path / "a.dcm"), "--lang", "en")
    assert said.exit_code == 1 and "file.unreadable: Input/output error" in said.output


def test_json_is_one_object_a_line_in_both_languages(folder: Path) -> None:
    lines = [json.loads(line) for line in qcbox("judge", folder, "--json").output.splitlines()]
    by_name = {Path(line["file"]).name: line for line in lines}
    assert by_name["notes.txt"]["error"] == "dicom.unreadable"
    assert set(by_name["notes.txt"]["reason"]) == {"zh", "en"}
    verdict = by_name["nobody.dcm"]
    assert verdict["grade"] == "fei"
    titles = [found["title"] for found in verdict["findings"] if found["severity"] == "veto"]
    assert {"zh": "缺少患者编号", "en": "Patient ID missing"} in titles


def test_no_identity_in_any_output(folder: Path) -> None:
    for words in (("--explain",), ("--json",), ("--lang", "zh")):
        said = qcbox("judge", folder, *words).output
        assert SENTINEL not in said and SENTINEL_ID not in said and SENTINEL_BIRTH not in said


def test_a_path_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    assert qcbox("judge", tmp_path / "none.dcm").exit_code == 2


def test_rules_check_counts_and_a_wrong_pack_says_where(tmp_path: Path) -> None:
    assert "cases hold" in qcbox("rules", "check", PACKS, "--lang", "en").output
    assert "全部通过" in qcbox("rules", "check", PACKS / "mr-header", "--lang", "zh").output
    wrong = write_pack(tmp_path / "own", head("own", "L4"), '[[override]]\nrule = "RG07.blank"\nenabled = false\n')
    said = qcbox("rules", "check", wrong)
    assert isinstance(said.exception, Misuse) and said.exception.code == "pack.override.veto"


def test_rules_list_and_explain() -> None:
    listed = qcbox("rules", "list", "--lang", "zh").output
    assert "PA03.rotation" in listed and "身体旋转" in listed
    packs = json.loads(qcbox("rules", "list", "--json").output)
    assert {pack["pack"] for pack in packs} >= {"dicom-header", "mr-header"}
    explained = qcbox("rules", "explain", "PA01.lung_cut_off", "--lang", "en").output
    assert "later layers may set it in [0.3, 10]" in explained and "EUR 16260" in explained
    unknown = qcbox("rules", "explain", "PA99.none")
    assert isinstance(unknown.exception, Misuse) and unknown.exception.code == "rules.unknown"


def test_bench_series_times_a_slice_and_a_series(tmp_path: Path) -> None:
    for number in range(3):
        write(ct(number=number, SOPInstanceUID=uid("slice", number)), tmp_path / f"{number}.dcm")
    said = CliRunner().invoke(build(["bench"]), ["bench", "series", "--json", str(tmp_path)])
    assert said.exit_code == 0, said.output
    found = json.loads(said.output)
    assert found["slices"] == 3 and min(found.values()) > 0


def test_series_are_judged_as_series_and_studies(tmp_path: Path) -> None:
    for number in range(4):
        write(ct(number=number, SOPInstanceUID=uid("slice", number)), tmp_path / f"{number}.dcm")
    write(
        ct(number=9, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"], SeriesInstanceUID=uid("scout")),
        tmp_path / "s",
    )
    write(ct_dose_report(StudyInstanceUID=uid("CT", "study")), tmp_path / "dose.dcm")
    write(dx(), tmp_path / "film.dcm")
    rows = [json.loads(line) for line in qcbox("judge", "--series", "--json", tmp_path).output.splitlines()]
    assert [Path(row["file"]).name for row in rows] == ["series 1 (4)", "study (2)"]
    assert all(row["packs"] for row in rows)
    (tmp_path / "torn.dcm").write_bytes(b"DICM no more")
    said = qcbox("judge", "--series", "--lang", "en", tmp_path)
    assert said.exit_code == 1 and "unreadable" in said.output and "series 1 (4)" in said.output
    assert SENTINEL not in said.output
