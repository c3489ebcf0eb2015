"""A centre's door that listens, in a folder of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.enrolled_site import EnrolledSite


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here cuts the power, and a busy disk takes a tenth of a second for each file."""
    monkeypatch.setattr(os, "fsync", lambda number: None)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[EnrolledSite]:
    made = EnrolledSite(tmp_path)
    made.start_door(root=b'{"signed": "root"}')
    yield made
    made.close()
