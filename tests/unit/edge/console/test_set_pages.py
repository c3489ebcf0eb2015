"""A series is one card: what to repeat, on how many images, and what a corrected verdict replaces."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

from edge.clock import now_ms
from edge.store import baseline_seeds, baselines, board, cards
from edge.store.devices import device_key
from models.baseline import FIRST, LEAST, RECENT, Alike, Lesson, Seed
from models.circumstances import Baseline
from models.content import drafts
from models.measurement import Measurement
from models.rules.verdict import Grade
from models.sets import sheet
from tests.unit.edge.console.set_stage import CT, add_images, apex_missing, judge
from tests.unit.edge.console.stage import Stage

NOISE = "noise.two_scale_sigma"


def test_the_sheet_has_the_size_that_cards_take_it_to_have() -> None:
    assert cards.SHEET == (sheet.ROWS, sheet.COLUMNS)


async def test_slices_make_no_cards_but_their_series_does(stage: Stage) -> None:
    add_images(stage, 3)
    async with stage.logged_in() as browser:
        page = (await browser.get("/")).text
        assert "Waiting for the first image" in page and "Series ×3" in page and "Study ×3" in page
        case = judge(stage, Grade.FEI, findings=(apex_missing(),))
        page = (await browser.get("/")).text
        assert page.count("data-card=") == 1 and f'data-card="{case}"' in page
        assert "add about 20 mm towards the head" in page and "Repeat before the patient leaves" in page
        assert "3 images" in page and "Series 4" in page and "Thorax 1.5 B60f" in page
        assert 'viewBox="0 0 1200 800"' in page and "of-missing" in page
    read = stage.services.db.read
    assert read(lambda c: board.graded(c, 0)) == {"fei": 1}
    assert len(read(lambda c: board.alerts_after(c, 0, 10))) == 1
    assert sum(read(lambda c: board.devices(c, 0))[0].today.values()) == 1


async def test_a_slice_that_needs_a_person_keeps_its_card(stage: Stage) -> None:
    add_images(stage, 1, grade=Grade.FEI)
    async with stage.logged_in() as browser:
        assert (await browser.get("/")).text.count("data-card=") == 1


async def test_part_of_a_series_and_a_corrected_verdict_say_so(stage: Stage) -> None:
    add_images(stage, 2)
    judge(stage, Grade.FEI, expected=4, findings=(apex_missing(),))
    async with stage.logged_in() as browser:
        assert "Judged on 2 of 4 images" in (await browser.get("/")).text
        add_images(stage, 2)
        page = (await browser.get("/")).text
        assert "More images came: it will be judged again" in page
        case = judge(stage, Grade.JIA, expected=4)
        page = (await browser.get(f"/case/{case}")).text
        assert "Corrected: replaces Level 0 of" in page and "4 images" in page and "Complete and good" in page
        board_page = (await browser.get("/")).text
        assert board_page.count("data-card=") == 1 and "Corrected: replaces" in board_page
        answer = (await browser.get(f"/api/v1/cases/{case}")).json()
        assert answer["of_set"] == {
            "level": "series", "images": 4, "expected": 4, "whole": True, "because": "association"
        }  # fmt: skip


async def test_series_study_and_images_lead_to_each_other(stage: Stage) -> None:
    images = [*add_images(stage, 2), *add_images(stage, 1, grade=Grade.YI)]
    series = judge(stage, Grade.JIA)
    study = judge(stage, Grade.JIA, "1.9", level="study")
    async with stage.logged_in() as browser:
        page = (await browser.get(f"/case/{series}")).text
        assert f"/case/{images[2]}" in page and f"/case/{images[0]}" not in page and f"/case/{study}" in page
        assert f"/case/{series}" in (await browser.get(f"/case/{study}")).text
        assert f"/case/{series}" in (await browser.get(f"/case/{images[0]}")).text
        assert "Repeat this series" in (await browser.get(f"/part/decide/{series}/repeat")).text


async def test_images_alike_are_one_line_of_their_series(stage: Stage) -> None:
    """A header lacks something in each of 300 slices: that is one thing to know."""
    add_images(stage, 1)
    alike = add_images(stage, 45, grade=Grade.YI)
    other = add_images(stage, 1, grade=Grade.FEI)
    series = judge(stage, Grade.JIA)
    async with stage.logged_in() as browser:
        page = (await browser.get(f"/case/{series}")).text
        assert f"/case/{alike[0]}" in page and f"/case/{alike[1]}" not in page and "×45" in page
        assert page.index(f"/case/{alike[0]}") < page.index(f"/case/{other[0]}")
        assert "Lung field cut off at the left, Exposure low (DI -1.4)" in page, (
            "groups differ in any of their findings"
        )


def _learn(stage: Stage, values: list[float]) -> str:
    """Numbers of the usual device, each of a case of its own."""
    to = Alike("DX", "CHEST", "PA", "ZZPROTOCOL", software="VA1")
    for value in values:
        case = stage.add(Grade.JIA, announce=False)
        stage.services.db.write(
            lambda c, case=case, value=value: baselines.learn(c, 1, case, to, {NOISE: Lesson(value)}, now_ms())  # type: ignore[misc]
        )
    return str(stage.services.db.read(lambda c: board.devices(c, 0))[0].key)


async def test_a_device_shows_its_charts_and_is_learned_anew_by_a_qc_lead(stage: Stage) -> None:
    steady = [10.0, 10.5, 9.5, 10.2, 9.8] * (FIRST // 5)
    key = _learn(stage, [*steady, *[11.0] * RECENT])
    async with stage.logged_in() as browser:
        assert f'href="/device/{key}"' in (await browser.get("/devices")).text
        page = (await browser.get(f"/device/{key}")).text
        assert page.count('<circle class="dot-') == len(steady) + RECENT and "has moved" in page
        assert "ZZPROTOCOL" in page and "120 of 200 numbers" in page
        assert f'class="tag drift" href="/device/{key}"' in (await browser.get("/")).text
        assert (await browser.post(f"/device/{key}/reset", data={"reason": "new tube"})).status_code == 403
    async with stage.logged_in("engineer") as browser:
        assert "ZZPROTOCOL" not in (await browser.get(f"/device/{key}")).text
    async with stage.logged_in("qc-lead") as browser:
        answer = await browser.post(f"/device/{key}/reset", data={"measure": NOISE, "reason": "new tube"})
        assert answer.status_code == 303
        page = (await browser.get(f"/device/{key}")).text
        assert f"Being learned: 0 of {LEAST} images" in page and "new tube" in page and "has moved" not in page
        wrong = await browser.post(f"/device/{key}/reset", data={"measure": "no.such", "reason": "x"})
        assert wrong.status_code == 422


async def test_a_device_that_has_learned_nothing_and_one_that_is_not_there(stage: Stage) -> None:
    stage.add(Grade.YI)
    key = stage.services.db.read(lambda c: board.devices(c, 0))[0].key
    async with stage.logged_in() as browser:
        assert "No baseline yet" in (await browser.get(f"/device/{key}")).text
        assert (await browser.get("/device/none-000000")).status_code == 404


async def test_a_given_baseline_is_said_until_the_device_has_its_own(stage: Stage) -> None:
    key = _learn(stage, [10.0])
    given = Seed(Alike("DX"), Baseline(NOISE, 9.0, 1.0, 200, seeded=True), "sister room")
    stage.services.db.write(lambda c: baseline_seeds.give(c, 1, [given, replace(given, source="other")], 1))
    async with stage.logged_in() as browser:
        page = (await browser.get(f"/device/{key}")).text
        assert "a given baseline stands in" in page and "sister room" in page
    assert device_key(CT, "DR2") != key


def _example(weight: str = "Thorax 1.5 B60f") -> tuple[Measurement, ...]:
    return (
        Measurement("dicom.Modality", "CT"),
        Measurement("dicom.StudyDescription", "Chest CT"),
        Measurement("dicom.SeriesDescription", weight),
        Measurement("series.is_judged", True),
        Measurement("dicom.KVP", 120.0, "kV"),
        Measurement("dicom.SliceThickness", 1.5, "mm"),
        Measurement("dicom.ConvolutionKernel", ("B60f",)),
    )


async def test_a_qc_lead_takes_the_protocol_of_a_good_study_as_a_pack_that_loads(
    stage: Stage, tmp_path: Path
) -> None:
    add_images(stage, 2)
    judge(stage, Grade.JIA, facts=_example())
    study = judge(stage, Grade.JIA, "1.9", level="study")
    async with stage.logged_in() as browser:
        assert f"/protocol/{study}" not in (await browser.get(f"/case/{study}")).text
        assert (await browser.get(f"/protocol/{study}")).status_code == 403
    async with stage.logged_in("qc-lead") as browser:
        assert f"/protocol/{study}" in (await browser.get(f"/case/{study}")).text
        page = (await browser.get(f"/protocol/{study}")).text
        assert 'value="ct-chest-ct"' in page and "Tube voltage" in page and "± 2.4 kV" in page
        assert "Not stated by the example" in page and "SpiralPitchFactor" in page
        assert 'value="true" checked' not in page
        page = (await browser.get(f"/protocol/{study}?within.KVP=5&within.Rows=&percent=1&here=true")).text
        assert "± 5 kV" in page and "± 0.015 mm" in page and 'value="true" checked' in page
        answer = await browser.get(f"/protocol/{study}/pack?name=chest-routine&within.KVP=5&here=true")
        assert answer.headers["content-type"] == "application/zip"
        zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
        assert (await browser.get(f"/protocol/{study}/pack?name=No%20Name")).status_code == 422
        assert "Protocol learned" in (await browser.get(f"/case/{study}")).text
    rules = drafts.rules([tmp_path / "chest-routine"])
    (pack,) = [pack for pack in rules.packs if pack.name == "chest-routine"]
    assert pack.scope.device_key == (device_key(CT, "DR2"),) or pack.scope.device_key == ()


async def test_a_study_without_series_to_compare_is_no_example(stage: Stage) -> None:
    add_images(stage, 1)
    study = judge(stage, Grade.JIA, "1.9", level="study")
    series = judge(stage, Grade.JIA, facts=_example()[:1])
    async with stage.logged_in("qc-lead") as browser:
        assert "No protocol can be learned from it" in (await browser.get(f"/protocol/{study}")).text
        assert (await browser.get(f"/protocol/{study}/pack?name=x")).status_code == 422
        assert (await browser.get(f"/protocol/{series}")).status_code == 404
