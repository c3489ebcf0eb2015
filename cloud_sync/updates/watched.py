"""A fetcher under watch: what was asked for last and what came, so that a refusal can say of what."""

from __future__ import annotations

from collections.abc import Iterator

from tuf.ngclient.fetcher import FetcherInterface

from cloud_sync.updates.fetcher import Fetcher


class Watched(FetcherInterface):
    """For one update of the metadata."""

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        self.asked = ""
        self._pieces: list[bytes] = []

    @property
    def came(self) -> bytes:
        """The bytes of the file that was asked for last, as far as they were taken."""
        return b"".join(self._pieces)

    def _fetch(self, url: str) -> Iterator[bytes]:
        self.asked, self._pieces = url, []
        for piece in self._fetcher.fetch(url):
            self._pieces.append(piece)
            yield piece
