"""For all tests: in which order their files begin, and new databases of boxes that are quickly there."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine
from structlog.dev import ConsoleRenderer, plain_traceback

from edge.store.database import Database
from edge.store.migrate import migrate

# A log that no test has configured paints an error with every value of every frame: four seconds for one line.
ConsoleRenderer.get_active().exception_formatter = plain_traceback


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a ``slow`` test first: several workers that meet them last wait for one another at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def new_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a new box's database, as the migrations make it."""
    path = tmp_path_factory.mktemp("new") / "box.db"
    Database(path).close()
    return path


@pytest.fixture(autouse=True)
def _copied_not_migrated(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, new_box: Path) -> None:
    """Hundreds of tests begin with a new box: ten migrations each time are a third of a second. Other processes,
    files that exist, and the migrations' own tests take the real way."""

    def copied(path: Path, engine: Engine) -> None:
        with engine.connect() as connection:
            target = connection.connection.driver_connection
            assert isinstance(target, sqlite3.Connection)
            new = target.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
            if new:
                with sqlite3.connect(new_box) as source:
                    source.backup(target)
                source.close()
        if not new:
            migrate(path, engine)

    if request.path.name != "test_database.py":
        monkeypatch.setattr("edge.store.database.migrate", copied)
