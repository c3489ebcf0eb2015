"""A box's keeper, once for each step, in a process of its own that kills itself (SIGKILL) at that step.

``python -m tests.unit.edge.content.killed FOLDER REPOSITORY`` reads steps, a line each; in ``FOLDER/STEP`` is a
box, in ``FOLDER/STEP.json`` what the centre wants of it. Libraries are loaded once and the boxes are forks: how
each of them ended is in ``FOLDER/ended.json`` then.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from cloud_sync.wire.codec import decode
from cloud_sync.wire.control import Desired
from edge.content.chosen import FACTORY
from edge.content.loading import load
from models.content import factory
from models.content.package import Package, open_package, pack_up
from tests.unit.edge.content.keeping import kept_in

_AT_ONCE = 2


def packages() -> Iterator[Package]:
    """One pack that ships."""
    yield open_package(pack_up(factory.PACKS / "dicom-header", "pack"))


async def live(where: Path, repository: Path, step: str) -> None:
    """Until the crash hook of some part is called with this step."""

    def at(reached: str) -> None:
        if reached == step:
            os.kill(os.getpid(), signal.SIGKILL)

    async with kept_in(where / step, repository, at) as box:
        box.want(decode((where / f"{step}.json").read_bytes(), Desired))
        await asyncio.sleep(60)


def fork(where: Path, repository: Path, step: str) -> int:
    """One box; the number of its process."""
    child = os.fork()
    if not child:
        try:
            asyncio.run(live(where, repository, step))
        finally:
            os._exit(1)
    return child


def main(where: Path, repository: Path) -> None:
    """All steps, a few at once."""
    factory.packages = packages
    load(FACTORY)  # whatever is made once in a process is made before the first fork
    waiting, running, ended = sys.stdin.read().split(), dict[int, str](), dict[str, int]()
    while waiting or running:
        while waiting and len(running) < _AT_ONCE:
            step = waiting.pop()
            running[fork(where, repository, step)] = step
        child, status = os.wait()
        ended[running.pop(child)] = os.waitstatus_to_exitcode(status)
    (where / "ended.json").write_text(json.dumps(ended))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
