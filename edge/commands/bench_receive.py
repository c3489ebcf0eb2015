"""``qcbox bench receive``: our receiver against DCMTK's ``storescp``, in the same run, with the same sender."""

from __future__ import annotations

import json as json_text
import multiprocessing
import os
import random
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from capture.dicom.settings import DicomSettings
from capture.errors import Misuse, Retry
from capture.spool import SpoolSettings
from capture.text import Bilingual
from edge.commands.listen import run_listener

_PATIENCE_S = 30.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Run:
    """One receiver in one round."""

    receiver: str
    images_per_s: float
    cpu_ms_per_image: float


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over the rounds; the ratio is ours over theirs of the same round."""

    receiver: str
    before_success: str
    images_per_s: float
    cpu_ms_per_image: float
    qcbox_speed_ratio: float


@dataclass(frozen=True, slots=True)
class Receiver:
    """``serve`` starts it on (folder, port) and gives its process id for as long as the context lasts."""

    name: str
    before_success: str
    """What is on disk before the C-STORE response."""
    serve: Callable[[Path, int], Iterator[int]]


def bench_receive(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; in each, every receiver runs once.")] = 5,
    count: Annotated[int, typer.Option(min=1, help="CT slices (526 KB) in one association.")] = 500,
    folder: Annotated[Path | None, typer.Option(help="Where to work: the disk to measure.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure C-STORE from an unmodified storescu, one association; print medians and ratios of each round."""
    for program in ("storescu", "storescp"):
        if shutil.which(program) is None:
            raise Misuse(
                "bench.dcmtk",
                Bilingual(f"找不到 {program}", f"{program} is not installed"),
                Bilingual("apt install dcmtk", "apt install dcmtk"),
            )
    with tempfile.TemporaryDirectory(dir=folder, prefix="qcbox-bench-") as made:
        objects = Path(made) / "objects"
        make_slices(objects, count)
        runs = [run for _ in range(rounds) for run in _round(objects, Path(made), count)]
    rows = _report(runs)
    typer.echo(json_text.dumps([asdict(row) for row in rows], indent=2) if json else _table(rows))


def make_slices(folder: Path, count: int) -> None:
    """CT slices of 512 x 512 x 16 bit with noise for pixels."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir()
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = CTImageStorage
    image.PatientID, image.Modality = "BENCH", "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.Rows = image.Columns = 512
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    for number in range(count):
        image.SOPInstanceUID = generate_uid()
        image.InstanceNumber = number + 1
        image.PixelData = os.urandom(512 * 512 * 2)
        image.save_as(folder / f"{number:05}.dcm", enforce_file_format=True)


def _round(objects: Path, work: Path, count: int) -> Iterator[Run]:
    order = list(RECEIVERS)
    random.shuffle(order)
    for receiver in order:
        store = work / "store"
        store.mkdir()
        port = _free_port()
        with contextmanager(receiver.serve)(store, port) as pid:
            _wait_for(port)
            os.sync()
            cpu, began = _cpu_s(pid), time.perf_counter()
            sent = subprocess.run(["storescu", "+sd", "127.0.0.1", str(port), str(objects)], check=False)  # noqa: S603,S607
            seconds = time.perf_counter() - began
            cpu = _cpu_s(pid) - cpu
        stored = sum(path.stat().st_size > 1 << 19 for path in store.rglob("*") if path.is_file())
        if sent.returncode or stored != count:
            raise Retry(
                "bench.incomplete",
                Bilingual(f"{receiver.name} 只收到 {stored}/{count}", f"{receiver.name} took {stored} of {count}"),
                Bilingual("检查磁盘空间", "Check the free disk space"),
            )
        shutil.rmtree(store)
        yield Run(receiver.name, count / seconds, cpu * 1000 / count)


def _serve_ours(store: Path, port: int) -> Iterator[int]:
    process = multiprocessing.get_context("spawn").Process(target=_listen, args=(store, port), daemon=True)
    process.start()
    try:
        yield process.pid or 0
    finally:
        process.terminate()
        process.join()


def _listen(store: Path, port: int) -> None:
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    settings = DicomSettings(open=True, host="127.0.0.1", port=port)
    run_listener(store, SpoolSettings(min_free_mb=1), settings, stop=threading.Event())


def _serve_storescp(environment: dict[str, str]) -> Callable[[Path, int], Iterator[int]]:
    def serve(store: Path, port: int) -> Iterator[int]:
        command = ["storescp", "-od", str(store), str(port)]
        with subprocess.Popen(command, env=os.environ | environment) as process:  # noqa: S603
            try:
                yield process.pid
            finally:
                process.terminate()

    return serve


RECEIVERS = (
    Receiver("qcbox", "object, sidecar and folder synced", _serve_ours),
    Receiver("storescp", "nothing synced; as shipped", _serve_storescp({})),
    Receiver("storescp TCP_NODELAY=1", "nothing synced", _serve_storescp({"TCP_NODELAY": "1"})),
)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_for(port: int) -> None:
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


def _cpu_s(pid: int) -> float:
    """User and system time, proc(5)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _report(runs: list[Run]) -> list[Summary]:
    ours = [run for run in runs if run.receiver == RECEIVERS[0].name]
    rows = []
    for receiver in RECEIVERS:
        theirs = [run for run in runs if run.receiver == receiver.name]
        speeds = [our.images_per_s / their.images_per_s for our, their in zip(ours, theirs, strict=True)]
        rows.append(
            Summary(
                receiver=receiver.name,
                before_success=receiver.before_success,
                images_per_s=round(statistics.median(run.images_per_s for run in theirs), 1),
                cpu_ms_per_image=round(statistics.median(run.cpu_ms_per_image for run in theirs), 2),
                qcbox_speed_ratio=round(statistics.median(speeds), 2),
            )
        )
    return rows


def _table(rows: list[Summary]) -> str:
    lines = [f"{'receiver':24}{'images/s':>10}{'CPU ms':>8}{'qcbox is':>11}  before Success"]
    for row in rows:
        lines.append(
            f"{row.receiver:24}{row.images_per_s:>10}{row.cpu_ms_per_image:>8}"
            f"{row.qcbox_speed_ratio:>9} x  {row.before_success}"
        )
    return "\n".join(lines)
