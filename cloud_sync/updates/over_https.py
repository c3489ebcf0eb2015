"""The repository from the centre by HTTPS: both sides show a certificate, a proxy may stand between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, TimeoutError
from urllib3.response import BaseHTTPResponse

from cloud_sync.updates.fetcher import Fetcher

_PIECE = 1 << 16
_RANGE = re.compile(r"bytes (\d+)-\d+/\d+")
_OK, _PARTIAL, _BEHIND_THE_END = 200, 206, 416


class OverHttps(Fetcher):
    """Believes only servers of its own authority, follows no redirection, takes no compression."""

    def __init__(
        self, url: str, ca: Path, cert: Path | None = None, key: Path | None = None, proxy: str = "", *,
        timeout_s: float = 30.0, window_s: float = 60.0,
    ) -> None:  # fmt: skip
        """``url``: the repository's address, ``https://...``; ``ca``: who signs the server; ``cert``, ``key``: the
        box's own; ``proxy``: its address, with name and password if it wants them, or nothing. ``timeout_s``: for
        the connection and between two bytes.

        Raises ValueError for an address that is not https.
        """
        if not url.startswith("https://"):
            raise ValueError("the repository is fetched by https only")
        super().__init__(window_s)
        self._url = url.rstrip("/")
        kept: dict[str, Any] = {
            "ca_certs": str(ca), "cert_reqs": "CERT_REQUIRED", "cert_file": str(cert) if cert else None,
            "key_file": str(key) if key else None, "maxsize": 1, "timeout": urllib3.Timeout(timeout_s),
            "retries": urllib3.Retry(2, connect=2, read=0, redirect=0, other=0, backoff_factor=0.2),
        }  # fmt: skip
        name = urllib3.util.parse_url(proxy).auth if proxy else None
        # urllib3 does not take name and password from the address by itself.
        headers = urllib3.make_headers(proxy_basic_auth=unquote(name)) if name else None
        self._pool = (
            urllib3.ProxyManager(proxy, proxy_headers=headers, **kept) if proxy else urllib3.PoolManager(**kept)
        )

    def pieces(self, path: str, offset: int) -> Iterator[bytes]:
        """See Fetcher."""
        try:
            yield from self._pieces(path, offset)
        except (HTTPError, OSError) as error:
            cause = error.reason if isinstance(error, MaxRetryError) else error
            # A connection that is refused at once is a kind of timeout there, too.
            slow = isinstance(cause, TimeoutError) and not isinstance(cause, NewConnectionError)
            # Not the text of these errors: it may hold the address and password of a proxy.
            raise (SlowRetrievalError if slow else DownloadError)(type(cause).__name__) from None

    def close(self) -> None:
        """No connection is kept open."""
        self._pool.clear()

    def _pieces(self, path: str, offset: int) -> Iterator[bytes]:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
        response = self._pool.request(
            "GET",
            f"{self._url}/{path}",
            headers=headers,
            preload_content=False,
            decode_content=False,
            redirect=False,
        )
        try:
            if offset and response.status == _BEHIND_THE_END:
                return
            skip = offset - _begins_at(response, offset)
            # read1, not read: a server that drips must not be waited for until a piece is full.
            while piece := response.read1(_PIECE, decode_content=False):
                yield piece[skip:]
                skip = max(0, skip - len(piece))
        finally:
            # Not given back to the pool: what a broken transfer left unread would be the next answer.
            response.close()


def _begins_at(response: BaseHTTPResponse, offset: int) -> int:
    """The first byte that comes: mirrors and proxies may send the whole file, whatever was asked for."""
    if response.status == _OK:
        return 0
    said = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if response.status != _PARTIAL or said is None or int(said[1]) > offset:
        raise DownloadHTTPError(f"status {response.status}", response.status)
    return int(said[1])
