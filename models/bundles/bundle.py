"""Bundle: one network with everything needed to know what it is and to run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.door import DOOR, Door, entries, read_door
from models.bundles.metadata import METADATA, NETWORK, Metadata, read_metadata
from models.bundles.onnx_file import check_contents
from models.bundles.session import Array, Session
from models.catalogue import Entry
from models.content.kinds import bundle_version
from models.content.package import Package
from models.rules.verdict import BundleUsed


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """One bundle, read and checked. The network itself is loaded when it first runs.

    Of its package it keeps the network's bytes until then, and what is under ``configs``; no goldens and no card.
    """

    name: str
    sha256: str
    """Of its package."""
    size: int
    """Bytes of its package."""
    metadata: Metadata
    configs: Mapping[str, bytes]
    """Its files under ``configs``, by path."""
    door: Door | None
    """What a bundle that is not ours says of its facts; ours have producers of their own."""
    session: Session

    @property
    def version(self) -> str:
        return self.metadata.version

    @property
    def fingerprint(self) -> BundleUsed:
        return BundleUsed(self.name, self.version, self.sha256)

    @property
    def entries(self) -> dict[str, Entry]:
        """The facts that its own declarations add to the catalogue."""
        return {} if self.door is None else entries(self.name, self.version, self.door)

    def run(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """The network's outputs by name, float32.

        Args:
            inputs: float32 arrays (n, channels, rows, columns) by the names of ``network_data_format.inputs``.

        Raises:
            Misuse: the network does not load, or something does not fit the metadata or is not finite.
        """
        return self.session.run(inputs)

    def warm_up(self) -> None:
        """Load the network and run it once on nothing, so that the first image does not wait for it."""
        self.session.run(self.session.blank())


def read_bundle(package: Package) -> Bundle:
    """Read and check one bundle.

    Raises:
        Misuse: its metadata, declarations or network are not as they must be, or its manifest is not of it.
    """
    files, where = package.files, package.name
    metadata = read_metadata(files[METADATA], f"{where}/{METADATA}")
    if bundle_version(metadata, where) != package.version:
        raise Misuse(
            "bundle.manifest",
            Bilingual(f"{where}：清单与 {METADATA} 的版本不符", f"{where}: its manifest has another version"),
            Bilingual("用 qcbox content build 重新生成", "Build it with qcbox content build"),
        )
    check_contents(files[NETWORK], f"{where}/{NETWORK}")
    form = metadata.network_data_format
    return Bundle(
        name=package.name,
        sha256=package.sha256,
        size=package.length,
        metadata=metadata,
        configs=MappingProxyType({name: files[name] for name in files if name.startswith("configs/")}),
        door=None if DOOR not in files else read_door(files[DOOR], form, f"{where}/{DOOR}"),
        session=Session(package.name, form, files[NETWORK]),
    )
