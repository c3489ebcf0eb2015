"""Library: the networks that judge together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from capture.errors import Misuse
from capture.text import Bilingual
from models.bundles.bundle import Bundle
from models.bundles.door import family


class Library:
    """Bundles by name."""

    def __init__(self, bundles: Iterable[Bundle] = ()) -> None:
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
        """The bundle with this name, if it is there."""
        return self._bundles.get(name)

    def warm_up(self) -> None:
        """Load and run every network once."""
        for bundle in self:
            bundle.warm_up()
