"""A small factory set, a quick keeper, a QC group."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.content import factory
from models.content.package import Package, open_package, pack_up
from tests.signed_content import Publisher


@pytest.fixture(autouse=True)
def small_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of the packs that ship; each is still checked against the signed list."""

    def packages() -> Iterator[Package]:
        for name in ("dicom-header", "radiography-general"):
            yield open_package(pack_up(factory.PACKS / name, "pack"))

    monkeypatch.setattr(factory, "packages", packages)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keeper looks every 50 ms."""
    monkeypatch.setattr("edge.content.keeper._LOOK_S", 0.05)


@pytest.fixture
def group(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path / "repository")
