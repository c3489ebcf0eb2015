"""Drafts that would take all memory, or all time: their author is told, and nobody else notices."""

from __future__ import annotations

import io
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from capture.errors import Misuse
from cloud_sync.central.authoring import drafts, editing
from cloud_sync.central.authoring.checking import Checked
from cloud_sync.central.authoring.library import Library
from cloud_sync.central.authoring.texts import FILES, as_zip, from_zip
from cloud_sync.central.judging import judge
from cloud_sync.central.storing import store
from cloud_sync.wire.codec import encode
from tests.simulated_box import STREAM, now_ms, result_event
from tests.unit.cloud_sync.central.authoring.desk import RULE, Stage
from tests.unit.cloud_sync.central.authoring.stage import PA, factory, fill, film
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE
from tests.unit.cloud_sync.central.test_fleet import birth, say

_MANY = "[" + ",".join("1" * 90) + "]"
_LONG = '["x"]' + ".map(a, a+a)" * 20
BOMB = '["a text of many letters"]' + ".map(a, a+a)" * 25 + '.exists(a, a == "")'
ENDLESS = f'{_LONG}.exists(a, {_MANY}.exists(b, {_MANY}.exists(c, a.matches("x*y"))))'


def _checked(stage: Stage) -> Checked:
    with stage.database.read() as connection:
        text = drafts.read(connection, 1).text
    library: Library = stage.app.state.workshop.library
    return library.check(text)


def test_a_greedy_condition_is_a_mistake_of_its_rule(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    stage.edited(fails=BOMB)
    page = stage.get(RULE)
    assert "The conditions of rule PA03.rotation take more than 256 MB of memory" in page
    assert "write the condition without" in page
    checked = _checked(stage)
    [problem] = checked.problems
    assert "占用内存超过 256 MB" in problem.text.zh and "请改写条件" in problem.hint.zh
    assert {line.rule for line in checked.cases if not line.holds} == {"PA03.rotation"}
    answer = stage.post("/rules/draft/1/submit", edit=2, note="x", passphrase=PASSPHRASE)
    assert answer.status_code == 422


def test_while_one_draft_burns_pages_answer_and_results_come_in(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    stage.edited(fails=ENDLESS)
    say(stage.database, birth(), now=now_ms())
    stage.get("/results", "wang")
    rounds = 0
    with ThreadPoolExecutor(1) as pool:
        burning = pool.submit(_checked, stage)
        while not burning.done():
            stage.get("/results", "wang")
            event = judge("box-a", encode(result_event("box-a", STREAM, rounds + 1)), {})
            with stage.database.write() as connection:
                store(stage.database, connection, [event], now_ms())
            rounds += 1
    assert rounds >= 4
    [problem] = burning.result().problems
    assert problem.rule == "PA03.rotation"
    assert "take more than 2 s of processor time" in problem.text.en and "耗时超过 2 秒" in problem.text.zh


def test_a_replay_that_goes_over_a_limit_says_at_which_rule(stage: Stage) -> None:
    fill(stage.database, ["box-a1"], [film(chest__rotation_ratio=ratio) for ratio in (0.77, 0.2)])
    stage.done("/rules/begin", pack=PA)
    stage.edited(fails=f"{stage.form()['fails']} || (chest.rotation_ratio == 0.77 ? {BOMB} : false)")
    number = stage.done("/rules/draft/1/try", most=100).rpartition("-")[2]
    deadline = time.monotonic() + 180
    while "hx-get" in (page := stage.get(f"/rules/replay/{number}")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "The conditions of rule PA03.rotation take more than 512 MB of memory" in page
    assert "write the condition without" in page


def test_text_that_would_keep_a_reader_busy_is_no_toml(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    for number, text in enumerate(("a" + ".a" * 100_000 + " = 1", "a = " + "[" * 9000, "a = " + "9" * 9000), 1):
        stage.done("/rules/text", draft=1, edit=number, file="pack.toml", text=text)
        assert "Not valid TOML" in stage.get("/rules/draft/1/text?file=pack.toml")


def test_forms_leave_a_huge_text_alone() -> None:
    text = factory()[1][PA]
    with pytest.raises(Misuse, match="too large for forms"):
        editing.parsed(text.rules + "#" * 200_000)
    assert editing.case_lines(text.cases + "#" * 200_000, "PA03.rotation") == {}


def test_a_zip_is_unpacked_piece_by_piece_or_not_at_all() -> None:
    text = factory()[1][PA]
    assert from_zip(as_zip(PA, text)) == text
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", method) as archive:
            for name in FILES:
                archive.writestr(name, text.files[name])
        with pytest.raises(Misuse):
            from_zip(out.getvalue())
