"""The page that shows who signs, what ends, what waits, what was published."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_sync.central import accounts
from cloud_sync.central.app import create_app
from cloud_sync.central.database import Database
from cloud_sync.central.ingest import IngestStatus
from cloud_sync.central.settings import PortalSettings
from cloud_sync.central.signing.settings import PublishingSettings
from tests.unit.cloud_sync.central.signing.people import DAY_MS, Group, pack
from tests.unit.cloud_sync.central.test_pages import HASH, PASSWORD, Browser


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'central.db'}")
    with opened.write() as connection:
        accounts.add(connection, "reader", "qc-group", HASH, 0, by="test")
    yield opened
    opened.close()


def page(database: Database, repository: Path, now: int, language: str = "en") -> str:
    publishing = PublishingSettings(repository=repository)
    status = IngestStatus(True, 0, "")
    app = create_app(PortalSettings(language=language), database, lambda: status, lambda: now, publishing)
    browser = Browser(app)
    browser.post("/login", data={"name": "reader", "password": PASSWORD})
    answer = browser.get("/signing")
    assert answer.status_code == 200
    return answer.text


def test_it_shows_people_what_waits_and_what_was_published(database: Database, group: Group) -> None:
    group.published(pack())
    waiting = group.proposed(pack(2), author="zhao")
    text = page(database, group.folder, group.clock.now)
    for said in ("kb-general", "ding", waiting.id, "kb-general: 1/2 zhao", "+ completeness 1", "li, wang"):
        assert said in text
    assert "ends soon" not in text


def test_it_says_weeks_before_that_a_ceremony_is_due(database: Database, group: Group) -> None:
    assert "ends soon" in page(database, group.folder, group.clock.now + 310 * DAY_MS)
    assert "即将到期" in page(database, group.folder, group.clock.now + 310 * DAY_MS, "zh_CN")


def test_without_a_repository_it_says_how_to_begin(database: Database, tmp_path: Path) -> None:
    assert "repository init" in page(database, tmp_path / "none", 0)
