"""Sign what ships: the packages that the folders of rule packs and networks make.

python -m deploy.factory [--check]

The keys are made for this one signing and thrown away with the process, so nobody can sign a second factory set
that this program believes: the root that it pins ships with it. Run it whenever a rule pack or a network changes;
CI runs ``--check``.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from securesystemslib.signer import CryptoSigner  # type: ignore[attr-defined]  # public by its documents
from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by its documents, not for mypy
    Metadata,
    Role,
    Root,
    TargetFile,
    Targets,
)
from tuf.api.serialization.json import JSONSerializer

from cloud_sync.updates.listing import ISSUED, custom_of
from cloud_sync.updates.terms import Target, Untrusted
from cloud_sync.updates.trust import factory_check
from models.content import factory
from models.content.package import Package

NEVER = datetime(2999, 12, 31, tzinfo=UTC)
"""What ships does not run out: it is as new as the program."""
_KEYS = {"root": 3, "targets": 2, "snapshot": 1, "timestamp": 1}
"""Keys of each role; a majority of them signs. There is no snapshot and no timestamp: their keys sign nothing."""


def signed(packages: Mapping[str, Package], issued: int) -> tuple[bytes, bytes]:
    """``root.json`` and ``targets.json`` by keys that exist in this call only.

    Args:
        packages: by their path in a repository.
        issued: when, UTC milliseconds.
    """
    keys = {role: [CryptoSigner.generate_ed25519() for _ in range(count)] for role, count in _KEYS.items()}
    root = Root(
        expires=NEVER,
        keys={signer.public_key.keyid: signer.public_key for signers in keys.values() for signer in signers},
        roles={
            role: Role([signer.public_key.keyid for signer in signers], len(signers) // 2 + 1)
            for role, signers in keys.items()
        },
        consistent_snapshot=True,
    )
    listed = {path: _line(path, package) for path, package in packages.items()}
    targets = Targets(expires=NEVER, targets=listed, unrecognized_fields={ISSUED: issued})
    return _file(Metadata(root), keys["root"]), _file(Metadata(targets), keys["targets"])


def wrong(packages: Mapping[str, Package], root: bytes, targets: bytes) -> list[str]:
    """What the metadata does not vouch for, or does for nothing. Paths, or why none of it is believed."""
    try:
        check = factory_check(root, targets)
    except Untrusted as error:
        return [str(error)]
    found = [path for path, package in packages.items() if not _vouched(check, path, package)]
    listed = Metadata[Targets].from_bytes(targets).signed.targets
    return sorted([*found, *(listed.keys() - packages.keys())])


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0: all that ships is signed, or was signed now; 1: ``--check`` found something."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.factory", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when something is not signed")
    asked = parser.parse_args(arguments)
    packages = {package.manifest.path: package for package in factory.packages()}
    try:
        found = wrong(packages, *factory.metadata())
    except OSError as error:
        found = [str(error)]
    for line in found:
        print(f"not signed: {line}")
    if found and not asked.check:
        root, targets = signed(packages, time.time_ns() // 1_000_000)
        factory.SIGNED.mkdir(exist_ok=True)
        for name, content in (("root.json", root), ("targets.json", targets)):
            (factory.SIGNED / name).write_bytes(content)
        print(f"signed: {len(packages)} packages")
    return 1 if found and asked.check else 0


def _line(path: str, package: Package) -> TargetFile:
    one = package.manifest
    target = Target(
        path, package.sha256, package.length, one.name, one.kind, one.version, 1, min_agent=one.min_agent
    )
    return TargetFile(package.length, {"sha256": package.sha256}, path, {"custom": custom_of(target)})


def _vouched(check: Callable[[str, int], Target], path: str, package: Package) -> bool:
    try:
        return check(package.sha256, package.length).path == path
    except Untrusted:
        return False


def _file(metadata: Metadata[Root] | Metadata[Targets], signers: list[CryptoSigner]) -> bytes:
    for signer in signers:
        metadata.sign(signer, append=True)
    return metadata.to_bytes(JSONSerializer(compact=False))


if __name__ == "__main__":
    sys.exit(main())
