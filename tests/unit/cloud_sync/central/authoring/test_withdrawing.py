"""A release is taken out of force by two persons on the page, and the page says what the boxes come to."""

from __future__ import annotations

import re

from sqlalchemy import select

from cloud_sync.central import schema
from cloud_sync.central.rollout import tables
from cloud_sync.wire.words import ContentState
from tests.simulated_box import STREAM
from tests.unit.cloud_sync.central.authoring.desk import Stage
from tests.unit.cloud_sync.central.authoring.stage import PA, SHIPS
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE

ASK = f"/signing/withdraw?path=kb/radiography/{PA}/{SHIPS + 1}.zip"
PATH = f"kb/radiography/{PA}/{SHIPS + 1}.zip"


def run_on(stage: Stage, sha256: str, *boxes: str, before: str = "") -> None:
    """Boxes on which a release judges; ``before`` is what judged there until then."""
    with stage.database.write() as connection:
        for box in boxes:
            connection.execute(tables.content_runs.insert().values(
                box=box, name=PA, version=SHIPS + 2, sha256=sha256, stream=STREAM, seq=9))  # fmt: skip
            if before:
                connection.execute(tables.content_state.insert().values(
                    box=box, sha256=before, name=PA, version=SHIPS + 1, rollout="1", state=ContentState.SUPERSEDED,
                    error_code="", error_detail="", rollback_code="", rollback_detail="", active_at=5, at=6,
                    heard_at=7, stream=STREAM, seq=8))  # fmt: skip


def proposed(stage: Stage, **fields: str) -> str:
    said = {"path": PATH, "reason": "Warns of every second film", "passphrase": PASSPHRASE, **fields}
    return stage.done("/signing/withdraw", **said)


def test_two_persons_take_a_release_out_of_force(stage: Stage) -> None:
    stage.release()
    [target] = stage.group.repository.listed()
    run_on(stage, target.sha256, "box-a", "box-b")
    assert f'href="{ASK}"' in stage.get(f"/rules/pack/{PA}")
    assert f'href="{ASK}"' in stage.get("/signing")
    page = stage.get(ASK)
    assert f"version {SHIPS}, which ships with the program" in page
    assert "box-a, box-b" in page
    place = proposed(stage)
    assert stage.group.repository.listed() == (target,)
    assert "Who proposed it does not approve it" in stage.get(place)
    own = stage.post(f"{place}/approve", passphrase=PASSPHRASE)
    assert own.status_code == 422 and "does not approve it" in own.text
    keyless = stage.post(f"{place}/approve", "ma", passphrase=PASSPHRASE)
    assert keyless.status_code == 422 and "no such key" in keyless.text
    assert "Warns of every second film" in stage.get(place, "wang")
    stage.done(f"{place}/approve", "wang", passphrase=PASSPHRASE)
    assert stage.group.repository.listed() == ()
    [past] = stage.app.state.workshop.library.past(PA)
    assert past.gone is not None
    assert (past.gone.author, past.gone.signers, past.gone.reason) == (
        "li", ("li", "wang"), "Warns of every second film",
    )  # fmt: skip
    assert "Warns of every second film" in stage.get(f"/rules/pack/{PA}")
    assert f"in force: version {SHIPS}" in stage.get(f"/rules?pack={PA}")
    with stage.database.read() as connection:
        actions = list(connection.scalars(select(schema.audit.c.action)))
        kept = "".join(str(row) for row in connection.execute(select(schema.audit)))
    assert [one for one in actions if one.startswith("withdraw.")] == ["withdraw.proposed", "withdraw.approved"]
    assert PASSPHRASE not in kept


def test_the_release_before_stands_in_where_it_judged(stage: Stage) -> None:
    stage.release()
    [first] = stage.group.repository.listed()
    stage.done("/rules/begin", pack=PA)
    stage.done("/rules/draft/2/rule?id=PA03.rotation", **(stage.form("/rules/draft/2/rule?id=PA03.rotation")
                                                         | {"title_en": "Turned"}))  # fmt: skip
    stage.done("/rules/draft/2/submit", edit=2, note="Words", passphrase=PASSPHRASE)
    sha256 = re.search(r'name="sha256" value="([0-9a-f]{64})"', stage.get("/rules/draft/2/review", "wang"))
    assert sha256 is not None
    stage.done("/rules/draft/2/approve", "wang", sha256=sha256[1], note="", passphrase=PASSPHRASE)
    run_on(stage, sha256[1], "box-a", before=first.sha256)
    run_on(stage, sha256[1], "box-b", "box-c")
    newest = f"/signing/withdraw?path=kb/radiography/{PA}/{SHIPS + 2}.zip"
    page = stage.get(newest)
    assert re.search(rf"version {SHIPS + 1}, as before</th><td class=\"num\">1</td>", page)
    assert re.search(rf"version {SHIPS}, which ships with the program</th><td class=\"num\">2</td>", page)
    assert "No box runs it" in stage.get(ASK)
    place = proposed(stage)
    stage.done(f"{place}/approve", "wang", passphrase=PASSPHRASE)
    assert "as before" not in stage.get(newest)  # what is withdrawn stands in for nothing


def test_nothing_is_withdrawn_without_a_reason_or_twice(stage: Stage) -> None:
    stage.release()
    for fields, said in (
        ({"reason": " "}, "A word why is missing"),
        ({"passphrase": "wrong wrong wrong"}, "opened"),
    ):
        answer = stage.post(
            "/signing/withdraw", **{"path": PATH, "reason": "x", "passphrase": PASSPHRASE, **fields}
        )
        assert answer.status_code == 422 and said in answer.text
    assert stage.group.repository.proposals() == ()
    place = proposed(stage)
    again = stage.post("/signing/withdraw", "wang", path=PATH, reason="x", passphrase=PASSPHRASE)
    assert again.status_code == 422 and "has proposed" in again.text
    assert f"Withdraw {PA} {SHIPS + 1}" in stage.get("/signing")
    assert stage.post(f"{place}/drop", "wang", why="").status_code == 422
    stage.done(f"{place}/drop", "wang", why="One hospital had a broken detector")
    assert stage.group.repository.proposals() == ()
    assert len(stage.group.repository.listed()) == 1
    assert stage.at("li").get(place).status_code == 422
    assert stage.at("li").get("/signing/withdraw?path=kb/ct/none/1.zip").status_code == 404


def test_a_proposal_that_does_more_is_not_approved_here(stage: Stage) -> None:
    stage.submitted()
    [waiting] = stage.group.repository.proposals()
    assert (
        stage.post(f"/signing/withdrawal/{waiting.id}/approve", "wang", passphrase=PASSPHRASE).status_code == 422
    )
    assert stage.group.repository.listed() == ()


def test_an_administrator_looks_on(stage: Stage) -> None:
    stage.release()
    assert 'type="password"' not in stage.get(ASK, "boss")
    assert stage.post("/signing/withdraw", "boss", path=PATH, reason="x", passphrase="x" * 12).status_code == 403
