"""``qcbox bench receive``: our receiver against others, interleaved in one run, with the same sender."""

from __future__ import annotations

import json as json_text
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from capture.errors import Misuse, Retry
from capture.text import Bilingual
from edge.commands.bench_receivers import (
    AS_SHIPPED,
    FORKING,
    NO_DELAY,
    ORTHANC,
    QCBOX,
    TEXTBOOK,
    Receiver,
    cpu_s,
    free_port,
    installed,
    stored,
    wait_for,
)

_CT = (512, 512)
_DX = (3000, 3000)
_NO_DELAY = {"TCP_NODELAY": "1"}
_TURN = 20
"""Commands of each sender before the next receiver has its turn. What an association costs changes by a third with
what else the machine does, so those that are compared must follow each other within a second; and a device that
associates for each image does so for a whole series."""
_TAIL_S = 0.01
"""A receiver may still tidy up when its sender has gone."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """``commands`` are those of one round; ``senders`` of them run at a time."""

    name: str
    shape: tuple[int, int]
    """Rows and columns of 16 bit."""
    share: float
    """Of ``--count``: how many objects are sent."""
    senders: int
    commands: Callable[[Sequence[Path], int, Path], list[list[str]]]
    no_delay: bool
    """Whether the sender leaves Nagle's algorithm off (TCP_NODELAY=1)."""
    receivers: tuple[Receiver, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One receiver in one round of one scenario."""

    scenario: str
    receiver: Receiver
    images_per_s: float
    cpu_ms_per_image: float


@dataclass(slots=True)
class _Up:
    """A receiver that runs, and what it took so far."""

    receiver: Receiver
    pid: int
    commands: list[list[str]]
    seconds: float = 0.0
    cpu_s: float = 0.0
    content: bool = True
    """Whether every sender was."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over the rounds; a ratio is ours over theirs of the same round, with its least and most."""

    scenario: str
    receiver: str
    before_success: str
    images_per_s: float
    cpu_ms_per_image: float
    qcbox_speed_ratio: float
    qcbox_speed_least_most: tuple[float, float]
    qcbox_cpu_ratio: float
    qcbox_cpu_least_most: tuple[float, float]


def _one(folders: Sequence[Path], port: int, contexts: Path) -> list[list[str]]:
    return [["storescu", "+sd", "127.0.0.1", str(port), str(folder)] for folder in folders]


def _each(folders: Sequence[Path], port: int, contexts: Path) -> list[list[str]]:
    return [
        ["storescu", "-xf", str(contexts), "Sixty", "127.0.0.1", str(port), str(path)]
        for folder in folders
        for path in sorted(folder.iterdir())
    ]


SCENARIOS = (
    Scenario("CT, 1 association", _CT, 1.0, 1, _one, True, (QCBOX, NO_DELAY, ORTHANC, TEXTBOOK)),
    Scenario("CT, 4 associations", _CT, 1.0, 4, _one, True, (QCBOX, FORKING)),
    Scenario("CT, sender with Nagle", _CT, 0.4, 1, _one, False, (QCBOX, AS_SHIPPED)),
    Scenario("DX 18 MB", _DX, 0.06, 1, _one, True, (QCBOX, NO_DELAY, ORTHANC)),
    Scenario("an association per CT", _CT, 0.2, 1, _each, True, (QCBOX, NO_DELAY, TEXTBOOK)),
)


def bench_receive(
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; in each, every receiver takes everything once.")] = 5,
    count: Annotated[int, typer.Option(min=20, help="CT slices (526 KB) of one run; fewer of the others.")] = 500,
    only: Annotated[str, typer.Option(help="Only scenarios whose name contains this.")] = "",
    folder: Annotated[Path | None, typer.Option(help="Where to work: the disk to measure.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure C-STORE from an unmodified storescu; print medians and ratios of each round.

    Five rounds need some 8 GB of disk.
    """
    for program in ("storescu", "storescp"):
        if shutil.which(program) is None:
            raise Misuse(
                "bench.dcmtk",
                Bilingual(f"找不到 {program}", f"{program} is not installed"),
                Bilingual("apt install dcmtk", "apt install dcmtk"),
            )
    chosen = [scenario for scenario in SCENARIOS if only in scenario.name]
    rows = [row for scenario in chosen for row in _measure(scenario, rounds, count, folder)]
    typer.echo(json_text.dumps([asdict(row) for row in rows], indent=2) if json else _table(rows))


def _measure(scenario: Scenario, rounds: int, count: int, folder: Path | None) -> list[Summary]:
    receivers = [receiver for receiver in scenario.receivers if installed(receiver)]
    each = max(1, round(count * scenario.share / scenario.senders))
    with tempfile.TemporaryDirectory(dir=folder, prefix="qcbox-bench-") as made:
        work = Path(made)
        folders = [work / f"objects-{number}" for number in range(scenario.senders)]
        for one in folders:
            make_objects(one, each, scenario.shape)
        contexts = work / "contexts.cfg"
        contexts.write_text(_sixty())
        runs = []
        for number in range(rounds):
            # Removed when all is measured: where files were deleted lately, ext4 without a journal looks at each
            # of them before it makes a new one, and every receiver costs up to twice as much.
            stores = work / f"stores-{number}"
            stores.mkdir()
            runs += _round(scenario, receivers, folders, stores, contexts)
    return list(_summaries(scenario, receivers, runs))


def make_objects(folder: Path, count: int, shape: tuple[int, int]) -> None:
    """Slices of 16 bit with noise for pixels."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

    folder.mkdir()
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = CTImageStorage
    image.PatientID, image.Modality = "BENCH", "CT"
    image.StudyInstanceUID, image.SeriesInstanceUID = generate_uid(), generate_uid()
    image.Rows, image.Columns = shape
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 0
    for number in range(count):
        image.SOPInstanceUID = generate_uid()
        image.InstanceNumber = number + 1
        image.PixelData = os.urandom(shape[0] * shape[1] * 2)
        image.save_as(folder / f"{number:05}.dcm", enforce_file_format=True)


def _sixty() -> str:
    """A storescu configuration that proposes 60 storage classes, CT among them."""
    from pynetdicom import AllStoragePresentationContexts
    from pynetdicom.sop_class import CTImageStorage  # type: ignore[attr-defined]  # made at run time

    classes = [str(CTImageStorage), *(str(context.abstract_syntax) for context in AllStoragePresentationContexts)]
    lines = ["[[TransferSyntaxes]]", "[Little]", "TransferSyntax1 = LittleEndianExplicit"]
    lines += ["TransferSyntax2 = LittleEndianImplicit", "[[PresentationContexts]]", "[Sixty]"]
    lines += [
        f"PresentationContext{number} = {uid}\\Little" for number, uid in enumerate(dict.fromkeys(classes), 1)
    ][:60]
    return "\n".join([*lines, "[[Profiles]]", "[Sixty]", "PresentationContexts = Sixty", ""])


def _round(
    scenario: Scenario, receivers: Sequence[Receiver], folders: Sequence[Path], within: Path, contexts: Path
) -> list[Run]:
    """All of them are up; each has its turn in random order, again and again until all has been sent to each."""
    with ExitStack() as stack:
        stores = [within / str(number) for number in range(len(receivers))]
        up = []
        for receiver, store in zip(receivers, stores, strict=True):
            store.mkdir()
            port = free_port()
            commands = scenario.commands(folders, port, contexts)
            up.append(_Up(receiver, stack.enter_context(receiver.serve(store, port)), commands))
            wait_for(port)
        share = scenario.senders * _TURN
        for start in range(0, len(up[0].commands), share):
            for one in random.sample(up, len(up)):
                _turn(scenario, one, start, share)
        count = sum(1 for folder in folders for _ in folder.iterdir())
        for one, store in zip(up, stores, strict=True):
            _complete(one, stored(store), count)
        return [Run(scenario.name, one.receiver, count / one.seconds, one.cpu_s * 1000 / count) for one in up]


def _turn(scenario: Scenario, one: _Up, start: int, share: int) -> None:
    os.sync()
    cpu, began = cpu_s(one.pid), time.perf_counter()
    one.content &= _send(scenario, one.commands[start : start + share])
    one.seconds += time.perf_counter() - began
    time.sleep(_TAIL_S)
    one.cpu_s += cpu_s(one.pid) - cpu


def _send(scenario: Scenario, commands: list[list[str]]) -> bool:
    """Whether all senders were content."""
    environment = {**os.environ, **(_NO_DELAY if scenario.no_delay else {})}
    content = True
    for start in range(0, len(commands), scenario.senders):
        group = [
            subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
            for command in commands[start : start + scenario.senders]
        ]
        content &= [one.wait() for one in group] == [0] * len(group)
    return content


def _complete(one: _Up, kept: int, count: int) -> None:
    if not one.content or kept != count:
        name = one.receiver.name
        raise Retry(
            "bench.incomplete",
            Bilingual(f"{name} 只收到 {kept}/{count}", f"{name} took {kept} of {count}"),
            Bilingual("检查磁盘空间", "Check the free disk space"),
        )


def _summaries(scenario: Scenario, receivers: Sequence[Receiver], runs: list[Run]) -> Iterator[Summary]:
    ours = [run for run in runs if run.receiver is QCBOX]
    for receiver in receivers:
        theirs = [run for run in runs if run.receiver is receiver]
        pairs = list(zip(ours, theirs, strict=True))
        speed = [a.images_per_s / b.images_per_s for a, b in pairs]
        cpu = [a.cpu_ms_per_image / max(b.cpu_ms_per_image, 0.01) for a, b in pairs]
        yield Summary(
            scenario=scenario.name,
            receiver=receiver.name,
            before_success=receiver.before_success,
            images_per_s=round(statistics.median(run.images_per_s for run in theirs), 1),
            cpu_ms_per_image=round(statistics.median(run.cpu_ms_per_image for run in theirs), 2),
            qcbox_speed_ratio=round(statistics.median(speed), 2),
            qcbox_speed_least_most=(round(min(speed), 2), round(max(speed), 2)),
            qcbox_cpu_ratio=round(statistics.median(cpu), 2),
            qcbox_cpu_least_most=(round(min(cpu), 2), round(max(cpu), 2)),
        )


def _table(rows: list[Summary]) -> str:
    lines = [
        f"{'scenario':24}{'receiver':24}{'images/s':>10}{'CPU ms':>8}{'speed':>23}{'CPU':>23}  before Success"
    ]
    for row in rows:
        lines.append(
            f"{row.scenario:24}{row.receiver:24}{row.images_per_s:>10}{row.cpu_ms_per_image:>8}"
            f"{_spread(row.qcbox_speed_ratio, row.qcbox_speed_least_most)}"
            f"{_spread(row.qcbox_cpu_ratio, row.qcbox_cpu_least_most)}  {row.before_success}"
        )
    return "\n".join([*lines, "speed, CPU: qcbox over the receiver of that line"])


def _spread(median: float, least_most: tuple[float, float]) -> str:
    least, most = least_most
    return f"{f'{median:.2f} x ({least:.2f}-{most:.2f})':>23}"
