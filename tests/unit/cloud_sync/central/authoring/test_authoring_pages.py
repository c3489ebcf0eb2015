"""From a limit on a page to a signed release, over HTTP: drafts, checks, replay, two persons, history."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from cloud_sync.central import accounts, schema
from cloud_sync.central.authoring import tables
from cloud_sync.kit import chain
from tests.unit.cloud_sync.central.authoring.desk import RULE, Stage
from tests.unit.cloud_sync.central.authoring.stage import PA, SHIPS, factory, fill, film, films
from tests.unit.cloud_sync.central.signing.people import PASSPHRASE


def test_rules_are_found_by_words_layer_modality_and_pack(stage: Stage) -> None:
    packs = factory()[0]
    assert f"{sum(len(pack.rules) for pack in packs)} rules in {len(packs)} packs" in stage.get("/rules")
    found = stage.get("/rules?q=rotation+scapula")
    assert "0 rules" in found and "No rule fits." in found
    assert "PA03.rotation" in stage.get("/rules?q=PA03")
    assert "PA03.rotation" not in stage.get("/rules?layer=L0")
    assert "CC07.noise" in stage.get("/rules?modality=CT") and "PA03.rotation" not in stage.get(
        "/rules?modality=CT"
    )
    part = stage.at("li").get("/rules?pack=mr-brain", headers={"hx-request": "true"}).text
    assert "<html" not in part and "MB02" in part


def test_a_rule_is_edited_in_a_form_and_undone(stage: Stage) -> None:
    stage.with_limit("0.3")
    assert 'value="0.3"' in stage.get(RULE)
    toml = stage.get("/rules/draft/1/text")
    assert "warn_ratio = { value = 0.3, min = 0.25, max = 1.0 }" in toml
    assert "# Items of design/image-qc.md, section 6.1." in toml
    assert "changed" in stage.get("/rules/draft/1")
    stage.done("/rules/draft/1/step", edit=2, to=1)
    assert 'value="0.5"' in stage.get(RULE)
    stage.done("/rules/draft/1/step", edit=1, to=2)
    assert 'value="0.3"' in stage.get(RULE)
    assert "0.5 (may be set in [0.25, 1])" in stage.get("/rules/draft/1/review")


def test_what_somebody_else_saved_is_not_overwritten(stage: Stage) -> None:
    stage.with_limit()
    answer = stage.post(RULE, "wang", **(stage.form() | {"edit": 1, "title_en": "My title"}))
    assert answer.status_code == 422
    assert "edited meanwhile" in answer.text and "My title" in answer.text
    assert stage.post("/rules/text", draft=1, edit=1, file="rules.toml", text="x").status_code == 422


def test_what_cannot_be_written_comes_back_as_typed(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    answer = stage.post(RULE, **(stage.form() | {"case_passes": "{ nonsense", "title_en": "My title"}))
    assert answer.status_code == 422
    assert "well-formed" in answer.text and "My title" in answer.text and "{ nonsense" in answer.text


_TYPED = {
    "chest.rotation_ratio > limit.warn_ratio": "Asymmetry of the clavicle ends",
    "chest.rotation_ratio >\nchest.rotaton": "Line 2, column 1: there is no name chest.rotaton",
    "chest.rotation_ratio > limit.none": "Line 1, column 24",
    "chest.rotation_ratio > 'x'": "wrong types",
    "chest.rotation_ratio >": "not a valid expression",
    "chest.rotation_ratio": "not true or false",
    "": "must say when it fails",
}


def test_an_expression_is_checked_as_it_is_typed(stage: Stage) -> None:
    limits: dict[str, Any] = {"limit_name": ["warn_ratio"], "limit_value": ["0.5"]}
    limits |= {"limit_min": [""], "limit_max": [""]}
    for typed, said in _TYPED.items():
        assert said in stage.post("/rules/check?part=fails", fails=typed, **limits).text


def test_measurements_are_found_by_their_meaning(stage: Stage) -> None:
    assert "dicom.KVP" in stage.get("/rules/names?q=KVP")
    assert "No measurement fits." in stage.get("/rules/names?q=zzz")
    assert stage.get("/rules/names").strip() == ""


def test_a_case_that_does_not_hold_is_shown_and_stops_the_draft(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    stage.edited(case_passes="{ chest.rotation_ratio = 0.7 }")
    page = stage.get(RULE)
    assert "1 cases do not hold" in page and "✗ warns" in page
    assert "✗ warns" in stage.get("/rules/draft/1/cases")
    answer = stage.post("/rules/draft/1/submit", edit=2, note="x", passphrase=PASSPHRASE)
    assert answer.status_code == 422 and "cases that do not hold" in answer.text
    assert stage.post("/rules/draft/1/try", most=10).status_code == 422


def test_text_that_is_no_toml_is_kept_and_its_place_said(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    stage.done("/rules/text", draft=1, edit=1, file="rules.toml", text="[[rule]]\nid = = 1\n")
    page = stage.get("/rules/draft/1/text?file=rules.toml")
    assert "line 2, column 6" in page and "id = = 1" in page
    assert stage.at("li").get(RULE).status_code == 404


def test_a_rule_is_added_and_removed(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    assert stage.done("/rules/draft/1/add", edit=1, id="PA99.new").endswith("?id=PA99.new")
    stage.done("/rules/draft/1/remove", edit=2, id="PA03.rotation")
    page = stage.get("/rules/draft/1/review")
    assert "PA99.new" in page and "removed" in page


def test_a_large_pack_is_saved_in_chinese_and_a_larger_form_is_not(stage: Stage) -> None:
    """A character takes nine bytes in a form; other addresses take 64 KB as before."""
    stage.done("/rules/begin", pack=PA)
    rules = factory()[1][PA].rules + "# " + "备注" * 20_000 + "\n"
    stage.done("/rules/text", draft=1, edit=1, file="rules.toml", text=rules)
    assert stage.post("/rules/draft/1/add", edit=2, id="x" * 70_000).status_code == 413


def test_a_draft_is_replayed_in_the_background(stage: Stage) -> None:
    """On the newest results of a hospital and of a box that were chosen."""
    fill(stage.database, ["box-a1", "box-b1", "box-c1"], [*films(19), film(chest__rotation_ratio=0.4)])
    stage.with_limit()
    place = stage.done("/rules/draft/1/try", most=10, site=["North"], box=["box-b1"])
    number = place.rpartition("-")[2]
    deadline = time.monotonic() + 180
    while "hx-get" in (page := stage.get(f"/rules/replay/{number}")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert "<dt>Results read</dt><dd>10</dd>" in page and "<dt>Replayed exactly</dt><dd>10</dd>" in page
    assert "PA03.rotation" in page and '<a href="/results/' in page
    assert "box-c1" not in page
    assert "verdicts change" in stage.get("/rules/draft/1/review")


def test_a_replay_whose_process_died_is_said_to_be_cut_off(stage: Stage) -> None:
    stage.done("/rules/begin", pack=PA)
    with stage.database.write() as connection:
        connection.execute(tables.replay.insert().values(
            draft=1, edit=1, account="li", at=0, sites="[]", boxes="[]", most=1, state="running"))  # fmt: skip
    assert "cut off" in stage.get("/rules/replay/1")


def test_two_persons_sign_and_the_pack_is_in_force(stage: Stage) -> None:
    stage.release()
    [target] = stage.group.repository.listed()
    assert (target.name, target.version, target.release) == (PA, SHIPS + 1, 1)
    assert target.audience.modalities == ("CR", "DX")
    [past] = stage.app.state.workshop.library.past(PA)
    assert (past.author, past.signers, past.why) == ("li", ("li", "wang"), "Warn earlier")
    page = stage.get(f"/rules/pack/{PA}")
    assert "Seen the replay" in page and "Warn earlier" in page
    assert f"in force: version {SHIPS + 1}" in stage.get(f"/rules?pack={PA}")
    review = stage.get("/rules/draft/1/review")
    assert f"/rollouts/new?name={PA}" in review
    assert f"What changed against version {SHIPS}" in review and "0.5 (may be set in [0.25, 1])" in review


def test_who_wrote_does_not_approve_and_other_content_is_not_approved(stage: Stage) -> None:
    sha256 = stage.submitted()
    own = stage.post("/rules/draft/1/approve", "li", sha256=sha256, note="", passphrase=PASSPHRASE)
    assert own.status_code == 422 and "does not approve it" in own.text
    other = stage.post("/rules/draft/1/approve", "wang", sha256="0" * 64, note="", passphrase=PASSPHRASE)
    assert other.status_code == 422 and "not what was submitted" in other.text
    wrong = stage.post("/rules/draft/1/approve", "wang", sha256=sha256, note="", passphrase="a wrong passphrase")
    assert wrong.status_code == 422 and "cannot be opened" in wrong.text
    keyless = stage.post("/rules/draft/1/approve", "ma", sha256=sha256, note="", passphrase=PASSPHRASE)
    assert keyless.status_code == 422 and "no such key" in keyless.text
    assert stage.group.repository.listed() == ()
    with stage.database.write() as connection:  # somebody with the database changes the text after its submission
        connection.execute(tables.edit.update().where(tables.edit.c.number == 2).values(cases_toml="# other\n"))
    changed = stage.post("/rules/draft/1/approve", "wang", sha256=sha256, note="", passphrase=PASSPHRASE)
    assert changed.status_code == 422 and "not what was submitted" in changed.text
    assert stage.group.repository.listed() == ()


def test_what_waits_is_not_edited_and_is_sent_back_with_a_comment(stage: Stage) -> None:
    stage.submitted()
    assert stage.post("/rules/draft/1/add", edit=2, id="PA99.new").status_code == 422
    assert stage.post("/rules/draft/1/send-back", "wang", why=" ").status_code == 422
    stage.done("/rules/draft/1/send-back", "wang", why="Too strict for bedside films")
    assert stage.group.repository.proposals() == ()
    assert "Too strict" in stage.get(f"/rules/pack/{PA}")
    stage.done("/rules/draft/1/submit", edit=2, note="Again", passphrase=PASSPHRASE)
    stage.done("/rules/draft/1/send-back", why="Taken back by me")
    stage.done("/rules/draft/1/withdraw", why="No use")
    assert "Draft withdrawn" in stage.get(f"/rules/pack/{PA}")
    stage.done("/rules/begin", pack=PA)


def test_going_back_is_a_new_release_with_the_old_content(stage: Stage) -> None:
    stage.release()
    stage.done("/rules/begin", pack=PA, version=SHIPS)
    assert f"version {SHIPS + 2}" in stage.get("/rules/draft/2")
    review = stage.get("/rules/draft/2/review", "wang")
    assert "0.3 (may be set in [0.25, 1])" in review and "0.5 (may be set in [0.25, 1])" in review
    export = stage.at("li").get(f"/rules/pack/{PA}/export.zip?version={SHIPS + 1}").content
    assert b"value = 0.3, min = 0.25" in export


def test_a_version_must_be_above_what_was_released(stage: Stage) -> None:
    stage.release()
    stage.done("/rules/begin", pack=PA)
    text = factory()[1][PA].pack
    stage.done("/rules/text", draft=2, edit=1, file="pack.toml", text=text)
    answer = stage.post("/rules/draft/2/submit", edit=2, note="x", passphrase=PASSPHRASE)
    assert answer.status_code == 422 and f"{SHIPS + 2} or more" in answer.text


def test_a_pack_goes_out_as_a_file_and_comes_back_as_a_draft(stage: Stage) -> None:
    raw = stage.at("li").get(f"/rules/pack/{PA}/export.zip").content
    assert raw.count(b"PK\x03\x04") == 3
    place = stage.at("li").post("/rules/import", files={"file": ("pack.zip", raw.replace(b"Rotated", b"Turned!"))})
    assert place.status_code == 422  # a zip knows its own damage
    stage.with_limit()
    raw = stage.at("li").get("/rules/draft/1/export.zip").content
    stage.done("/rules/draft/1/withdraw", why="From git instead")
    place = stage.at("li").post("/rules/import", files={"file": ("pack.zip", raw)})
    assert place.headers["location"] == "/rules/draft/2"
    assert 'value="0.3"' in stage.get("/rules/draft/2/rule?id=PA03.rotation")
    again = stage.at("li").post("/rules/import", files={"file": ("pack.zip", raw)})
    assert again.headers["location"] == "/rules/draft/2"


def test_an_administrator_looks_and_does_not_write(stage: Stage) -> None:
    stage.with_limit()
    for path in (
        "/rules",
        f"/rules/pack/{PA}",
        "/rules/draft/1",
        RULE,
        "/rules/draft/1/review",
        "/rules/draft/1/try",
    ):
        page = stage.get(path, "boss")
        assert "New draft" not in page and "Sign and submit" not in page and "Save and run" not in page
    deeds = ("begin", "text", "import", "check?part=fails", "draft/1/rule?id=x", "draft/1/add", "draft/1/remove",
             "draft/1/step", "draft/1/try", "draft/1/submit", "draft/1/approve", "draft/1/send-back",
             "draft/1/withdraw")  # fmt: skip
    assert {stage.post(f"/rules/{deed}", "boss").status_code for deed in deeds} == {403}


def test_every_deed_is_in_the_chain_and_no_passphrase_anywhere(stage: Stage) -> None:
    stage.release()
    with stage.database.read() as connection:
        rows = accounts.deeds(connection)
        kept = "".join(str(row) for table in (schema.audit, *tables.draft.metadata.sorted_tables)
                       for row in connection.execute(select(table)))  # fmt: skip
    actions = [fields["action"] for fields, _ in rows if str(fields["action"]).startswith("draft.")]
    assert actions == ["draft.begun", "draft.edited", "draft.submitted", "draft.approved"]
    assert chain.check(rows).broken_at is None
    assert PASSPHRASE not in kept
