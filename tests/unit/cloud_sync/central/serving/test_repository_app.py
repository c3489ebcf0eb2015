"""The repository over HTTP, as an ASGI client sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from cloud_sync.central.serving.repository_app import RepositoryApp

TARGET = f"targets/kb/ct/slices/{'ab' * 32}.1.zip"
CONTENT = bytes(range(256)) * 3000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in (("metadata/2.root.json", b"{}"), (TARGET, CONTENT), ("keys/secret.json", b"no")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(RepositoryApp(folder))
    async with httpx.AsyncClient(transport=transport, base_url="https://centre") as made:
        yield made


async def test_a_file_whole(client: httpx.AsyncClient) -> None:
    answer = await client.get(TARGET)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["accept-ranges"] == "bytes"
    head = await client.head(TARGET)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(CONTENT)))


@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [("bytes=5-", 5, None), ("bytes=5-9", 5, 10), (f"bytes=5-{10**9}", 5, None), ("bytes=767999-", 767_999, None)],
)
async def test_a_part(client: httpx.AsyncClient, asked: str, begin: int, end: int | None) -> None:
    answer = await client.get(TARGET, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, CONTENT[begin:end])
    assert answer.headers["content-range"] == f"bytes {begin}-{(end or len(CONTENT)) - 1}/{len(CONTENT)}"


@pytest.mark.parametrize("asked", ["bytes=-5", "bytes=1-2,5-6", "lines=1-2", "bytes=a-", ""])
async def test_a_range_of_another_kind_is_no_range(client: httpx.AsyncClient, asked: str) -> None:
    assert (await client.get(TARGET, headers={"Range": asked})).status_code == 200


@pytest.mark.parametrize("asked", ["bytes=768000-", f"bytes={10**14}-", "bytes=9-5"])
async def test_behind_the_end(client: httpx.AsyncClient, asked: str) -> None:
    answer = await client.get(TARGET, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == "bytes */768000"


@pytest.mark.parametrize(
    "path",
    ["/", "/metadata/", "/keys/secret.json", "/metadata/..%2fkeys/secret.json",
     "/metadata/%2e%2e/keys/secret.json", "/metadata/9.root.json", "/targets/kb/ct/slices/1.zip",
     "/metadata/2.root.json%00"],
)  # fmt: skip
async def test_everything_else_is_not_there(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.content) == (404, b"")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_nothing_can_be_changed(client: httpx.AsyncClient, method: str) -> None:
    assert (await client.request(method, TARGET)).status_code == 405


async def test_mounted_below_a_path(folder: Path) -> None:
    app = Starlette(routes=[Mount("/content", RepositoryApp(folder))])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://centre") as made:
        assert (await made.get("/content/metadata/2.root.json")).content == b"{}"
        assert (await made.get("/content/keys/secret.json")).status_code == 404
