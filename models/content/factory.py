"""The factory set: the packs and networks that ship with the program, and the metadata that signs them.

They lie as folders, so that people can read and change them in the repository; ``python -m deploy.factory`` signs
the packages that these folders make, with keys that are thrown away at once. The program pins the root.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from models.content.kinds import kind_of
from models.content.manifest import Kind
from models.content.package import Package, open_package, pack_up

_MODELS = Path(__file__).parents[1]
PACKS = _MODELS / "rules" / "packs"
BUNDLES = _MODELS / "bundles" / "builtin"
BUNDLE_MOST = 12_000_000
"""Bytes of one network of ours (issue 3)."""
SIGNED = _MODELS / "factory"
"""Where the metadata is: ``root.json`` and ``targets.json``."""


def packages() -> Iterator[Package]:
    """The packages that ship, one after the other: packs by name, then networks.

    They are **not verified** here: who judges with them asks ``updates.trust.factory_check(*metadata())``.

    Raises:
        capture.errors.Misuse: a file of the installation is damaged.
    """
    yield from packs()
    yield from bundles()


def packs() -> Iterator[Package]:
    """The rule packs alone."""
    return _packages(PACKS, "pack")


def bundles() -> Iterator[Package]:
    """The networks alone."""
    return _packages(BUNDLES, "bundle")


def _packages(parent: Path, kind: Kind) -> Iterator[Package]:
    for folder in sorted(parent.iterdir()):
        if kind_of(folder) == kind:
            yield open_package(pack_up(folder, kind))


def metadata() -> tuple[bytes, bytes]:
    """``root.json`` and ``targets.json`` of The Update Framework. Raises OSError: the installation is damaged."""
    return (SIGNED / "root.json").read_bytes(), (SIGNED / "targets.json").read_bytes()
