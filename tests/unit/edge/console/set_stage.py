"""Series and studies on the console's stage: images that join a set, and the verdicts on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from capture.acquisition import Acquisition, Device, Display, Exam, Identity, NoPixels, Technique
from capture.text import Bilingual
from edge.clock import now_ms
from edge.pipeline import states
from edge.pipeline.outcome import Files, Stored, store_set
from edge.pipeline.work import Outcome
from edge.store import sets
from edge.store.cases import Case
from edge.store.cases import _arrival as arrival_of
from edge.store.devices import device_key
from edge.store.schema import acquisition, case, image_set
from edge.store.sets import Kept
from models.circumstances import Circumstances
from models.measurement import Mark, Measured, Measurement, NotMeasured, Reason
from models.rules.verdict import Finding, Grade, Severity, Verdict
from models.sets.sheet import Picture, draw, png
from tests.unit.edge.console.stage import Stage, verdict

CT = Device(Manufacturer="United Imaging", ManufacturerModelName="uCT 760", StationName="CT-1")
GOOD = Verdict(Grade.JIA, 99.0, (), (), (), ())
COVERED = "ct.top_margin_mm"


def apex_missing() -> Finding:
    """A veto, as the chest pack makes it."""
    return Finding(
        rule_id="CC01.coverage",
        level="fail",
        severity=Severity.VETO,
        group="position",
        deduct=25,
        title=Bilingual("肺尖未包全", "Lung apex missing"),
        advice=Bilingual(
            "首层（第 1 层）仍有肺组织：请向头侧补扫约 20 mm。",
            "There is lung in the first slice (1): add about 20 mm towards the head.",
        ),
        evidence=(Measurement(COVERED, 0.0, "mm", "chest-coverage/1"),),
        limits=(),
        layer="L2",
        pack="ct-chest",
        source="image-qc.md 6.3 CC01",
        evidence_label="E",
        codes=("DCM:130576",),
    )


def sheet() -> bytes:
    """A chest of ellipses."""
    rows, columns = np.mgrid[-1:1:120j, -1:1:120j]
    body = np.where((rows / 0.95) ** 2 + (columns / 0.8) ** 2 < 1, 40.0, -1000.0)
    for side in (-0.38, 0.38):
        body = np.where(((rows - 0.1) / 0.95) ** 2 + ((columns - side) / 0.28) ** 2 < 1, -820.0, body)
    values: NDArray[np.float32] = (body + np.random.default_rng(1).normal(0, 25, body.shape)).astype(np.float32)
    shown = Picture(values, (300.0, 360.0), (-1200.0, 400.0), ("R", "H"))
    across = replace(shown, letters=("R", "A"))
    noise = Picture(np.abs(values - body).astype(np.float32), (300.0, 360.0), (0.0, 60.0), heat=True)
    return png(
        draw({"coronal": shown, "sagittal": shown, "axial": across, "first": across, "last": across, "map": noise})
    )


def add_images(
    stage: Stage, count: int, series: str = "1.9.1", *, study: str = "1.9", grade: Grade = Grade.JIA
) -> list[str]:
    """CT slices that join a series, and the series its study."""
    return [
        stage.add(
            grade, series=series, study=study, modality="CT", size=(512, 512), device=CT, facts=(), kept=Kept(1),
            description="Thorax 1.5 B60f", given=GOOD if grade is Grade.JIA else verdict(grade),
        )
        for _ in range(count)
    ]  # fmt: skip


def judge(
    stage: Stage,
    grade: Grade,
    series: str = "1.9.1",
    *,
    expected: int | None = None,
    findings: tuple[Finding, ...] = (),
    facts: tuple[Measured, ...] = (),
    level: str = "series",
) -> str:
    """A verdict on the set as it is now; returns its case."""

    def write(connection: Connection) -> tuple[str, Stored]:
        row = connection.execute(
            select(case)
            .join(image_set, image_set.c.case_id == case.c.id)
            .where(image_set.c.uid == series, image_set.c.level == level)
        ).one()
        states.move(connection, row.id, row.state, "judging", now_ms(), next_at=None)
        content = sets.content(connection, row.id)
        whole = expected is None or expected == content.images
        mark = Mark("line", "missing_top", ((0.02, 0.04), (0.31, 0.04)), "0 mm")
        told: tuple[Measured, ...] = (
            Measurement("set.images", float(content.images), "{images}", "sets/1"),
            Measurement("set.is_whole", whole, producer="sets/1"),
            NotMeasured("set.expected_images", Reason.NOT_CONNECTED)
            if expected is None
            else Measurement("set.expected_images", float(expected), "{images}", "sets/1"),
            Measurement("set.because", "association", producer="sets/1"),
            Measurement(COVERED, 0.0, "mm", "chest-coverage/1", marks=(mark,) if findings else ()),
            *facts,
        )
        judged = Verdict(grade, 98.0 - 25 * len(findings), findings, (), ("CC12",), ())
        outcome = Outcome(
            acquisition=Acquisition(
                arrival_id=_member(connection, series, level),
                identity=Identity(),
                exam=Exam(
                    Modality="CT", BodyPartExamined="CHEST", StudyDescription="Chest CT",
                    SeriesDescription="Thorax 1.5 B60f", SeriesNumber=4,
                ),
                technique=Technique(ConvolutionKernel=("B60f",), SliceThickness=1.5),
                device=CT,
                display=Display(Rows=512, Columns=512),
                pixels=NoPixels("too_large"),
            ),
            circumstances=Circumstances(received_at=row.received_at, device_key=device_key(CT, "DR2")),
            facts=told,
            verdict=judged,
            preview=None,
        )  # fmt: skip
        files = Files(stage.services.blobs.put_bytes(sheet()) if level == "series" else None)
        claimed = Case(arrival_of(row), 1, row.kind)
        return row.id, store_set(connection, stage.services, claimed, content, outcome, files)

    case_id, stored = stage.services.db.write(write)
    assert stored.alert_id is not None
    stage.services.announcer.announce("alert", stored.alert_id)
    return case_id


def _member(connection: Connection, uid: str, level: str) -> str:
    """Any image of the set."""
    column = acquisition.c.series_uid if level == "series" else acquisition.c.study_uid
    return str(connection.scalars(select(acquisition.c.case_id).where(column == uid).limit(1)).one())
