"""Every page, full and empty, in both languages; hostile text; what an error looks like; what is vendored."""

import hashlib
import json
import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

import edge.console
from cloud_sync.kit.i18n import Texts, missing
from cloud_sync.kit.web import HEADERS
from edge.clock import now_ms
from edge.console import wording
from edge.store import audit
from models.measurement import Reason
from models.rules.verdict import Grade, Severity
from tests.unit.edge.console.stage import Stage, build

ROOM = Path(edge.console.__file__).parent
PAGES = ("/", "/devices", "/aside", "/account")
HOSTILE = "<script>alert(1)</script>\"'><img src>{{7*7}}"


@pytest.mark.parametrize("language", ["en", "zh_CN"])
@pytest.mark.parametrize("filled", [False, True])
async def test_every_page_shows_in_each_language(stage: Stage, language: str, filled: bool) -> None:
    pages = list(PAGES)
    if filled:
        pages += [f"/case/{stage.add(grade)}" for grade in (*Grade, None)]
        pages.append(f"/case/{stage.set_aside()}")
    async with stage.logged_in("qc-lead") as browser:
        await browser.post("/language", data={"language": language})
        for path in pages:
            answer = await browser.get(path)
            assert answer.status_code == 200, path
            assert f'<html lang="{language.replace("_", "-")}">' in answer.text
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
            if language == "zh_CN":
                assert not re.search(r">(Accept|Repeat…|Devices|Not assessed|Grade [A-D])<", answer.text), path


async def test_empty_pages_say_what_to_do(stage: Stage) -> None:
    async with stage.logged_in() as browser:
        assert "Waiting for the first image" in (await browser.get("/")).text
        assert "Enter this box as a DICOM destination" in (await browser.get("/devices")).text
        assert "Nothing is set aside" in (await browser.get("/aside")).text


async def test_hostile_text_is_text(stage: Stage) -> None:
    case = stage.add(Grade.FEI, name=HOSTILE, description=HOSTILE)
    async with stage.logged_in() as browser:
        for path in ("/", f"/case/{case}"):
            page = (await browser.get(path)).text
            assert "<script>alert" not in page and "<img" not in page, path
            assert "&lt;script&gt;alert(1)" in page
        comment = {"reason_code": "111209", "comment": HOSTILE}
        await browser.post(f"/case/{case}/decide/override", data=comment)
        page = (await browser.get(f"/case/{case}")).text
        assert "<script>alert" not in page and "<img" not in page and "{{7*7}}" in page


async def test_no_page_has_inline_script_or_style_or_an_address_elsewhere(stage: Stage) -> None:
    case = stage.add(Grade.FEI)
    async with stage.logged_in() as browser:
        for path in ("/login", "/", "/devices", "/aside", "/account", f"/case/{case}", "/nowhere"):
            page = (await browser.get(path)).text
            assert not re.search(r"<script(?![^>]*\bsrc=)", page), path
            assert not re.search(r"\s(style|on\w+)=", page), path
            assert not re.search(r"(?:src|href|action)=[\"'](?:https?:)?//", page), path


async def test_an_address_never_holds_an_identity(stage: Stage) -> None:
    case = stage.add(Grade.FEI, name="ZZSENTINEL")
    assert re.fullmatch(r"[0-9a-f]{12}-[0-9a-f]{16}", case)
    async with stage.logged_in() as browser:
        for path in ("/", f"/case/{case}"):
            addresses = re.findall(r"(?:href|src|action|hx-[a-z]+)=\"([^\"]*)\"", (await browser.get(path)).text)
            assert addresses and not any("SENTINEL" in address or "P0001" in address for address in addresses)


async def test_a_case_page_explains_itself_and_its_view_is_audited(stage: Stage) -> None:
    case = stage.add(Grade.FEI)
    async with stage.logged_in() as browser:
        page = (await browser.get(f"/case/{case}")).text
    for text in ("EUR 16260, 3.1", "default, not yet verified", "radiography-chest-pa", "L0", "no model installed",
                 "exposure.deviation_index", "-1.4", "read in the source", "1970"):  # fmt: skip
        assert text in page, text
    assert '<rect x="1.6" y="19.2"' in page, "the region is drawn where the finding is"
    seen = stage.services.db.read(lambda c: audit.of_subject(c, case))
    assert [one.action for one in seen] == ["case.viewed"]
    async with stage.logged_in("engineer") as browser:
        await browser.get(f"/case/{case}")
    assert len(stage.services.db.read(lambda c: audit.of_subject(c, case))) == 1


async def test_a_good_image_is_praised(stage: Stage) -> None:
    stage.add(Grade.JIA)
    async with stage.logged_in() as browser:
        assert "Well done" in (await browser.get("/")).text


async def test_what_is_not_judged_does_not_look_like_a_pass(stage: Stage) -> None:
    stage.add(None)
    async with stage.logged_in() as browser:
        page = (await browser.get("/")).text
    assert "No rule pack covers this image" in page and "Well done" not in page


async def test_set_aside_cases_show_reason_and_hint(stage: Stage) -> None:
    stage.set_aside()
    async with stage.logged_in() as browser:
        for path in ("/", "/aside"):
            page = (await browser.get(path)).text
            assert "The file ends in the middle of its pixels" in page and "Send the image again" in page
        assert "dicom.truncated" in (await browser.get("/aside")).text


async def test_the_banner_tells_when_the_centre_is_away(stage: Stage) -> None:
    stage.add(Grade.JIA)
    async with stage.logged_in() as browser:
        assert "Centre not reachable" not in (await browser.get("/")).text
        stage.link[0] = "lost"
        page = (await browser.get("/")).text
    assert "Centre not reachable" in page and "1 results wait" in page and "Nothing is lost" in page


async def test_ct_speaks_of_levels(stage: Stage) -> None:
    stage.add(Grade.YI, modality="CT")
    async with stage.logged_in() as browser:
        assert "Level 2" in (await browser.get("/")).text


async def test_errors_have_a_page_a_note_and_json(stage: Stage) -> None:
    async with stage.logged_in() as browser:
        page = await browser.get("/nowhere")
        assert (
            page.status_code == 404 and "There is no such page" in page.text and "Back to the board" in page.text
        )
        note = await browser.get("/nowhere", headers={"HX-Request": "true"})
        assert note.status_code == 404 and note.text.startswith('<p class="note">')
        told = (await browser.get("/api/v1/cases/1")).json()
        assert told["code"] == "http.422" and set(told["text"]) == {"zh", "en"}
        assert (await browser.get("/case/not-an-id")).status_code == 422
        assert (await browser.get("/case/" + "0" * 12 + "-" + "0" * 16)).status_code == 404


async def test_a_bug_shows_no_inside_and_logs_no_text(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    async def broken() -> None:
        raise ValueError("ZZSENTINEL")

    stage.app.add_api_route("/broken", broken)
    async with stage.logged_in() as browser:
        answer = await browser.get("/broken")
    assert answer.status_code == 500 and "No image and no verdict is lost" in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    logged = capsys.readouterr().out
    assert "request.failed" in logged and "test_pages.py" in logged
    assert "SENTINEL" not in logged + answer.text


@pytest.mark.parametrize("gone", [True, False])
async def test_a_picture_that_is_gone_is_not_there(stage: Stage, gone: bool) -> None:
    case = stage.add(Grade.YI)
    if gone:
        for blob in stage.services.blobs.each():
            blob.unlink()
    async with stage.logged_in() as browser:
        answer = await browser.get(f"/case/{case}/picture")
        assert answer.status_code == (404 if gone else 200)
        assert gone or answer.headers["content-type"] == "image/jpeg"


async def test_times_are_those_of_the_site(stage: Stage) -> None:
    case = stage.add(Grade.YI)
    async with stage.logged_in() as browser:
        page = (await browser.get(f"/case/{case}")).text
    zone = ZoneInfo("Asia/Shanghai")
    from cloud_sync.kit.web import local

    assert local(int(case[:12], 16), zone) in page
    assert abs(int(case[:12], 16) - now_ms()) < 60_000


def test_every_text_is_in_both_languages_with_the_same_placeholders() -> None:
    texts = Texts.load(ROOM / "locales")
    assert missing(texts, str(ROOM)) == {}
    zh, en = texts.catalogues["zh_CN"], texts.catalogues["en"]
    assert set(zh) == set(en)
    for msgid in en:
        assert set(re.findall(r"\{\w+\}", zh[msgid])) == set(re.findall(r"\{\w+\}", msgid)), msgid
        assert en[msgid] == msgid


def test_every_word_of_the_closed_sets_has_a_wording() -> None:
    assert {key for family, key in wording.WORDS if family == "missing"} == set(Reason)
    assert {key for family, key in wording.WORDS if family == "severity"} == set(Severity)
    for family in ("grade", "level", "means"):
        assert {key for found, key in wording.WORDS if found == family} == {*Grade, "none"}


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("WANG^XIAOMING=王^小明", "王 小明"),
        ("Doe^John^^Dr", "Doe John Dr"),
        ("=山田^太郎=やまだ^たろう", "山田 太郎"),
        ("^^^^", ""),
        ("", ""),
    ],
)
def test_a_person_name_reads_as_people_write_it(header: str, shown: str) -> None:
    assert wording.person(header) == shown


def test_vendored_files_are_those_named_in_the_notice() -> None:
    notice = (ROOM / "static" / "NOTICE").read_text(encoding="utf-8")
    named = re.findall(r"^(\S+\.js) .*\n\s+sha256 ([0-9a-f]{64})", notice, re.M)
    assert [name for name, _ in named] == ["htmx.min.js", "sse.min.js"]
    for name, sha256 in named:
        assert hashlib.sha256((ROOM / "static" / name).read_bytes()).hexdigest() == sha256


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", ["text", "muted", "accent", "jia", "yi", "bing", "fei", "none"])
@pytest.mark.parametrize("ground", ["ground", "panel", "raised"])
def test_text_has_the_contrast_of_level_aa(colour: str, ground: str) -> None:
    css = (ROOM / "static" / "app.css").read_text(encoding="utf-8")
    colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6});", css))
    light, dark = luminance(colours[colour]), luminance(colours[ground])
    assert (light + 0.05) / (dark + 0.05) >= 4.5


@time_machine.travel(1_800_000_000, tick=True)  # at midnight a device has no alerts of today
async def test_the_api_tells_cases_alerts_and_devices_without_patients(stage: Stage) -> None:
    case = stage.add(Grade.FEI, name="ZZSENTINEL", description="ZZSENTINEL")
    async with stage.logged_in("technologist") as browser:
        listed = (await browser.get("/api/v1/cases")).json()
        whole = (await browser.get(f"/api/v1/cases/{case}")).json()
        alerts = (await browser.get("/api/v1/alerts")).json()
        devices = (await browser.get("/api/v1/devices")).json()
        assert (await browser.get("/api/v1/alerts?after=1")).json() == []
        assert (await browser.get("/api/v1/cases?limit=0")).status_code == 422
        wish = {"case_id": case, "action": "repeat", "reason_code": "111209"}
        made = await browser.post("/api/v1/decisions", json=wish)
        assert made.status_code == 201 and made.json()["action"] == "repeat"
        assert (await browser.get("/api/v1/cases")).json()[0]["decision"] == "repeat"
        undone = await browser.delete(f"/api/v1/decisions/{made.json()['id']}")
        assert undone.status_code == 200 and undone.json()["undone_at"] is not None
        bad = await browser.post("/api/v1/decisions", json={**wish, "reason_code": "1"})
        assert bad.status_code == 422 and bad.json()["code"] == "decision.reason"
    assert listed[0]["id"] == case and listed[0]["grade"] == "fei" and listed[0]["score"] == 43
    assert [fact["name"] for fact in whole["measurements"]][:1] == ["chest.rotation_deg"]
    assert alerts[0]["case_id"] == case and devices[0]["today"] == {"fei": 1}
    assert "SENTINEL" not in json.dumps([listed, whole, alerts, devices])
    assert "P0001" not in json.dumps([listed, whole, alerts, devices])


async def test_the_api_describes_itself(stage: Stage) -> None:
    async with stage.logged_in("engineer") as browser:
        told = (await browser.get("/api/v1/openapi.json")).json()
        assert (await browser.post("/api/v1/decisions", json={})).status_code == 403
    assert set(told["paths"]) == {
        "/api/v1/cases", "/api/v1/cases/{case_id}", "/api/v1/alerts", "/api/v1/devices", "/api/v1/decisions",
        "/api/v1/decisions/{decision_id}",
    }  # fmt: skip


async def test_a_full_disk_is_called_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log-in writes; whoever is turned away must know why."""

    async def full(*_: object) -> None:
        raise OperationalError("insert", {}, Exception("database or disk is full"))

    monkeypatch.setattr(stage.services.db, "awrite", full)
    async with stage.browser() as browser:
        answer = await browser.post("/login", data={"name": "lead", "secret": "x"})
    assert answer.status_code == 507 and "磁盘已满" in answer.text


async def test_shown_regions_never_leave_the_picture(tmp_path: Path) -> None:
    stage = build(tmp_path)
    try:
        stage.add(Grade.FEI, size=(3000, 2500))
        async with stage.logged_in() as browser:
            page = (await browser.get("/")).text
        assert (
            'viewBox="0 0 2500 3000"' in page
            and '<rect x="50.0" y="600.0" width="300.0" height="1800.0"/>' in page
        )
    finally:
        stage.close()
