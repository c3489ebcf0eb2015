from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.edge.console.stage import Stage, build


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = build(tmp_path)
    yield made
    made.close()
