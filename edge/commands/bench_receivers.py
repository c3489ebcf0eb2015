"""Who ``qcbox bench receive`` compares: our receiver, DCMTK's storescp, Orthanc, pynetdicom's textbook handler."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from capture.dicom.settings import DicomSettings
from capture.errors import Retry
from capture.journal import SUFFIX
from capture.spares import is_blank
from capture.spool import SpoolSettings
from capture.text import Bilingual
from cloud_sync.kit.log import configure
from edge.commands.listen import run_listener
from edge.commands.receiver import stop_on_signals

_PATIENCE_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")
_LISTENS = SpoolSettings(min_free_mb=1)
_LARGE = 1 << 18
"""Bytes from which a stored file counts as an object."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """``serve`` starts it on (folder, port) and gives its process id for as long as the context lasts."""

    name: str
    before_success: str
    """What is on disk before the C-STORE response."""
    serve: Callable[[Path, int], AbstractContextManager[int]]


@contextmanager
def _ours(store: Path, port: int) -> Iterator[int]:
    with _python(_listen, store, port) as pid:
        yield pid


@contextmanager
def _textbook(store: Path, port: int) -> Iterator[int]:
    with _python(_pynetdicom, store, port) as pid:
        yield pid


@contextmanager
def _python(target: Callable[[Path, int], None], store: Path, port: int) -> Iterator[int]:
    process = multiprocessing.get_context("spawn").Process(target=target, args=(store, port), daemon=True)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        process.join()


def _listen(store: Path, port: int) -> None:
    with Path(os.devnull).open("w") as log:
        configure("listen", stream=log)
        settings = DicomSettings(open=True, host="127.0.0.1", port=port)
        run_listener(store, _LISTENS, settings, stop=stop_on_signals())


def _pynetdicom(store: Path, port: int) -> None:
    """The storage provider of pynetdicom's documentation."""
    from pynetdicom import AE, AllStoragePresentationContexts, evt

    def handle_store(event: evt.Event) -> int:
        image = event.dataset
        image.file_meta = event.file_meta
        image.save_as(store / f"{image.SOPInstanceUID}.dcm", enforce_file_format=True)
        return 0x0000

    provider = AE()
    provider.supported_contexts = AllStoragePresentationContexts
    provider.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, handle_store)])


def _storescp(
    *options: str, environment: Mapping[str, str] = {}
) -> Callable[[Path, int], AbstractContextManager[int]]:
    @contextmanager
    def serve(store: Path, port: int) -> Iterator[int]:
        with _program(["storescp", *options, "-od", str(store), str(port)], environment) as pid:
            yield pid

    return serve


@contextmanager
def _orthanc(store: Path, port: int) -> Iterator[int]:
    settings = {
        "StorageDirectory": str(store),
        "IndexDirectory": str(store),
        "DicomPort": port,
        "HttpServerEnabled": False,
        "Plugins": [],
    }
    written = store / "orthanc.json"
    written.write_text(json.dumps(settings))
    with _program(["Orthanc", str(written)], {}) as pid:
        yield pid


@contextmanager
def _program(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[int]:
    with subprocess.Popen(  # noqa: S603
        command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


QCBOX = Receiver(
    "qcbox",
    f"object and record synced; it had room for {_LISTENS.written_ahead} CT a process written ahead",
    _ours,
)
AS_SHIPPED = Receiver("storescp", "nothing synced; as shipped", _storescp())
NO_DELAY = Receiver("storescp TCP_NODELAY=1", "nothing synced", _storescp(environment={"TCP_NODELAY": "1"}))
FORKING = Receiver(
    "storescp --fork +B", "nothing synced", _storescp("--fork", "+B", environment={"TCP_NODELAY": "1"})
)
ORTHANC = Receiver("Orthanc", "file and index synced; its defaults", _orthanc)
TEXTBOOK = Receiver("pynetdicom", "nothing synced; its documentation's handler", _textbook)


def installed(receiver: Receiver) -> bool:
    """Whether this machine can take part with it."""
    return receiver is not ORTHANC or shutil.which("Orthanc") is not None


def free_port() -> int:
    """A loopback TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(port: int) -> None:
    """Return once somebody listens there. Raises Retry ``bench.no_receiver``."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise Retry(
        "bench.no_receiver",
        Bilingual("接收程序没有启动", "The receiver did not start"),
        Bilingual("再试一次", "Try again"),
    )


def cpu_s(pid: int) -> float:
    """Processor time of a process and its children: by nanoseconds while they live, by ticks once they ended."""
    ended, alive = 0, 0.0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended while we looked
            fields = path.read_text().rpartition(")")[2].split()
            if path.parent.name == str(pid):
                ended = sum(map(int, fields[13:15]))
            if str(pid) in (path.parent.name, fields[1]):
                # What clock_getcpuclockid(3) gives; a tick is 10 ms, as much as ten images cost.
                alive += time.clock_gettime(~int(path.parent.name) << 3 | 2)
    return alive + ended / _TICKS


def stored(store: Path) -> int:
    """How many objects lie there; Orthanc's database, our journal, and files that wait for objects are none."""
    found = (path for path in store.rglob("*") if path.is_file() and path.suffix != SUFFIX)
    large = (path for path in found if not path.name.startswith("index") and path.stat().st_size > _LARGE)
    return sum(not is_blank(path) for path in large)
