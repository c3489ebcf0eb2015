"""What only one way can do to a box: a server, a proxy or a broker that holds up, cuts off, leads elsewhere."""

from __future__ import annotations

import select
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cloud_sync.central.serving.repository_app import Receive, RepositoryApp, Scope, Send
from cloud_sync.updates.fetcher import Fetcher
from cloud_sync.updates.from_folder import FromFolder
from cloud_sync.updates.over_https import OverHttps
from cloud_sync.updates.terms import Target, Untrusted
from cloud_sync.updates.trust import Trust
from tests.attacks.repository import START, Group
from tests.attacks.ways import WAYS, Pki, Way, serving
from tests.peers import PATIENCE_S

pytestmark = pytest.mark.real
CONTENT = b"content " * 60_000


@pytest.fixture(scope="module")
def base() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm") as made:
        yield Path(made)


@pytest.fixture(scope="module", params=["https", "mqtt"])
def way(request: pytest.FixtureRequest, base: Path) -> Iterator[Way]:
    with WAYS[request.param](base) as made:
        yield made


@pytest.fixture(scope="module")
def group() -> Group:
    made = Group()
    made.add(CONTENT)
    made.publish()
    return made


@pytest.fixture
def target(way: Way, group: Group) -> Target:
    way.serve(group.files)
    return next(iter(_trust(way.folder.parent / "looked-up", group, FromFolder(way.folder)).listed()))


def _trust(folder: Path, group: Group, fetcher: Fetcher | None = None) -> Trust:
    trust = Trust(folder, group.pinned(), wall=lambda: START + 1000, built=0)
    if fetcher is not None:
        trust.refresh(fetcher)
    return trust


def refused(folder: Path, group: Group, fetcher: Fetcher) -> str:
    with pytest.raises(Untrusted) as error:
        _trust(folder, group).refresh(fetcher)
    return error.value.code


def _stored(target: Target) -> str:
    return f"targets/kb/general/slices/{target.sha256}.1.zip"


@pytest.mark.parametrize(("what", "code"), [("drip", "slow"), ("cut", "download")])
def test_metadata_that_trickles_or_breaks_off(
    way: Way, group: Group, target: Target, what: str, code: str, tmp_path: Path
) -> None:
    way.interfere["metadata/timestamp.json"] = what
    assert refused(tmp_path, group, way.fetcher()) == code


@pytest.mark.parametrize(("what", "code"), [("drip", "slow"), ("cut", "download")])
def test_content_that_trickles_or_breaks_off_is_gone_on_with(
    way: Way, group: Group, target: Target, what: str, code: str, tmp_path: Path
) -> None:
    trust, out = _trust(tmp_path / "trust", group, FromFolder(way.folder)), tmp_path / "content"
    (tmp_path / "content.part").write_bytes(CONTENT[:100_000])
    way.interfere[_stored(target)] = what
    with pytest.raises(Untrusted) as error:
        trust.fetch(target, way.fetcher(), out)
    assert error.value.code == code and not out.exists()
    assert (tmp_path / "content.part").stat().st_size >= 100_000
    way.interfere.clear()
    (tmp_path / "content.part").write_bytes(CONTENT[:100_000])
    (way.folder / _stored(target)).write_bytes(b"?" * 100_000 + CONTENT[100_000:])
    trust.fetch(target, way.fetcher(), out)
    assert out.read_bytes() == CONTENT, "only the rest was fetched"
    assert not (tmp_path / "content.part").exists()


def test_a_beginning_that_was_spoilt_is_thrown_away(
    way: Way, group: Group, target: Target, tmp_path: Path
) -> None:
    trust, out = _trust(tmp_path / "trust", group, FromFolder(way.folder)), tmp_path / "content"
    (tmp_path / "content.part").write_bytes(b"evil" + CONTENT[4:1000])
    with pytest.raises(Untrusted, match="hash"):
        trust.fetch(target, way.fetcher(), out)
    trust.fetch(target, way.fetcher(), out)
    assert out.read_bytes() == CONTENT


@pytest.mark.parametrize("rest", [b"", b"more"])
def test_a_beginning_that_is_the_whole_or_more(
    way: Way, group: Group, target: Target, rest: bytes, tmp_path: Path
) -> None:
    trust, out = _trust(tmp_path / "trust", group, FromFolder(way.folder)), tmp_path / "content"
    (tmp_path / "content.part").write_bytes(CONTENT + rest)
    if rest:
        with pytest.raises(Untrusted, match="length"):
            trust.fetch(target, way.fetcher(), out)
        assert not (tmp_path / "content.part").exists()
    else:
        trust.fetch(target, way.fetcher(), out)
        assert out.read_bytes() == CONTENT


# --- HTTPS ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["https"], indirect=True)
@pytest.mark.parametrize(("what", "code"), [("elsewhere", "download"), ("stream", "length")])
def test_a_server_that_leads_elsewhere_or_never_ends(
    way: Way, group: Group, target: Target, what: str, code: str, tmp_path: Path
) -> None:
    way.interfere["metadata/timestamp.json"] = what
    assert refused(tmp_path, group, way.fetcher()) == code


@pytest.fixture(scope="module")
def pki(base: Path) -> Pki:
    return Pki(base / "authority")


@pytest.fixture(scope="module")
def port(base: Path, pki: Pki, group: Group) -> Iterator[int]:
    group.write(base / "repository")
    with serving(RepositoryApp(base / "repository"), pki) as made:
        yield made


@contextmanager
def https(url: str, *args: object, **changes: object) -> Iterator[OverHttps]:
    made = OverHttps(url, *args, **changes)  # type: ignore[arg-type]  # as the test says
    try:
        yield made
    finally:
        made.close()


def test_a_server_of_another_authority_is_not_spoken_to(
    base: Path, pki: Pki, port: int, group: Group, tmp_path: Path
) -> None:
    with https(f"https://localhost:{port}", Pki(base / "stranger").ca, *pki.issue("box-a")) as fetcher:
        assert refused(tmp_path, group, fetcher) == "download"


def test_a_server_under_another_name_is_not_spoken_to(pki: Pki, group: Group, base: Path, tmp_path: Path) -> None:
    with (
        serving(RepositoryApp(base), pki, "elsewhere.example") as port,
        https(f"https://localhost:{port}", pki.ca, *pki.issue("box-a")) as fetcher,
    ):
        assert refused(tmp_path, group, fetcher) == "download"


def test_a_box_without_a_certificate_gets_nothing(pki: Pki, port: int, group: Group, tmp_path: Path) -> None:
    with https(f"https://localhost:{port}", pki.ca) as fetcher:
        assert refused(tmp_path, group, fetcher) == "download"


def test_nobody_listens(pki: Pki, group: Group, tmp_path: Path) -> None:
    with https("https://localhost:1", pki.ca) as fetcher:
        assert refused(tmp_path, group, fetcher) == "download"


@pytest.mark.parametrize("url", ["http://localhost", "ftp://localhost", "localhost", "file:///etc"])
def test_without_tls_nothing_is_fetched(url: str, pki: Pki) -> None:
    with pytest.raises(ValueError, match="https"):
        OverHttps(url, pki.ca)


def test_through_a_proxy(pki: Pki, port: int, group: Group, tmp_path: Path) -> None:
    with (
        connect_proxy() as (proxy, connected),
        https(f"https://localhost:{port}", pki.ca, *pki.issue("box-a"), f"http://box:p%40ss@{proxy}") as fetcher,
    ):
        _trust(tmp_path, group).refresh(fetcher)
        assert connected and set(connected) == {f"CONNECT localhost:{port}"}


def test_a_proxy_that_wants_a_name(pki: Pki, port: int, group: Group, tmp_path: Path) -> None:
    with (
        connect_proxy() as (proxy, _),
        https(f"https://localhost:{port}", pki.ca, *pki.issue("box-a"), f"http://box:wrong@{proxy}") as fetcher,
    ):
        with pytest.raises(Untrusted) as error:
            _trust(tmp_path, group).refresh(fetcher)
        assert error.value.code == "download" and "wrong" not in str(error.value)


def test_a_mirror_that_knows_no_ranges(base: Path, pki: Pki, group: Group, tmp_path: Path) -> None:
    app = RepositoryApp(base / "repository")
    group.write(base / "repository")

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        await app(dict(scope) | {"headers": []}, receive, send)

    (tmp_path / "content.part").write_bytes(CONTENT[:100_000])
    with (
        serving(whole, pki) as port,
        https(f"https://localhost:{port}", pki.ca, *pki.issue("box-a")) as fetcher,
    ):
        trust = _trust(tmp_path / "trust", group, fetcher)
        trust.fetch(trust.listed()[0], fetcher, tmp_path / "content")
    assert (tmp_path / "content").read_bytes() == CONTENT


@contextmanager
def connect_proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy as hospitals have them: CONNECT and nothing else. Its address, and what was asked of it."""
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []

        def carry(client: socket.socket) -> None:
            with client:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(4096)
                method, to = head.split()[:2]
                asked.append(f"{method.decode()} {to.decode()}")
                if b"Basic " + b64encode(b"box:p@ss") not in head:
                    client.sendall(b"HTTP/1.1 407 who are you\r\nContent-Length: 0\r\n\r\n")
                    return
                host, _, number = to.decode().partition(":")
                with socket.create_connection((host, int(number))) as server:
                    client.sendall(b"HTTP/1.1 200 connected\r\n\r\n")
                    _pump(client, server)

        def accept() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threads.append(threading.Thread(target=carry, args=(client,), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
    accepting.join(PATIENCE_S)


def _pump(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [])[0]:
            try:
                piece = ready.recv(65536)
            except OSError:
                piece = b""
            if not piece:
                return
            (other if ready is one else one).sendall(piece)
