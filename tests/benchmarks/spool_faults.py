"""The spool under faults: ``python -m tests.benchmarks.spool_faults [--trials 1000] [--seed 1] [--folder DIR]``.

Each trial is a process of its own that stores objects from one to four threads, as associations do, on a disk that
takes short writes, fills up, fails, or under which the process is killed at a call, while a reader acknowledges
some and sets others aside. Then a sound process recovers and the oracle looks: every object that was answered
Success is whole and known, or was acknowledged, or lies aside whole; nothing else is seen but what was whole when
the process died before it could answer; nothing is left behind; to send, acknowledge and set aside again works.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Set
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from capture.arrival import Arrival
from capture.dicom.dimse import OUT_OF_RESOURCES, SUCCESS
from capture.dicom.store import Origin, store
from capture.digest import digest
from capture.old_spool import read_sidecar
from capture.spool import Spool, SpoolSettings
from tests.disks import TroubledDisk
from tests.receiver import unfinished

KINDS = ("kill", "kill at a step", "full", "EIO", "short")
STEPS = (
    "spool.written",
    "spool.synced",
    "spool.recorded",
    "spool.committed",
    "spool.half_acknowledged",
    "spool.half_aside",
)
OBJECTS = 4
SETTINGS = SpoolSettings(min_free_mb=1)


@dataclass(frozen=True, slots=True)
class Trial:
    """How one trial goes; the same for the same seed."""

    seed: int
    folder: Path
    trouble: str

    def objects(self, thread: int) -> list[bytes]:
        """What one thread sends."""
        chance = random.Random(f"{self.seed}-{thread}")
        return [chance.randbytes(chance.choice([700, 40_000, 300_000])) for _ in range(OBJECTS)]

    @property
    def threads(self) -> int:
        return 1 + self.seed % 4


@dataclass(slots=True)
class Said:
    """What a process said before it died: hashes of what was answered, and of what the reader began and ended."""

    answered: Counter[str] = field(default_factory=Counter)
    acknowledging: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    putting: set[str] = field(default_factory=set)
    put: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, lines: Iterable[str]) -> Said:
        """A line torn by death says nothing."""
        said = cls()
        for line in lines:
            what, _, sha256 = line.strip().partition(" ")
            if line.endswith("\n") and what == "answered":
                said.answered[sha256] += 1
            elif line.endswith("\n"):
                getattr(said, what).add(sha256)
        return said


def child(trial: Trial, answers: int) -> None:
    """Store everything, and say what happened, a line for each."""
    chance = random.Random(trial.seed)
    step, left = chance.choice(STEPS), chance.randrange(1, OBJECTS * trial.threads)

    def at(reached: str) -> None:
        nonlocal left
        if trial.trouble == "kill at a step" and reached == step:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    try:
        spool = Spool(trial.folder / "spool", SETTINGS, disk=TroubledDisk(chance, trial.trouble), at=at)
    except OSError:  # a process that cannot even begin answers nobody
        return
    spool.stock(trial.seed % 3)

    def say(what: str, sha256: str) -> None:
        os.write(answers, f"{what} {sha256}\n".encode())

    sent = threading.Event()
    reader = threading.Thread(target=read, args=(spool, say, sent))
    reader.start()
    send(spool, trial, lambda content: say("answered", digest(content)))
    sent.set()
    reader.join()


def read(spool: Spool, say: Callable[[str, str], None], sent: threading.Event) -> None:
    """Acknowledge a third of what comes, set a third aside, leave a third, as long as the disk lets us."""
    last = False
    while not last:
        last = sent.is_set()
        with suppress(OSError):
            for arrival in spool.pending():
                take(spool, arrival, say)


def take(spool: Spool, arrival: Arrival, say: Callable[[str, str], None]) -> None:
    """What becomes of an arrival is in its hash."""
    fate = int(arrival.digest, 16) % 3
    if fate == 0:
        say("acknowledging", arrival.digest)
        spool.acknowledge(arrival)
        say("acknowledged", arrival.digest)
    elif fate == 1:
        say("putting", arrival.digest)
        spool.set_aside(arrival, "test", "a third")
        say("put", arrival.digest)


def send(spool: Spool, trial: Trial, stored: Callable[[bytes], object]) -> None:
    """Every object, once; ``stored`` hears of those answered Success, all others must be answered A700."""

    def associate(thread: int) -> None:
        for content in trial.objects(thread):
            ended = store(spool, Origin("TEST", "127.0.0.1", "a"), content[:4], io.BytesIO(content[4:]))
            if ended.status == SUCCESS:
                stored(content)
            elif ended.status != OUT_OF_RESOURCES:
                os.write(2, b"neither Success nor A700\n")
                os._exit(3)

    threads = [threading.Thread(target=associate, args=(number,)) for number in range(trial.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def run(trial: Trial) -> tuple[int, int]:
    """How many were answered, and how many came back; AssertionError when a promise was broken."""
    said = lives_and_dies(trial)
    spool = Spool(trial.folder / "spool", SETTINGS)
    try:
        spool.recover()
        back = check(spool, trial, said)
        again: list[bytes] = []
        send(spool, trial, again.append)
        assert len(again) == OBJECTS * trial.threads, "sending again did not work"
        hashes = Counter(digest(content) for content in again)
        assert not hashes - Counter(arrival.digest for arrival in spool.pending()), "an object sent again is gone"
        for arrival in spool.pending():
            take(spool, arrival, lambda what, sha256: None)
        fates = {int(arrival.digest, 16) % 3 for arrival in spool.pending()}
        assert fates <= {2}, "to acknowledge or set aside again did not work"
        check_aside(spool, {one for one in hashes if int(one, 16) % 3 == 1})
    finally:
        spool.close()
    return said.answered.total(), back


def lives_and_dies(trial: Trial) -> Said:
    """Run the child to its end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(BaseException):
            child(trial, writing)
            os._exit(0)
        os._exit(2)
    os.close(writing)
    with os.fdopen(reading) as lines:
        said = Said.of(lines)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL), f"ended with {status}"
    return said


def check(spool: Spool, trial: Trial, said: Said) -> int:
    """How many wait."""
    sent = {digest(one) for thread in range(trial.threads) for one in trial.objects(thread)}
    seen: Counter[str] = Counter()
    for arrival in spool.pending():
        content = spool.path(arrival).read_bytes()
        assert digest(content) == arrival.digest, "an entry that is not whole"
        assert arrival.digest in sent, "an entry that nobody sent"
        seen[arrival.digest] += 1
    aside = {path.stem.partition(".")[0] for path in spool.aside.iterdir()}
    assert not (said.acknowledged | said.put) & seen.keys(), "it is gone and still waits"
    gone = said.answered.keys() - seen.keys() - said.acknowledging
    assert gone <= said.putting, "an answered object is gone"
    check_aside(spool, gone | said.put)
    assert len(aside) <= len(said.putting), "something was put aside"
    # A process that dies takes at most one answer of each association with it.
    assert (seen - said.answered).total() <= (trial.threads if trial.trouble.startswith("kill") else 0), (
        "not answered"
    )
    assert unfinished(spool) == [], "left-overs stay"
    return seen.total()


def check_aside(spool: Spool, wanted: Set[str]) -> None:
    """These are there with all that is said of them."""
    whole = set()
    for sidecar in spool.aside.glob("*.json"):
        arrival = None if sidecar.name.endswith(".reason.json") else read_sidecar(sidecar)
        if arrival is not None:
            content = sidecar.with_suffix(".bin").read_bytes()
            assert digest(content) == arrival.digest, "an object aside that is not whole"
            assert json.loads(sidecar.with_suffix(".reason.json").read_bytes())["code"] == "test"
            whole.add(arrival.digest)
    assert wanted <= whole, "an object that was set aside is gone"


def trials(count: int, seed: int, folder: Path) -> Counter[str]:
    """Run them; how many of each kind, and how many objects were answered. Raises AssertionError with the seed."""
    told: Counter[str] = Counter()
    for number in range(seed, seed + count):
        where = folder / str(number)
        where.mkdir()
        trial = Trial(number, where, KINDS[number % len(KINDS)])
        try:
            answered, _ = run(trial)
        except AssertionError as error:
            raise AssertionError(f"seed {number}, {trial.trouble}, {trial.threads} threads: {error}") from error
        told[trial.trouble] += 1
        told["answered"] += answered
        shutil.rmtree(where)
    return told


def main() -> None:
    """Run as many as were asked for."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--trials", type=int, default=1000)
    said.add_argument("--seed", type=int, default=1)
    said.add_argument("--folder", type=Path, default=None)
    asked = said.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        told = trials(asked.trials, asked.seed, Path(folder))
    sys.stdout.write(f"no promise broken: {dict(told)}\n")


if __name__ == "__main__":
    main()
