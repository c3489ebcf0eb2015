"""A protocol learnt from a good study: it loads, its cases hold, and drift is shown parameter by parameter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from capture.errors import Misuse
from edge.commands.protocol import app, tolerances
from models.circumstances import Circumstances
from models.content import drafts
from models.judge import Content
from models.measurement import Measurement, Measurements, NotMeasured, Reason
from models.sets.image_set import Completeness, ImageSet, Level, Slice
from models.sets.judge import judge_set
from models.sets.protocol import CannotLearn, Protocol, Tolerances, compare, learn, missing_series
from models.sets.protocol_pack import files_of, protocol_of
from tests import factories
from tests.unit.models.sets.slices import MR, content, judged, series, stack, with_fields

T1 = with_fields(
    MR, SeriesDescription='t1 "tra" 横断', RepetitionTime=500.0, EchoTime=10.0, PercentPhaseFieldOfView=80.0
)
DWI = with_fields(MR, SeriesDescription="ep2d_diff", DiffusionBValue=1000.0)
SCOUT = with_fields(MR, SeriesDescription="localizer", ImageType=("ORIGINAL", "PRIMARY", "LOCALIZER"))


def facts(base: Slice, **fields: object) -> Measurements:
    return judged(stack(with_fields(base, **fields))).measurements


@pytest.fixture(scope="module")
def example() -> Protocol:
    return learn("brain-mr", [facts(MR), facts(T1), facts(DWI), facts(SCOUT)])


def test_an_example_gives_series_parameters_and_tolerances(example: Protocol) -> None:
    assert [one.description for one in example.series] == ["t2_tse_tra", 't1 "tra" 横断', "ep2d_diff"]
    assert example.left_out == (("localizer", "localizer"),) and example.study_description == "Head routine"
    wanted = {one.known.fact: (one.value, one.tolerance) for one in example.series[0].expected}
    assert wanted["dicom.EchoTime"] == (100.0, 0.05) and wanted["dicom.RepetitionTime"] == (4000.0, 1.0)
    assert wanted["dicom.FlipAngle"] == (150.0, 3.0) and wanted["series.slices"] == (10.0, 1.0)
    assert "dicom.PixelBandwidth" in example.series[0].nullable
    assert "series.b_values" not in example.series[0].nullable  # it has none to state


def test_tolerances_are_what_the_qc_lead_says() -> None:
    limits = tolerances(["EchoTime=0.5", "5%"])
    assert limits == Tolerances({"EchoTime": 0.5}, 5.0)
    wanted = {one.known.fact: one.tolerance for one in learn("x", [facts(MR)], limits).series[0].expected}
    assert wanted["dicom.EchoTime"] == 0.5 and wanted["dicom.FlipAngle"] == 7.5
    assert wanted["dicom.RepetitionTime"] == 1.0 and wanted["series.slices"] == 1.0
    with pytest.raises(Misuse):
        tolerances(["EchoTime=much"])


@pytest.mark.parametrize(
    ("echo_time", "outcome"),
    [
        (100.0, "within"),
        (100.05, "within"),
        (100.06, "off"),
        (99.9, "off"),
        (100.2, "far_off"),
        (None, "not_stated"),
    ],
)
def test_drift_is_have_expect_and_tolerance(example: Protocol, echo_time: float | None, outcome: str) -> None:
    measured = facts(MR, EchoTime=echo_time)
    drift = next(one for one in compare(example.series[0], measured) if one.known.fact == "dicom.EchoTime")
    assert (drift.have, drift.expect, drift.tolerance, drift.outcome) == (echo_time, 100.0, 0.05, outcome)


def test_a_series_that_did_not_come_is_missing(example: Protocol) -> None:
    assert missing_series(example, [facts(MR), facts(T1)]) == ("ep2d_diff",)


def test_parameters_that_vary_within_the_example_are_not_compared() -> None:
    echoes = Measurements([*facts(MR), Measurement("series.varying", ("EchoTime",))])
    (one,) = learn("x", [echoes]).series
    assert one.varying == ("dicom.EchoTime",) and "dicom.EchoTime" not in {e.known.fact for e in one.expected}


def test_what_is_no_example_is_refused() -> None:
    of_ct = Measurements([*facts(T1), Measurement("dicom.Modality", "CT")])
    nameless = Measurements([*facts(MR), NotMeasured("dicom.SeriesDescription", Reason.NOT_IN_HEADER)])
    for series_facts in ([], [facts(SCOUT)], [facts(MR), of_ct], [nameless]):
        with pytest.raises(CannotLearn):
            learn("x", series_facts)


def written(protocol: Protocol, folder: Path) -> Path:
    folder.mkdir()
    for name, text in files_of(protocol, ["QC lead"]).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_the_pack_loads_holds_its_cases_and_is_read_back(example: Protocol, tmp_path: Path) -> None:
    rules = drafts.rules([written(example, tmp_path / "p")])
    pack = next(pack for pack in rules.packs if pack.name == "brain-mr")
    assert pack.layer == "L5" and "localizer" in pack.note.en and "PixelBandwidth" in pack.note.zh
    again = protocol_of(pack)
    assert [(one.description, one.expected) for one in again.series] == [
        (one.description, one.expected) for one in example.series
    ]
    with pytest.raises(CannotLearn):
        protocol_of(next(pack for pack in rules.packs if pack.name == "study"))


def test_the_pack_judges_series_and_study(example: Protocol, tmp_path: Path) -> None:
    rules = drafts.rules([written(example, tmp_path / "p")])
    base = content()
    with_pack = Content(base.producers, rules, base.bundles, None, base.set_producers)

    def found(level: Level, *of: list[Slice]) -> dict[str, str]:
        images = ImageSet(
            level, tuple(series(one, str(n)) for n, one in enumerate(of)), Completeness(True, "count")
        )
        verdict = judge_set(images, with_pack, Circumstances(0)).verdict
        return {one.rule_id: one.level for one in verdict.findings if one.rule_id.startswith("PROTOCOL.")}

    assert found("series", stack(MR)) == {}
    assert found("series", stack(with_fields(MR, EchoTime=100.1))) == {"PROTOCOL.brain_mr.s01.EchoTime": "warn"}
    assert found("series", stack(with_fields(MR, EchoTime=10.0, SeriesDescription="other"))) == {}
    assert found("series", stack(with_fields(MR, StudyDescription="Knee", EchoTime=10.0))) == {}
    assert found("study", stack(MR), stack(T1), stack(DWI)) == {}
    assert found("study", stack(MR), stack(T1)) == {"PROTOCOL.brain_mr.s03.is_there": "fail"}


def study(folder: Path, **changes: str) -> Path:
    folder.mkdir()
    for number in range(1, 6):
        ds = factories.changed(factories.mr(number=number), dict(changes))
        factories.write(ds, folder / f"{number}.dcm")
    (folder / "notes.txt").write_text("no image")
    return folder


def test_the_command_learns_shows_and_checks(tmp_path: Path) -> None:
    run = CliRunner()
    out = tmp_path / "pack"
    learnt = run.invoke(
        app,
        [
            "learn",
            str(study(tmp_path / "good")),
            "--out",
            str(out),
            "--name",
            "t2",
            "--author",
            "qc",
            "--lang",
            "en",
        ],
    )
    assert learnt.exit_code == 0 and "TE: 90 ± 0.05" in learnt.output
    assert "TE: 90" in run.invoke(app, ["show", str(out), "--lang", "zh"]).output
    assert run.invoke(app, ["check", str(out), str(tmp_path / "good")]).exit_code == 0
    off = run.invoke(app, ["check", str(out), str(study(tmp_path / "off", EchoTime="95")), "--json"])
    rows = [json.loads(line) for line in off.output.splitlines()]
    assert off.exit_code == 1
    assert [(row["parameter"], row["have"], row["expect"]) for row in rows if row["outcome"] == "far_off"] == [
        ("dicom.EchoTime", 95.0, 90.0)
    ]
    gone = run.invoke(
        app, ["check", str(out), str(study(tmp_path / "gone", SeriesDescription="other")), "--lang", "en"]
    )
    assert gone.exit_code == 1 and "series missing" in gone.output


def test_the_command_leaves_what_is_there_alone(tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    arguments = [
        "learn",
        str(study(tmp_path / "good")),
        "--out",
        str(tmp_path / "pack"),
        "--name",
        "t2",
        "--author",
        "q",
    ]
    assert isinstance(CliRunner().invoke(app, arguments).exception, Misuse)
    arguments[3], arguments[5] = str(tmp_path / "new"), "Not A Name"
    assert isinstance(CliRunner().invoke(app, arguments).exception, Misuse)
    assert not (tmp_path / "new").exists()
