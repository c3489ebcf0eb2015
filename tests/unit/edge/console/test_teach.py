"""The teaching page by its requests: from two exams to a template in use, who may, and what stays of patients."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest

from capture.screen import perspective
from capture.screen.library import Library
from edge.console.app import create_app
from edge.store import audit
from edge.teaching import room
from edge.teaching.desk import Desk, clear_old
from tests.teaching import IMAGE, SCREEN, ByHeart, Exam, Shown, exam, shown_on, stage_with_screen
from tests.unit.edge.console.stage import Stage

BASE = f"/teach/{SCREEN}"
HX = {"HX-Request": "true"}


@dataclass
class Bench:
    """One engineer at the page, and the screen."""

    stage: Stage
    shown: Shown
    reading: ByHeart
    browser: httpx.AsyncClient

    @property
    def library(self) -> Library:
        return Library(self.stage.services.settings.screens_path)

    async def post(self, path: str, **form: object) -> httpx.Response:
        return await self.browser.post(f"{BASE}{path}", data={k: str(v) for k, v in form.items()}, headers=HX)

    async def capture(self, name: str, one: Exam) -> httpx.Response:
        self.shown.bgr = one.bgr
        return await self.post(f"/capture/{name}")

    async def state(self, step: str = "fields") -> dict[str, object]:
        page = await self.browser.get(BASE, params={"step": step}, headers=HX)
        return state_of(page)

    async def taught(self, exams: list[Exam]) -> None:
        """Everything up to the self-test."""
        for name, one in zip("abc", exams, strict=True):
            assert (await self.capture(name, one)).status_code == 200
        assert (await self.post("/propose")).status_code == 200
        for name, one in zip("abc", exams, strict=True):
            boxes = {box["key"] for box in (await self.state())["boxes"] if box["role"] == "field"}  # type: ignore[attr-defined]
            values = [text for _, text in one.texts[1::2]]
            said = dict(zip(sorted(boxes), values, strict=True))
            assert (await self.post(f"/confirm/{name}", **said)).status_code == 200
        told = {"title": "DR room 2", "id": "dr-two", "modality": "DX", "event_mode": "exposure"}
        assert (await self.post("/settle", **told)).status_code == 200


def state_of(answer: httpx.Response) -> dict[str, object]:
    assert answer.status_code == 200, answer.text
    found = re.search(r'data-state="([^"]*)"', answer.text)
    assert found
    state: dict[str, object] = json.loads(found[1].replace("&#34;", '"').replace("&#39;", "'"))
    return state


@contextlib.asynccontextmanager
async def bench(folder: Path, exams: list[Exam]) -> AsyncIterator[Bench]:
    reading = ByHeart(exams)
    stage = stage_with_screen(folder, reading)
    shown = shown_on(stage)
    async with shown.running(), stage.logged_in("engineer") as browser:
        yield Bench(stage, shown, reading, browser)
    stage.close()


@pytest.fixture
def exams() -> list[Exam]:
    return [exam(number) for number in range(3)]


async def test_two_exams_become_a_template_in_use(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.taught(exams)
        tested = await at.post("/test")
        assert "Self-test passed" in tested.text
        saved = await at.post("/save")
        assert "Saved and in use" in saved.text
        (template,) = at.library.active(SCREEN)
        assert (template.id, template.version, template.modality, template.image) == ("dr-two", 1, "DX", IMAGE)
        fields = {field.keyword: field for field in template.fields}
        assert set(fields) == {"PatientID", "PatientName", "KVP", "Exposure", "ViewPosition"}
        assert fields["KVP"].format.decimals == (0,) and fields["Exposure"].format.decimals == (2,)
        assert set(template.witnesses) == {"Exposure"}, "kV is seldom changed: it is no witness"
        assert len(template.masks) == 1, "a field without a name is covered"
        assert len(template.anchors) == 6 and all(anchor.patch for anchor in template.anchors)
        assert len(at.library.frames("dr-two", 1)) == 3
        assert Desk(tmp_path / "screens" / "desk" / SCREEN).history() is None


async def test_no_patient_is_in_the_template_or_its_file(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.taught(exams)
        await at.post("/save")
        exported = await at.browser.get("/teach/template/dr-two/1")
        assert exported.status_code == 200
        for one in exams:
            for _, identity in one.texts[1:4:2]:
                assert identity not in exported.text
        again = await at.browser.post("/teach/import", files={"file": ("t.json", exported.content)})
        assert again.status_code == 303 and at.library.versions("dr-two") == (1,)
        rows = at.stage.services.db.read(lambda c: audit.of_subject(c, "screens"))
        assert {"screen.viewed", "template.saved", "template.exported", "template.imported"} >= {
            row.action for row in rows
        }
        assert not any("P1" in row.detail for row in rows)


async def test_an_import_is_read_whole_or_refused(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        for content, status in ((b'{"id": "x"}', 422), (b"\0" * 1000, 422), (b" " * (3 << 20), 413)):
            answer = await at.browser.post("/teach/import", files={"file": ("t.json", content)})
            assert answer.status_code == status
        assert at.library.ids() == ()


async def test_a_value_that_would_be_believed_wrongly_stops_the_saving(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.taught(exams)
        at.reading.misread = {exams[2].texts[5][1]: "99"}
        assert "1 wrong" in (await at.post("/test")).text
        assert "Saved" not in (await at.post("/save")).text
        assert at.library.ids() == ()


async def test_a_lost_decimal_point_is_to_check_and_does_not_stop_it(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.taught(exams)
        mas = exams[1].texts[7][1]
        at.reading.misread = {mas: mas.replace(".", "")}
        tested = (await at.post("/test")).text
        assert "1 to check, 0 wrong" in tested and "not as taught" in tested


async def test_the_same_exam_twice_is_noticed(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.capture("a", exams[0])
        answer = await at.capture("b", exams[0])
        assert answer.status_code == 422 and "teach.same_exam" in answer.text


async def test_a_screen_without_a_picture_or_of_another_size_says_so(
    tmp_path: Path, exams: list[Exam], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bench(tmp_path, exams) as at:
        with monkeypatch.context() as hurried:
            hurried.setattr(room, "_FRESH_S", 0.5)
            dark = await at.post("/capture/a")
        assert dark.status_code == 422 and "teach.no_picture" in dark.text
        await at.capture("a", exams[0])
        at.shown.bgr = np.zeros((480, 640, 3), np.uint8)
        other = await at.post("/capture/b")
        assert other.status_code == 422 and "teach.other_size" in other.text


async def test_undo_goes_back_and_redo_forward_also_after_a_restart(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        for name, one in zip("ab", exams, strict=False):
            await at.capture(name, one)
        before = state_of(await at.post("/propose"))
        moved = state_of(await at.post("/place", key="f1", x=200, y=100, w=50, h=20))
        assert boxes_of(moved)["f1"] == [200, 100, 50, 20]
        removed = state_of(await at.post("/remove", key="f2"))
        assert "f2" not in boxes_of(removed)
        again = create_app(at.stage.services, at.reading)
        at.browser._transport = httpx.ASGITransport(app=again, client=("10.0.0.5", 50000))
        assert boxes_of(state_of(await at.post("/undo", step="fields"))) == boxes_of(moved)
        assert boxes_of(state_of(await at.post("/undo", step="fields"))) == boxes_of(before)
        assert boxes_of(state_of(await at.post("/redo", step="fields"))) == boxes_of(moved)


def boxes_of(state: dict[str, object]) -> dict[str, list[int]]:
    return {one["key"]: one["box"] for one in state["boxes"]}  # type: ignore[attr-defined]


async def test_only_what_changed_is_read_again(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        for name, one in zip("ab", exams, strict=False):
            await at.capture(name, one)
        await at.post("/propose")
        values = f"/part/screen/{SCREEN}/values"
        first = (await at.browser.get(values, params={"of": "a"})).json()
        assert len(first) == 6 and first["f1"]["text"] == exams[0].texts[1][1]
        await at.browser.get(values, params={"of": "a"})
        await at.post("/place", key="f3", x=10, y=10, w=50, h=20)
        moved = (await at.browser.get(values, params={"of": "a"})).json()
        assert at.reading.asked == [6, 1] and moved["f3"]["text"] == ""
        live = (await at.browser.get(values, params={"of": "live"})).json()
        assert live["f1"]["text"] == exams[1].texts[1][1]


async def test_a_name_that_is_given_twice_moves_and_brings_what_is_usual(
    tmp_path: Path, exams: list[Exam]
) -> None:
    async with bench(tmp_path, exams) as at:
        for name, one in zip("ab", exams, strict=False):
            await at.capture(name, one)
        await at.post("/propose")
        page = await at.post("/field", key="f6", keyword="PatientID", kind="text")
        assert page.status_code == 200
        names = {one["key"]: (one["name"], one["secret"]) for one in state_of(page)["boxes"]}  # type: ignore[attr-defined]
        assert names["f6"] == ("Patient ID", True) and names["f1"][0] == ""


async def test_a_saved_version_can_be_changed_and_rolled_back(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.taught(exams)
        await at.post("/save")
        await at.browser.post(f"{BASE}/edit", data={"id": "dr-two", "version": "1"})
        state = await at.state()
        assert state["stamps"].keys() == {"a", "b", "c"} and len(boxes_of(state)) == 5 + 6 + 1 + 1  # type: ignore[attr-defined]
        assert "Confirm the values of all three exams" in (await at.post("/test")).text
        for name, one in zip("abc", exams, strict=True):
            values = [text for _, text in one.texts[1::2]]
            await at.post(f"/confirm/{name}", **{f"f{n}": text for n, text in enumerate(values[:5], 1)})
        assert "Saved and in use" in (await at.post("/save")).text
        assert [one.version for one in at.library.active(SCREEN)] == [2]
        await at.browser.post(f"{BASE}/back", data={"id": "dr-two"})
        assert [one.version for one in at.library.active(SCREEN)] == [1]
        await at.browser.post(f"{BASE}/drop", data={"id": "dr-two"})
        assert at.library.active(SCREEN) == ()
        await at.browser.post(f"{BASE}/use", data={"id": "dr-two", "version": "2"})
        assert [one.version for one in at.library.active(SCREEN)] == [2]
        assert (await at.browser.get("/teach")).status_code == 200


async def test_four_corners_of_a_camera_are_kept_refused_and_removed(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        folder = tmp_path / "screens" / "live" / SCREEN
        round_it = "100,50 900,60 880,500 110,480"
        assert (await at.post("/corners", points=round_it, width=960)).status_code == 200
        kept = perspective.taught(folder)
        assert kept is not None and kept.points[1] == (900, 60)
        crossed = await at.post("/corners", points="900,60 100,50 880,500 110,480", width=960)
        assert crossed.status_code == 422 and "teach.corners" in crossed.text
        assert (await at.post("/corners")).status_code == 200 and perspective.taught(folder) is None


async def test_a_pale_source_is_stretched_before_anything_is_read(tmp_path: Path) -> None:
    first = exam(0)
    pale = Exam(np.clip(first.bgr, 20, 235).astype(np.uint8), first.texts)
    async with bench(tmp_path, [pale]) as at:
        answer = await at.capture("a", pale)
        assert "limited range (16 to 235)" in answer.text
        before = (await at.browser.get(f"{BASE}/frame/a/picture")).content
        await at.post("/range", limited="true")
        assert (await at.browser.get(f"{BASE}/frame/a/picture")).content != before


@pytest.mark.parametrize("role", ["technologist", "qc-lead"])
async def test_only_an_engineer_sees_screens_and_teaches(tmp_path: Path, exams: list[Exam], role: str) -> None:
    stage = stage_with_screen(tmp_path, ByHeart(exams))
    async with stage.logged_in(role) as browser:  # type: ignore[arg-type]
        for path in ("/teach", BASE, f"{BASE}/live/picture", f"{BASE}/frame/a/picture"):
            assert (await browser.get(path)).status_code == 403
        assert (await browser.post(f"{BASE}/capture/a")).status_code == 403
        assert 'href="/teach"' not in (await browser.get("/")).text
    async with stage.browser() as stranger:
        assert (await stranger.get(BASE)).status_code == 303
    stage.close()


async def test_an_unknown_screen_does_not_exist(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        for path in ("/teach/other", "/teach/other/live/picture", "/part/screen/other/signal"):
            assert (await at.browser.get(path)).status_code == 404
        assert (await at.browser.post("/teach/other/capture/a")).status_code == 404


async def test_discarding_leaves_no_picture(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.capture("a", exams[0])
        desk = tmp_path / "screens" / "desk" / SCREEN
        assert (desk / "a.png").stat().st_mode & 0o077 == 0 and desk.stat().st_mode & 0o077 == 0
        await at.browser.post(f"{BASE}/discard")
        assert not desk.exists()


async def test_a_desk_that_nobody_touched_for_a_week_is_cleared(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        await at.capture("a", exams[0])
        desk = tmp_path / "screens" / "desk"
        touched = (desk / SCREEN).stat().st_mtime
        clear_old(desk, touched + 6 * 86_400)
        assert (desk / SCREEN).exists()
        clear_old(desk, touched + 8 * 86_400)
        assert not (desk / SCREEN).exists()


async def test_two_changes_at_once_are_both_kept(tmp_path: Path, exams: list[Exam]) -> None:
    async with bench(tmp_path, exams) as at:
        for name, one in zip("ab", exams, strict=False):
            await at.capture(name, one)
        await at.post("/propose")
        await asyncio.gather(*(at.post("/place", key=f"f{n}", x=n, y=n, w=40, h=20) for n in (1, 2, 3)))
        boxes = boxes_of(await at.state())
        assert [boxes[f"f{n}"][0] for n in (1, 2, 3)] == [1, 2, 3]
