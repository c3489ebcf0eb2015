"""Pages of boxes and certificates: who may do what, and a token that is shown once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from capture.errors import Misuse
from cloud_sync.central import accounts, schema
from cloud_sync.central.app import create_app
from cloud_sync.central.enrolment import overview, revoking, tables, tokens
from cloud_sync.central.enrolment.tokens import Wish
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.pages.enrolment import Office
from cloud_sync.central.settings import PortalSettings
from cloud_sync.wire.enrolment import read_ticket
from edge.enrol.enrolling import enrol
from edge.enrol.folder import Folder
from tests.enrolled_site import CENTRE, EnrolledSite
from tests.unit.cloud_sync.central.test_pages import HASH, PASSWORD, Browser


@dataclass
class Stage:
    """One centre for all tests here; each has boxes of its own."""

    site: EnrolledSite
    admin: Browser
    looks: Browser


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    site = EnrolledSite(tmp_path_factory.mktemp("centre"))
    site.start_door()
    office = Office(site.settings, frozenset({CENTRE}))
    app = create_app(PortalSettings(), site.database, lambda: IngestStatus(True, 0, ""), site.clock, office=office)
    browsers = {role: Browser(app) for role in accounts.ROLES}
    for role, browser in browsers.items():
        with site.database.write() as connection:
            accounts.add(connection, role, role, HASH, 1, "test")
        assert browser.post("/login", data={"name": role, "password": PASSWORD}).status_code == 303
    yield Stage(site, browsers["admin"], browsers["qc-group"])
    site.close()


WISH = {"box": "b-1", "site": "深圳 <A>", "serial": "sn 1"}


def test_the_sheet_holds_a_ticket_that_works(stage: Stage, tmp_path: Path) -> None:
    site = stage.site
    admin = stage.admin
    page = admin.post("/enrolment/token", data=WISH, headers={"accept-language": "en"})
    assert page.status_code == 200 and "<svg" in page.text and "深圳 &lt;A&gt;" in page.text
    text = page.text.partition("<code>")[2].partition("</code>")[0].replace("&amp;", "&")
    ticket = read_ticket(text)
    assert ticket is not None
    with site.database.read() as connection:
        assert ticket.token not in str(connection.execute(select(tables.token)).all())
    assert ticket.token not in admin.get("/enrolment").text
    assert enrol(Folder(tmp_path / "box"), ticket, "SN1").box == "b-1"
    assert "b-1" in admin.get("/enrolment").text and admin.get("/enrolment/b-1").status_code == 200
    assert admin.get("/enrolment/nobody").status_code == 404


def test_papers_of_servers_that_end_soon_are_told(stage: Stage) -> None:
    assert "banner" not in stage.looks.get("/enrolment").text
    stage.site.issue_client("screen-wall", "wall", timedelta(days=9))
    assert "screen-wall" in stage.looks.get("/enrolment").text.partition("banner")[2].partition("</p>")[0]
    (stage.site.ca / "screen-wall.pem").unlink()


def test_a_box_that_should_have_renewed_long_ago_is_told(stage: Stage) -> None:
    site, english = stage.site, {"accept-language": "en"}
    site.enrolled("b-late")
    late = "Its renewal is late"
    assert late not in stage.looks.get("/enrolment", headers=english).text
    mine = tables.certificate.c.box == "b-late"
    with site.database.write() as connection:
        soon = site.clock() + 20 * 86_400_000
        connection.execute(tables.certificate.update().where(mine).values(not_after=soon))
    for path in ("/enrolment", "/enrolment/b-late"):
        assert late in stage.looks.get(path, headers=english).text


def test_only_administrators_let_in_and_put_out(stage: Stage) -> None:
    looks = stage.looks
    assert looks.get("/enrolment").status_code == 200 and "/enrolment/token" not in looks.get("/enrolment").text
    for path, form in (("token", WISH), ("revoke", {"box": "b-1", "reason": "lost"})):
        assert looks.post(f"/enrolment/{path}", data=form).status_code == 403


def test_a_token_cannot_be_made_for_no_box_or_the_centre_itself(stage: Stage) -> None:
    """A box named like the centre would have the centre's rights at the broker."""
    wishes = [
        {"box": CENTRE}, {"box": "centre"}, {"box": "B-1"}, {"box": "a/b"}, {"box": "+"}, {"box": ""},
        {"serial": "  "}, {"site": " "},
    ]  # fmt: skip
    for wish in wishes:
        assert stage.admin.post("/enrolment/token", data=WISH | wish).status_code == 422, wish


def test_revoking_needs_a_reason_and_is_told(stage: Stage) -> None:
    site = stage.site
    site.enrolled("b-rev")
    admin = stage.admin
    assert admin.post("/enrolment/revoke", data={"box": "b-rev", "reason": ""}).status_code == 422
    assert admin.post("/enrolment/revoke", data={"box": "b-rev", "reason": "superseded"}).status_code == 422
    form = {"box": "b-rev", "reason": "lost", "note": "van <stolen>"}
    assert admin.post("/enrolment/revoke", data=form).status_code == 303
    page = admin.get("/enrolment/b-rev", headers={"accept-language": "zh"}).text
    assert "丢失或被盗" in page and "van &lt;stolen&gt;" in page and "/enrolment/revoke" not in page
    with site.database.write() as connection:
        revoking.revoke(connection, "b-rev", "clone", "", site.clock(), "test")
        assert overview.boxes(connection, "b-rev")[0].reason == "lost", "the first reason stays"
        assert [action for fields, _ in accounts.deeds(connection) if (action := fields["action"])][
            -1
        ] == "box.revoked"


def test_a_copied_box_is_shown_with_its_certificates(stage: Stage) -> None:
    site = stage.site
    site.enrolled("b-cop")
    with site.database.write() as connection:
        connection.execute(schema.alarm.insert().values(box="b-cop", kind="clone", sha256="x", raised_at=1))
        connection.execute(tables.alarm.insert().values(box="b-cop", kind="token", key="k", raised_at=2))
    page = stage.admin.get("/enrolment", headers={"accept-language": "en"}).text
    assert page.index("A used token came again") < page.index("Two boxes use one name")


def test_one_token_a_box_and_one_box_a_plate(stage: Stage) -> None:
    site = stage.site
    site.enrolled("b-plate")
    with site.database.write() as connection:
        with pytest.raises(Misuse, match=r"enrol\.serial_taken"):
            tokens.make(connection, Wish("b-second", "S", "sn-B-PLATE"), set(), 1, 2, "test")
        tokens.make(connection, Wish("b-second", "S", "x"), set(), 10, 100, "test")
        tokens.make(connection, Wish("b-second", "S", "x"), set(), 20, 100, "test")
        assert [one.box for one in overview.waiting(connection, 30)].count("b-second") == 1, (
            "the earlier one is void"
        )
