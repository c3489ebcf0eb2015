"""A box of its own for every test, certificates for all of them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from socketserver import BaseServer

import pytest

from tests.certificates import Certificates, make
from tests.unit.edge.box import Box, make_box


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of a box that was just started: every migration takes its time, once is enough here."""
    made = make_box(tmp_path_factory.mktemp("empty"))
    made.db.close()
    return made.services.settings.database_path


@pytest.fixture
def box(tmp_path: Path, empty: Path) -> Iterator[Box]:
    (tmp_path / "box").mkdir()
    shutil.copy(empty, tmp_path / "box" / empty.name)
    made = make_box(tmp_path / "box")
    yield made
    made.db.close()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loops look for work sooner than they need to in a hospital, and peers hear sooner that they shall end."""
    monkeypatch.setattr(BaseServer.serve_forever, "__defaults__", (0.02,))
    monkeypatch.setattr("edge.forward.onward._LOOK_S", 0.05)
    monkeypatch.setattr("edge.forward.committing._LINGER_S", 0.4)


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make(tmp_path_factory.mktemp("pki"))
