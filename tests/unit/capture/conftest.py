"""A running receiver and one connection to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.receiver import Raw, Receiver


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path) as running:
        yield running


@pytest.fixture
def raw(receiver: Receiver) -> Iterator[Raw]:
    with Raw(receiver.port) as connection:
        yield connection
