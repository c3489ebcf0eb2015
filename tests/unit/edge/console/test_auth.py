"""Who may come in, and what each role may see."""

import asyncio
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest
import time_machine
from fastapi.routing import APIRoute
from sqlalchemy import select, update

from capture.errors import Misuse
from cloud_sync.kit.secret import matches
from edge.clock import now_ms
from edge.console import api, live
from edge.console.auth import COOKIE
from edge.console.pages import administer, board, case, entry, lists, teach, teach_desk, teach_live, teach_save
from edge.store import accounts, audit, schema
from edge.store.schema import account, session
from models.rules.verdict import Grade
from tests.unit.edge.console.stage import SECRETS, Stage, build

SCREEN = {"source": "dr", "name": "a", "key": "f1", "id": "dr", "version": 1}
OPEN = {"/login", "/language", "/healthz"}


async def test_every_address_but_three_is_closed_to_a_stranger(stage: Stage) -> None:
    stage.add(Grade.FEI)
    async with stage.browser() as stranger:
        rooms = (
            board, case, lists, entry, administer, teach, teach_desk, teach_live, teach_save, live, api,
        )  # fmt: skip
        routes = [route for room in rooms for route in room.router.routes if isinstance(route, APIRoute)]
        assert len(routes) > 20
        for route in routes:
            path = route.path.format(case_id="0" * 12 + "-" + "0" * 16, action="repeat", decision_id=1, **SCREEN)
            for method in (route.methods or set()) - {"HEAD"}:
                answer = await stranger.request(method, path)
                closed = answer.status_code in (303, 401) and (
                    answer.status_code == 401 or answer.headers["location"] == "/login"
                )
                assert closed or route.path in OPEN, f"{method} {route.path}: {answer.status_code}"
        openapi = await stranger.get("/api/v1/openapi.json")
        assert openapi.status_code == 401


async def test_a_log_in_opens_a_session_that_is_stored_as_a_hash(stage: Stage) -> None:
    async with stage.browser() as browser:
        answer = await browser.post("/login", data={"name": "technologist", "secret": SECRETS["technologist"]})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        stored = stage.services.db.read(lambda c: c.scalars(select(session.c.token_hash)).all())
        assert stored == [hashlib.sha256(browser.cookies[COOKIE].encode()).hexdigest()]
        assert (await browser.get("/")).status_code == 200
        await browser.post("/logout")
        assert stage.services.db.read(lambda c: c.scalars(select(session.c.token_hash)).all()) == []
        assert (await browser.get("/")).status_code == 303


async def test_a_wrong_secret_and_an_unknown_name_look_the_same(stage: Stage) -> None:
    async with stage.browser() as browser:
        wrong = await browser.post("/login", data={"name": "technologist", "secret": "000001"})
        unknown = await browser.post("/login", data={"name": "technologisu", "secret": "000001"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace("technologist", "") == unknown.text.replace("technologisu", "")


async def test_five_failures_lock_the_account_even_for_the_right_secret(stage: Stage) -> None:
    right = {"name": "technologist", "secret": SECRETS["technologist"]}
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        async with stage.browser() as browser:
            for _ in range(5):
                await browser.post("/login", data={"name": "technologist", "secret": "000001"})
            assert (await browser.post("/login", data=right)).status_code == 401
            clock.shift(4 * 60)
            assert (await browser.post("/login", data=right)).status_code == 401
            clock.shift(2 * 60)
            assert (await browser.post("/login", data=right)).status_code == 303


async def test_a_screen_left_open_is_no_place_to_guess_a_pin(stage: Stage) -> None:
    async with stage.logged_in("technologist") as left_open:
        for n in range(5):
            guess = {"current": f"00000{n}", "fresh": "735512"}
            assert (await left_open.post("/account/secret", data=guess)).status_code == 403
        right = {"current": SECRETS["technologist"], "fresh": "735512"}
        assert (await left_open.post("/account/secret", data=right)).status_code == 403


async def test_a_clock_put_back_locks_nobody_for_years(stage: Stage) -> None:
    right = {"name": "technologist", "secret": SECRETS["technologist"]}
    with time_machine.travel(2_000_000_000, tick=True) as clock:
        async with stage.browser() as browser:
            for _ in range(5):
                await browser.post("/login", data={"name": "technologist", "secret": "000001"})
            clock.move_to(1_800_000_000)
            assert (await browser.post("/login", data=right)).status_code == 303


async def test_attempts_at_once_cannot_outrun_the_lock(stage: Stage) -> None:
    async with stage.browser() as browser:
        tries = [browser.post("/login", data={"name": "technologist", "secret": f"00000{n}"}) for n in range(9)]
        right = browser.post("/login", data={"name": "technologist", "secret": SECRETS["technologist"]})
        answers = await asyncio.gather(*tries, right)
    assert {answer.status_code for answer in answers} == {401}


async def test_a_right_secret_forgives_earlier_failures(stage: Stage) -> None:
    async with stage.browser() as browser:
        for _ in range(2):
            for _ in range(4):
                await browser.post("/login", data={"name": "technologist", "secret": "000001"})
            good = await browser.post("/login", data={"name": "technologist", "secret": SECRETS["technologist"]})
            assert good.status_code == 303


async def test_a_disabled_account_is_out_at_once(stage: Stage) -> None:
    async with stage.logged_in() as browser:
        stage.services.db.write(lambda c: accounts.disable(c, "technologist", now_ms()))
        assert (await browser.get("/")).status_code == 303
        again = await browser.post("/login", data={"name": "technologist", "secret": SECRETS["technologist"]})
        assert again.status_code == 401


async def test_a_session_ends_after_a_shift_however_busy(stage: Stage) -> None:
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        async with stage.logged_in() as browser:
            for _ in range(12 * 6 - 1):
                clock.shift(600)
                assert (await browser.get("/devices")).status_code == 200
            clock.shift(601)
            assert (await browser.get("/devices")).status_code == 303


async def test_an_idle_page_hides_patients_but_goes_on_warning(stage: Stage) -> None:
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        case = stage.add(Grade.FEI)
        async with stage.logged_in() as browser:
            assert "王 小明" in (await browser.get("/")).text
            clock.shift(16 * 60)
            page = (await browser.get("/")).text
            assert "王" not in page and "P0001" not in page
            assert "Lung field cut off" in page and "Locked because" in page
            assert (
                await browser.post(f"/case/{case}/decide/repeat", data={"reason_code": "111209"})
            ).status_code == 403
            assert "P0001" not in (await browser.get(f"/case/{case}")).text
            unlocked = await browser.post(
                "/login", data={"name": "technologist", "secret": SECRETS["technologist"]}
            )
            assert unlocked.status_code == 303
            assert "王 小明" in (await browser.get("/")).text


async def test_what_a_page_asks_by_itself_does_not_keep_it_unlocked(stage: Stage) -> None:
    with time_machine.travel(1_800_000_000, tick=True) as clock:
        case = stage.add(Grade.FEI)
        async with stage.logged_in() as browser:
            for _ in range(4):
                clock.shift(5 * 60)
                await browser.get(f"/case/{case}/picture")
            assert "Locked because" in (await browser.get("/")).text


async def test_an_engineer_never_sees_a_patient(stage: Stage) -> None:
    sentinel = "ZZSENTINEL"
    case = stage.add(Grade.FEI, name=f"{sentinel}^X", description=f"{sentinel} study")
    us = stage.add(Grade.YI, name=sentinel, modality="US")
    async with stage.logged_in("engineer") as browser:
        for path in ("/", "/devices", "/aside", f"/case/{case}", "/api/v1/cases", f"/api/v1/cases/{case}"):
            answer = await browser.get(path)
            assert answer.status_code == 200, path
            assert not any(text in answer.text for text in (sentinel, "P0001", "ZZFREETEXT")), path
        assert (await browser.get(f"/case/{case}/picture")).status_code == 200
        assert (await browser.get(f"/case/{us}/picture")).status_code == 404, "names are often burned in"
        assert (await browser.post(f"/case/{case}/acknowledge")).status_code == 403
        assert (await browser.get(f"/part/decide/{case}/repeat")).status_code == 403
    async with stage.logged_in("technologist") as browser:
        page = (await browser.get(f"/case/{case}")).text
        assert sentinel in page and "ZZFREETEXT" in page
        assert (await browser.get(f"/case/{us}/picture")).status_code == 200


async def test_a_cross_site_form_is_refused(stage: Stage) -> None:
    case = stage.add(Grade.FEI)
    async with stage.logged_in() as browser:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            assert (await browser.post(f"/case/{case}/acknowledge", headers=headers)).status_code == 403


async def test_metrics_are_for_this_machine_and_for_engineers(stage: Stage) -> None:
    async with stage.browser("127.0.0.1") as local, stage.browser("10.0.0.5") as remote:
        assert "qcbox_stage_seconds" in (await local.get("/metrics")).text
        assert (await remote.get("/metrics")).status_code == 401
        assert (await remote.get("/healthz")).json() == {"ok": True}
    async with stage.logged_in() as technologist, stage.logged_in("engineer") as engineer:
        assert (await technologist.get("/metrics")).status_code == 403
        assert (await engineer.get("/metrics")).status_code == 200


async def test_changing_a_secret_needs_the_current_one_and_ends_the_sessions(stage: Stage) -> None:
    async with stage.logged_in() as browser:
        wrong = await browser.post("/account/secret", data={"current": "111112", "fresh": "735512"})
        assert wrong.status_code == 403 and "not the current one" in wrong.text
        weak = await browser.post("/account/secret", data={"current": SECRETS["technologist"], "fresh": "1111111"})
        assert weak.status_code == 422 and "At least 6 digits" in weak.text
        done = await browser.post("/account/secret", data={"current": SECRETS["technologist"], "fresh": "735512"})
        assert done.status_code == 303
        assert (await browser.get("/")).status_code == 303
        assert (await browser.post("/login", data={"name": "technologist", "secret": "735512"})).status_code == 303


async def test_a_qc_lead_manages_accounts_and_nobody_else_does(stage: Stage) -> None:
    new = {"name": "zhang", "display_name": "张三", "role": "technologist", "secret": "904412"}
    for role in ("technologist", "engineer"):
        async with stage.logged_in(role) as other:
            assert (await other.post("/account/add", data=new)).status_code == 403
            assert "张三" not in (await other.get("/account")).text
    async with stage.logged_in("qc-lead") as lead:
        assert (await lead.post("/account/add", data=new)).status_code == 303
        assert "张三" in (await lead.get("/account")).text
        assert (await lead.post("/account/add", data=new)).status_code == 422
        assert (await lead.post("/account/add", data={**new, "name": "li", "role": "root"})).status_code == 422
        assert (await lead.post("/account/add", data={**new, "name": "li", "secret": "1234"})).status_code == 422
        assert (await lead.post("/account/reset", data={"name": "zhang", "secret": "804412"})).status_code == 303
        assert (await lead.post("/account/disable", data={"name": "zhang"})).status_code == 303
        assert (await lead.post("/account/disable", data={"name": "qc-lead"})).status_code == 403
    deeds = [one.action for one in stage.services.db.read(lambda c: audit.of_subject(c, "zhang"))]
    assert deeds == ["account.disabled", "account.reset", "account.added"]


async def test_log_ins_and_failures_are_in_the_audit_log_without_the_name_that_nobody_has(stage: Stage) -> None:
    async with stage.logged_in() as browser:
        await browser.post("/login", data={"name": "SENTINEL", "secret": "x"})
    actions = [one.action for one in stage.services.db.read(lambda c: audit.of_subject(c, "technologist"))]
    assert actions == ["login"]
    refused = stage.services.db.read(lambda c: audit.of_subject(c, "?"))
    assert [one.action for one in refused] == ["login.refused"]
    assert stage.services.db.read(audit.verify).broken_at is None


@pytest.mark.parametrize("secret", ["12345", "abcdef", "111111", "１２３４５６", ""])
def test_a_pin_that_is_too_weak_is_refused(secret: str) -> None:
    with pytest.raises(Misuse):
        accounts.check_secret("technologist", secret)


def test_a_short_password_is_refused_and_a_long_one_is_not() -> None:
    with pytest.raises(Misuse):
        accounts.check_secret("qc-lead", "123456789")
    accounts.check_secret("engineer", "1234567890")


def test_a_damaged_hash_lets_nobody_in() -> None:
    assert not matches("not a hash", "secret")
    assert not matches(None, "nobody has this secret")


async def test_the_language_is_remembered_for_the_account(stage: Stage) -> None:
    async with stage.logged_in() as browser:
        assert "Recent images" in (await browser.get("/")).text
        back = await browser.post(
            "/language", data={"language": "zh_CN"}, headers={"Referer": "http://box/devices?x"}
        )
        assert back.headers["location"] == "/devices"
        evil = await browser.post(
            "/language", data={"language": "zh_CN"}, headers={"Referer": "http://x//evil.test"}
        )
        assert evil.headers["location"] == "/"
    async with stage.logged_in() as browser:
        assert "最近的图像" in (await browser.get("/")).text


def test_a_changed_audit_row_breaks_the_chain(stage: Stage) -> None:
    db = stage.services.db
    for number in range(3):
        db.write(lambda c, n=number: audit.add(c, n, None, "login", f"subject {n}"))  # type: ignore[misc]
    assert db.read(audit.verify).broken_at is None
    table = schema.audit
    db.write(lambda c: c.execute(update(table).where(table.c.id == 2).values(subject="other")))
    assert db.read(audit.verify).broken_at == 1


async def test_secure_cookies_where_a_proxy_adds_tls(tmp_path: object) -> None:
    made = build(tmp_path, secure_cookies=True)  # type: ignore[arg-type]
    try:
        async with made.browser() as browser:
            answer = await browser.post("/login", data={"name": "technologist", "secret": SECRETS["technologist"]})
        assert "Secure" in answer.headers["set-cookie"]
    finally:
        made.close()


def test_names_of_accounts_are_unique(stage: Stage) -> None:
    same = {"name": "engineer", "display_name": "", "role": "engineer", "secret_hash": "x", "language": "en"}
    with pytest.raises(Misuse, match=r"account\.taken"):
        stage.services.db.write(lambda c: accounts.add(c, **same, now=1))
    assert stage.services.db.read(lambda c: len(c.execute(select(account)).all())) == 3


async def test_a_request_of_htmx_without_a_session_goes_to_the_log_in(stage: Stage) -> None:
    async with stage.browser() as browser:
        answer: httpx.Response = await browser.get("/part/decide/x/repeat", headers={"HX-Request": "true"})
    assert answer.status_code == 401 and answer.headers["HX-Redirect"] == "/login"


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b"]
)
async def test_a_stranger_cannot_fill_memory_or_disk(stage: Stage, kind: str) -> None:
    head = (
        b'--b\r\nContent-Disposition: form-data; name="secret"; filename="f"\r\n\r\n'
        if "multipart" in kind
        else b""
    )
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        yield head
        for taken in range(200):  # noqa: B007  # counted from outside
            yield b"x" * 16_384

    async with stage.browser() as stranger:
        answer = await stranger.post("/login", content=endless(), headers={"content-type": kind})
    assert answer.status_code in (400, 413, 422)
    assert taken < 10
