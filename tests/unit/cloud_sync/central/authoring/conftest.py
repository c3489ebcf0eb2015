from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cloud_sync.central.database import Database
from tests.unit.cloud_sync.central.authoring.desk import Stage


@pytest.fixture
def stage(database: Database, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(database, tmp_path)
    yield made
    made.app.state.workshop.replayer.close()
