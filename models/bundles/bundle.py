"""Bundle: one network with everything needed to know what it is, to trust it and to run it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.door import Door, entries, read_door
from models.bundles.files import Files, list_files
from models.bundles.metadata import Metadata
from models.bundles.onnx_file import check_contents
from models.bundles.session import Array, Session
from models.catalogue import Entry
from models.rules.verdict import BundleUsed

METADATA = "configs/metadata.json"
NETWORK = "models/model.onnx"
CARD = "docs/README.md"
_NAME = re.compile(r"[A-Za-z0-9]+([-_][A-Za-z0-9]+)*")
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """One bundle, read and checked. The network itself is loaded when it first runs."""

    name: str
    """Its folder's name."""
    metadata: Metadata
    files: Files
    door: Door | None
    """What a bundle that is not ours says of its facts; ours have producers of their own."""
    session: Session

    @property
    def version(self) -> str:
        return self.metadata.version

    @property
    def sha256(self) -> str:
        return self.files.sha256

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


def read_bundle(folder: Path, most: int) -> Bundle:
    """Read and check one bundle.

    Args:
        folder: with ``configs/metadata.json`` and ``models/model.onnx``.
        most: bytes that all its files together may have.

    Raises:
        Misuse: its files, metadata or network are not as they must be.
    """
    name = folder.resolve().name
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise Misuse(
            "bundle.name",
            Bilingual(f"{name} 不能作网络包的名称", f"{name} cannot be the name of a bundle"),
            Bilingual("文件夹名只用字母、数字、- 和 _", "Name the folder with letters, digits, - and _ only"),
        )
    files = list_files(folder, most)
    for needed in (METADATA, NETWORK):
        if needed not in files.hashes:
            raise Misuse(
                "bundle.lacks",
                Bilingual(f"{folder} 中没有 {needed}", f"{folder} has no {needed}"),
                Bilingual("按 MONAI bundle 的目录结构放置", "Lay it out as a MONAI bundle"),
            )
    metadata = _metadata(folder / METADATA, files.read(METADATA))
    check_contents(files.read(NETWORK), folder / NETWORK)
    form = metadata.network_data_format
    session = Session(name, form, lambda: files.read(NETWORK))
    return Bundle(name, metadata, files, read_door(files, form), session)


def _metadata(path: Path, content: bytes) -> Metadata:
    try:
        return Metadata.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "JSON"
        raise Misuse(
            "bundle.metadata",
            Bilingual(f"{path}：{place}：{first['msg']}", f"{path}: {place}: {first['msg']}"),
            Bilingual(
                "见 MONAI Bundle 规范的 metadata.json 一节", "See metadata.json in the MONAI Bundle Specification"
            ),
        ) from None
