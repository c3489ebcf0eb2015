"""The pages of rollouts, boxes and overrides: right in their figures, closed to strangers, in both languages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cloud_sync.central import accounts
from cloud_sync.central.app import create_app
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.rollout import control, events, tables
from cloud_sync.central.rollout.terms import Plan, RolloutState
from cloud_sync.central.settings import PortalSettings
from cloud_sync.central.signing.repository import Repository
from cloud_sync.wire.control import Wanted
from cloud_sync.wire.messages import AppliedLimit
from cloud_sync.wire.words import ContentState
from tests.unit.cloud_sync.central.authoring.stage import enter
from tests.unit.cloud_sync.central.rollout.stage import Stage, release
from tests.unit.cloud_sync.central.rollout.test_events import event, override, state, take_in
from tests.unit.cloud_sync.central.test_pages import HASH, Browser

BOXES = [f"box-{number}" for number in range(5)]
TARGET = release(1)


def rolls_back(box: str, wanted: Wanted) -> ContentState:
    return ContentState.ROLLED_BACK


@pytest.fixture
def reader(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    """Somebody of the QC group, in English, at a centre where one release is published."""
    monkeypatch.setattr(Repository, "listed", lambda self, area=None: (TARGET,))
    monkeypatch.setattr(Repository, "content", lambda self, target: b"")
    stage.come(BOXES)
    with stage.database.write() as connection:
        for name in ("lead", "other"):
            accounts.add(connection, name, "qc-group", HASH, stage.now, by="test")
    app = create_app(
        PortalSettings(language="en"), stage.database, lambda: IngestStatus(True, 0, ""), lambda: stage.now
    )
    app.state.workshop.library.packs = tuple
    yield Browser(app, enter(stage.database, "lead"))
    app.state.workshop.replayer.close()


def test_a_rollout_is_started_and_stopped_on_the_page(stage: Stage, reader: Browser) -> None:
    assert "Nothing has been rolled out yet" in reader.get("/rollouts").text
    form = reader.get("/rollouts/new", params={"name": "dx-core", "version": 1}).text
    assert f'value="{TARGET.sha256}" selected' in form
    asked = {"sha256": TARGET.sha256, "soak_hours": "0.5", "stop": ["0"], "why": "a better limit"}
    assert reader.post("/rollouts/new", data=asked).headers["location"] == "/rollouts/1"
    one = stage.rollout(1)
    assert (one.plan.soak_s, one.plan.pause_after, one.started_by) == (1800, (0,), "lead")
    page = reader.get("/rollouts/1").text
    for text in ("dx-core 1", "Running", "Canary", "a better limit", "box-3", "Next wave at once"):
        assert text in page
    assert reader.post("/rollouts/1/pause", data={"why": "a doubt"}).status_code == 303
    page = reader.get("/rollouts/1").text
    assert "Resume" in page
    assert "a doubt" in page
    assert "Next wave at once" not in page
    refused = reader.post("/rollouts/1/resume", data={"why": ""})
    assert (refused.status_code, "A word why is missing" in refused.text) == (422, True)
    reader.post("/rollouts/1/resume", data={"why": "no doubt"})
    reader.post("/rollouts/1/stop")
    assert "Stops after this wave" in reader.get("/rollouts/1").text
    reader.post("/rollouts/1/abort", data={"why": "wrong"})
    assert stage.rollout(1).state is RolloutState.CANCELLED
    assert "Abort" not in reader.get("/rollouts/1").text.replace("Aborted", "")
    assert reader.post("/rollouts/1/pause", data={"why": "x"}).status_code == 422


def test_all_at_once_is_one_wave(stage: Stage, reader: Browser) -> None:
    asked = {"sha256": TARGET.sha256, "soak_hours": "0", "at_once": "true"}
    reader.post("/rollouts/new", data=asked)
    assert reader.get("/rollouts/1").text.count("<svg") == 1
    again = reader.post("/rollouts/new", data={"sha256": "0" * 64, "soak_hours": "0"})
    assert again.status_code == 404


def test_who_started_it_does_not_approve_it(stage: Stage, reader: Browser) -> None:
    with stage.database.write() as connection:
        control.start(connection, TARGET, Plan(soak_s=0, pause_after=(0,)), by="lead", now=stage.now)
    stage.settle()
    assert "Waits for approval" in reader.get("/rollouts/1").text
    refused = reader.post("/rollouts/1/approve")
    assert "does not approve its next wave" in refused.text
    other = Browser(reader.app, enter(stage.database, "other"))
    assert other.post("/rollouts/1/approve").status_code == 303
    assert stage.rollout(1).wave == 1
    assert reader.post("/rollouts/1/next", data={"why": "enough seen"}).status_code == 303
    assert stage.rollout(1).state is RolloutState.COMPLETED


def test_both_errors_and_the_reason_are_shown(stage: Stage, reader: Browser) -> None:
    for box in stage.boxes.values():
        box.behaviour = rolls_back
    stage.start(TARGET)
    stage.settle()
    failed = state(ContentState.ROLLED_BACK, stage.now, error_code="alert_rate", rollback_code="previous_broken")
    said = failed.model_copy(update={"sha256": TARGET.sha256})
    name = next(iter(stage.ran(TARGET)))
    with stage.database.write() as connection:
        events.keep(stage.database, connection, [events.Heard(99, name, "01K" + "0" * 23, 9, stage.now, said)])
        connection.execute(tables.born.delete())
    page = reader.get("/rollouts/1").text
    for text in (
        "alert_rate",
        "previous_broken",
        "3 of 3 boxes that reported: failed (100.0 %, limit 5.0 %)",
        "Paused",
    ):
        assert text in page
    assert "3 of 3 boxes" in reader.get("/rollouts").text
    page = reader.get(f"/boxes/{name}").text
    for text in ("Rolled back", "alert_rate", "previous_broken"):
        assert text in page


def test_a_page_renews_itself_and_all_of_it_when_the_state_changed(stage: Stage, reader: Browser) -> None:
    stage.start(TARGET)
    part = reader.get("/rollouts/1/part", params={"state": "running"})
    assert "<html" not in part.text
    assert "hx-refresh" not in part.headers
    assert reader.get("/rollouts/1/part", params={"state": "paused"}).headers["hx-refresh"] == "true"
    for path in ("/rollouts", "/overrides"):
        assert "<html" not in reader.get(path, headers={"hx-request": "true"}).text


def test_what_a_cancelled_release_leaves_behind_is_said(stage: Stage, reader: Browser) -> None:
    stage.start(TARGET)
    stage.settle()
    reader.post("/rollouts/1/abort", data={"why": "wrong"})
    assert "3 boxes still run this release" in reader.get("/rollouts/1").text
    assert "3 boxes still run it" in reader.get("/rollouts").text


def test_overrides_and_groups_of_a_box(stage: Stage, reader: Browser) -> None:
    take_in(stage, event(1, override(limits=(AppliedLimit(name="max_deg", value=7.5),)), box="box-a"))
    stage.come(["box-a"])
    for path in ("/overrides", "/boxes/box-a"):
        page = reader.get(path).text
        for text in ("max_deg", "7.5", "no such rule in force", "QC lead", "L4 hospital"):
            assert text in page
    assert reader.post("/boxes/box-a/groups", data={"groups": "north, south"}).status_code == 303
    assert 'value="north south"' in reader.get("/boxes/box-a").text
    assert reader.post("/boxes/box-a/groups", data={"groups": "North Pole"}).status_code == 422
    assert reader.get("/boxes/box-z").status_code == 404


def test_a_box_that_declined_is_shown_with_its_next_time(stage: Stage, reader: Browser) -> None:
    for box in stage.boxes.values():
        box.behaviour = lambda box, wanted: ContentState.REJECTED
    stage.start(TARGET)
    stage.settle()
    page = reader.get("/rollouts/1").text
    assert "1 times; asked again at" in page
    assert "trust.min_agent" in page
    stage.settle(3600)
    name = next(name for name, box in stage.boxes.items() if TARGET.sha256 in box.releases)
    shall = reader.get(f"/boxes/{name}").text
    assert 'href="/rollouts/1"' in shall
    assert "2 times" in shall


@pytest.mark.parametrize(
    ("language", "said", "help_", "nothing"),
    [
        ("en", "The signed information is out of date", "hand it a fresh copy", "Takes nothing new"),
        ("zh_CN", "签名信息已过期", "U 盘", "不接收新内容"),
    ],
)
def test_a_box_that_takes_nothing_new_is_shown(
    stage: Stage, reader: Browser, language: str, said: str, help_: str, nothing: str
) -> None:
    reader.post("/language", data={"language": language})
    assert nothing not in reader.get("/").text
    stage.boxes["box-1"].stale = "trust.expired"
    stage.come(["box-1"])
    stage.now += 30 * 60_000
    stage.come(["box-1"])
    for path in ("/", "/part/boxes"):
        page = reader.get(path).text
        assert page.count(nothing) == 1
        assert said in page
    page = reader.get("/boxes/box-1").text
    for text in (said, help_, "30 minutes" if language == "en" else "30分钟"):
        assert text in page
    assert nothing not in reader.get("/boxes/box-2").text
    stage.boxes["box-1"].stale = ""
    stage.come(["box-1"])
    assert nothing not in reader.get("/").text


def test_strangers_and_nonsense(stage: Stage, reader: Browser) -> None:
    for path in ("/rollouts/99", "/rollouts/0", "/rollouts/x", "/rollouts/99/part"):
        assert reader.get(path).status_code == 422
    assert reader.post("/rollouts/1/explode").status_code == 422
    reader.post("/logout")
    for path in ("/rollouts", "/rollouts/1", "/rollouts/new", "/boxes/box-0", "/overrides"):
        assert reader.get(path).status_code == 303
    assert reader.post("/rollouts/1/abort", data={"why": "x"}).status_code == 303
