"""Library: the bundles of this release, and those that a site put beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.bundle import METADATA, Bundle, read_bundle
from models.bundles.door import family
from models.catalogue import add_site_names

BUILTIN = Path(__file__).with_name("builtin")
BUILTIN_MOST = 12_000_000
"""Bytes of one bundle of ours (issue 3)."""
SITE_MOST = 64_000_000
"""Bytes of one bundle of a site, unless the site says otherwise."""


class Library:
    """Bundles by name."""

    def __init__(self, bundles: Iterable[Bundle]) -> None:
        """Raises Misuse for two of one name. Case, ``-`` and ``_`` do not count: their facts would be one."""
        self._bundles: dict[str, Bundle] = {}
        for bundle in bundles:
            taken = {family(name) for name in self._bundles}
            if family(bundle.name) in taken:
                raise Misuse(
                    "bundle.twice",
                    Bilingual(
                        f"有两个名为 {bundle.name} 的网络包（测量项同为 {family(bundle.name)}）",
                        f"two bundles have the name {bundle.name} (facts {family(bundle.name)})",
                    ),
                    Bilingual("给其中一个文件夹改名", "Give one of the folders another name"),
                )
            self._bundles[bundle.name] = bundle

    def __iter__(self) -> Iterator[Bundle]:
        return iter(self._bundles.values())

    def __len__(self) -> int:
        return len(self._bundles)

    def get(self, name: str) -> Bundle | None:
        """The bundle with this name, if it is installed."""
        return self._bundles.get(name)

    def warm_up(self) -> None:
        """Load and run every network once."""
        for bundle in self:
            bundle.warm_up()


@cache
def library() -> Library:
    """The bundles of this release, read and checked once per process.

    Raises:
        Misuse: one of them is damaged.
    """
    return Library(read_folder(BUILTIN, BUILTIN_MOST))


def load_site(folders: Iterable[Path], most: int = SITE_MOST) -> Library:
    """A site's bundles. The names of their facts enter the catalogue of this process.

    Args:
        folders: each one a bundle, or with bundles in it.
        most: bytes that one bundle may have.

    Raises:
        Misuse: a bundle is not as it must be, or has the name of another.
    """
    site = Library(bundle for folder in folders for bundle in read_folder(folder, most))
    for bundle in site:
        add_site_names(bundle.entries)
    return site


def read_folder(path: Path, most: int) -> Iterator[Bundle]:
    """The bundles in a folder, which is one or holds some.

    Raises:
        Misuse: there is none, or one is not as it must be.
    """
    if (path / METADATA).is_file():
        yield read_bundle(path, most)
        return
    inside = sorted(file.parents[1] for file in path.glob(f"*/{METADATA}")) if path.is_dir() else []
    if not inside and path != BUILTIN:
        raise Misuse(
            "bundle.none",
            Bilingual(f"{path} 中没有网络包", f"there is no bundle in {path}"),
            Bilingual(
                "网络包是含有 configs/metadata.json 的文件夹", "A bundle is a folder with configs/metadata.json"
            ),
        )
    for folder in inside:
        yield read_bundle(folder, most)
