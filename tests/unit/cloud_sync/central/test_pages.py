"""The centre's pages: closed to strangers, right in their numbers, in both languages."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import threading
from importlib.resources import files
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from cloud_sync.central import accounts, fleet
from cloud_sync.central.app import create_app
from cloud_sync.central.auth import COOKIE
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.judging import judge
from cloud_sync.central.settings import PortalSettings
from cloud_sync.central.storing import store
from cloud_sync.kit import chain
from cloud_sync.kit.i18n import Texts, missing
from cloud_sync.wire.codec import encode
from cloud_sync.wire.messages import DeviceFacts, ResultData
from tests.simulated_box import STREAM, now_ms, result_event
from tests.unit.cloud_sync.central.test_fleet import birth, say

PASSWORD = "a good long password"
HASH = accounts.hash_password(PASSWORD)
STATUS = [IngestStatus(True, 0, "")]


class Clock:
    """The wall clock, which can be put on."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return now_ms() + self.ahead


class Browser:
    """Keeps cookies between requests; follows no redirect."""

    def __init__(self, app: FastAPI, token: str = "") -> None:
        """``token``: of a session that there is."""
        self.app = app
        self._cookies = httpx.Cookies({COOKIE: token} if token else None)

    def get(self, path: str, **asked: Any) -> httpx.Response:
        return asyncio.run(self._ask("GET", path, **asked))

    def post(self, path: str, **asked: Any) -> httpx.Response:
        return asyncio.run(self._ask("POST", path, **asked))

    async def _ask(self, method: str, path: str, **asked: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://centre", cookies=self._cookies
        ) as client:
            answer = await client.request(method, path, **asked)
            self._cookies = client.cookies
        return answer


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stranger(database: Database, clock: Clock) -> Browser:
    """A browser at the centre's pages, not logged in; 12 results of one box are there."""
    STATUS[0] = IngestStatus(True, 0, "")
    say(database, birth(), now=now_ms())
    evil = ResultData(received=now_ms(), modality="MR", device=DeviceFacts(station="=cmd|'/C calc'!A0<script>"))
    with database.write() as connection:
        events = [result_event("box-a", STREAM, seq) for seq in range(1, 13)]
        events.append(result_event("box-a", STREAM, 14, data=evil))
        store(database, connection, [judge("box-a", encode(event), {}) for event in events], now_ms())
        store(database, connection, [judge("box-a", b"garbage", {"stream": STREAM, "seq": "15"})], now_ms())
        for name, role in (("qc", "qc-group"), ("boss", "admin")):
            accounts.add(connection, name, role, HASH, now_ms(), by="test")
    app = create_app(PortalSettings(language="en"), database, lambda: STATUS[0], clock)
    return Browser(app)


def log_in(client: Browser, name: str = "qc", password: str = PASSWORD) -> int:
    return client.post("/login", data={"name": name, "password": password}).status_code


@pytest.fixture
def reader(stranger: Browser) -> Browser:
    assert log_in(stranger) == 303
    return stranger


def test_every_page_is_closed_to_strangers(stranger: Browser) -> None:
    paths = ["/", "/part/boxes", "/results", "/results/1", "/problems", "/accounts", "/nowhere", "/openapi.json"]
    assert {path: stranger.get(path).status_code for path in paths} == dict.fromkeys(paths, 303)
    assert stranger.get("/export.csv").status_code == 401
    assert stranger.get("/", headers={"hx-request": "true"}).headers["hx-redirect"] == "/login"
    assert (
        stranger.post("/accounts/add", data={"name": "x", "role": "admin", "password": PASSWORD}).status_code
        == 303
    )
    assert stranger.get("/login").status_code == stranger.get("/static/app.css").status_code == 200


def test_healthz_tells_only_whether_results_come_in(stranger: Browser) -> None:
    assert stranger.get("/healthz").json() == {"ok": True}
    STATUS[0] = IngestStatus(False, 0, "unreachable")
    assert stranger.get("/healthz").status_code == 503


def test_log_in_and_out(stranger: Browser) -> None:
    assert log_in(stranger, password="wrong") == 401
    assert log_in(stranger, name="nobody") == 401
    assert log_in(stranger) == 303
    assert stranger.get("/").status_code == 200
    stranger.post("/logout")
    assert stranger.get("/").status_code == 303


def test_five_wrong_passwords_lock_for_five_minutes(stranger: Browser, clock: Clock) -> None:
    for _ in range(5):
        log_in(stranger, password="wrong")
    assert log_in(stranger) == 401
    clock.ahead = 6 * 60_000
    assert log_in(stranger) == 303


def test_a_crowd_that_logs_in_does_not_hold_up_the_pages(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    monkeypatch.setattr("cloud_sync.central.auth.matches", lambda *_: go_on.wait(120) and False)

    async def crowd() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(stranger.app), base_url="http://c") as client:
            form = {"name": "qc", "password": "wrong"}
            tries = [asyncio.create_task(client.post("/login", data=form)) for _ in range(60)]
            await asyncio.sleep(0.5)
            try:
                async with asyncio.timeout(60):
                    return (await client.get("/login")).status_code
            finally:
                go_on.set()
                await asyncio.gather(*tries)

    assert asyncio.run(crowd()) == 200


def test_a_session_ends_by_itself(reader: Browser, clock: Clock) -> None:
    clock.ahead = 13 * 3_600_000
    assert reader.get("/").status_code == 303


def test_a_stolen_cookie_is_no_use_to_another_site(reader: Browser) -> None:
    assert reader.post("/logout", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert "content-security-policy" in reader.get("/").headers


def test_the_overview_counts(reader: Browser) -> None:
    page = reader.get("/").text
    for text in ("box-a", "North", "1 / 1", "Chest rotated", "Grade A"):
        assert text in page
    assert "box-a" in reader.get("/part/boxes").text


def test_a_centre_without_broker_says_so(reader: Browser) -> None:
    STATUS[0] = IngestStatus(False, 0, "unreachable")
    assert "no connection to the broker" in reader.get("/").text


@pytest.mark.parametrize("by", ["site", "box", "device", "modality", "grade"])
def test_results_can_be_counted_by_everything(reader: Browser, by: str) -> None:
    assert reader.get("/results", params={"by": by}).status_code == 200


@pytest.mark.parametrize(
    ("asked", "rows"),
    [
        ({}, 13), ({"modality": "DX"}, 4), ({"modality": "XX"}, 0), ({"grade": "jia"}, 4), ({"grade": "none"}, 3),
        ({"site": "North"}, 13), ({"box": "box-b"}, 0), ({"device": "DR1"}, 4), ({"since": "2020-01-01"}, 13),
        ({"until": "2020-01-01"}, 0), ({"since": ""}, 13), ({"modality": "DX", "grade": "jia"}, 2),
    ],
)  # fmt: skip
def test_filters_filter(reader: Browser, asked: dict[str, str], rows: int) -> None:
    assert len(reader.get("/export.json", params=asked).json()) == rows
    assert reader.get("/results", params=asked).text.count('<td><a href="/results/') == rows
    part = reader.get("/results", params=asked, headers={"hx-request": "true"}).text
    assert "<html" not in part
    assert part.count('<td><a href="/results/') == rows


@pytest.mark.parametrize(
    "asked",
    [
        {"since": "yesterday"}, {"by": "patient"}, {"before": "x"}, {"site": "x" * 300}, {"before": str(2**63)},
        {"since": "0001-01-01"}, {"until": "9999-12-31"},
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_refused_in_words(reader: Browser, asked: dict[str, str]) -> None:
    answer = reader.get("/results", params=asked)
    assert answer.status_code == 422
    assert "makes no sense" in answer.text


def test_results_page_by_page(reader: Browser, database: Database) -> None:
    with database.write() as connection:
        events = [result_event("box-b", STREAM, seq) for seq in range(1, 60)]
        store(database, connection, [judge("box-b", encode(event), {}) for event in events], now_ms())
    say(database, birth(), now=now_ms())
    with database.write() as connection:
        fleet.seen(database, connection, {"box-b"}, now_ms())
    first = reader.get("/results").text
    assert first.count('<td><a href="/results/') == 50
    before = first.split("before=")[1].split('"')[0]
    assert reader.get("/results", params={"before": before}).text.count('<td><a href="/results/') == 22


def test_one_result_in_full(reader: Browser) -> None:
    page = reader.get("/results/4").text
    for text in ("Chest rotated", "chest.rotation_deg", "image.measure_7", "radiography-chest-pa"):
        assert text in page
    assert reader.get("/results/999").status_code == 404


def test_text_of_a_device_is_harmless_on_a_page_and_in_a_spreadsheet(reader: Browser) -> None:
    assert "<script>" not in reader.get("/results").text.replace("<script src", "")
    rows = list(csv.DictReader(io.StringIO(reader.get("/export.csv").text.removeprefix("\ufeff"))))
    assert len(rows) == 13
    assert rows[-1]["device"].startswith("'=cmd")
    assert rows[0]["score"] == "99.0"


def test_an_empty_download_is_still_a_file(reader: Browser) -> None:
    assert reader.get("/export.json", params={"box": "nobody"}).json() == []
    assert reader.get("/export.csv", params={"box": "nobody"}).text.count("\n") == 1


def test_problems_are_listed(reader: Browser) -> None:
    page = reader.get("/problems").text
    assert "json" in page
    assert '<td class="num">13</td>' in page


def test_only_an_administrator_sees_and_makes_accounts(reader: Browser) -> None:
    fresh = {"name": "new", "role": "qc-group", "password": PASSWORD}
    assert reader.get("/accounts").status_code == reader.post("/accounts/add", data=fresh).status_code == 403
    assert log_in(reader, "boss") == 303
    assert reader.post("/accounts/add", data=fresh).status_code == 303
    assert "new" in reader.get("/accounts").text
    assert reader.post("/accounts/remove", data={"name": "new"}).status_code == 303
    assert reader.post("/accounts/remove", data={"name": "new"}).status_code == 303
    assert log_in(reader, "new") == 401


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ({"name": "qc", "role": "admin", "password": PASSWORD}, "of this name already"),
        ({"name": "b ad", "role": "admin", "password": PASSWORD}, "not valid"),
        ({"name": "x", "role": "king", "password": PASSWORD}, "not valid"),
        ({"name": "x", "role": "admin", "password": "short"}, "At least 10"),
    ],
)
def test_a_wrong_account_is_refused_with_a_hint(reader: Browser, form: dict[str, str], text: str) -> None:
    log_in(reader, "boss")
    answer = reader.post("/accounts/add", data=form)
    assert answer.status_code == 422
    assert text in answer.text


def test_nobody_removes_themselves(reader: Browser) -> None:
    log_in(reader, "boss")
    assert reader.post("/accounts/remove", data={"name": "boss"}).status_code == 422


def test_deeds_are_in_an_unbroken_chain(reader: Browser, database: Database) -> None:
    reader.get("/export.csv")
    with database.read() as connection:
        rows = accounts.deeds(connection)
    assert [fields["action"] for fields, _ in rows] == [
        "account.added",
        "account.added",
        "login",
        "results.exported",
    ]
    assert chain.check(rows).broken_at is None


def test_the_language_can_be_chosen_and_stays(reader: Browser) -> None:
    answer = reader.post(
        "/language", data={"language": "zh_CN"}, headers={"referer": "http://centre/results?by=box"}
    )
    assert answer.headers["location"] == "/results?by=box"
    assert "甲级" in reader.get("/results").text
    for referer in ("http://evil//evil.example/x", "", "nonsense"):
        answer = reader.post("/language", data={"language": "en"}, headers={"referer": referer})
        assert answer.headers["location"] == "/"
    assert "Grade A" in reader.get("/results").text


def test_the_browsers_language_is_heard(stranger: Browser) -> None:
    assert "登录" in stranger.get("/login", headers={"accept-language": "zh-CN,zh;q=0.9"}).text
    assert "Log in" in stranger.get("/login", headers={"accept-language": "fr"}).text


@pytest.mark.parametrize("room", ["pages", "templates"])
def test_every_text_is_in_both_languages(room: str) -> None:
    home = files("cloud_sync.central")
    assert missing(Texts.load(home / "locales"), str(home / room)) == {}


def test_a_fault_shows_no_detail(reader: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("SENTINEL")

    monkeypatch.setattr("cloud_sync.central.queries.totals", broken)
    answer = reader.get("/")
    assert answer.status_code == 500
    assert "SENTINEL" not in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_json_of_a_result_names_nobody(reader: Browser) -> None:
    (first, *_) = json.loads(reader.get("/export.json").text)
    assert set(first) == {
        "event_id", "box", "site", "device", "institution", "modality", "body_part", "view", "grade", "score",
        "received", "latency_ms", "findings", "not_assessed",
    }  # fmt: skip
