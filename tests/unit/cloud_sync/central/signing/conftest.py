from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cloud_sync.central.signing.people import Client, Group, Keyring


@pytest.fixture(scope="package")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    """Everybody's keys, made once for all tests: a key is only ever read."""
    return Keyring(tmp_path_factory.mktemp("ring"))


@pytest.fixture
def group(tmp_path: Path, ring: Keyring) -> Group:
    return Group(tmp_path / "repository", ring).begin()


@pytest.fixture
def client(tmp_path: Path, group: Group) -> Client:
    return Client(tmp_path / "box", group.folder, group.repository.root_bytes(), group.clock)
