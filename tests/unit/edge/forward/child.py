"""Intake and queues in a process of their own, to be killed. Arguments: folder, port of the archive, and a file:
it begins when that is there. Made of the few parts that it needs: a whole box takes seconds to load."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from time import sleep

from capture.spool import Spool
from edge.forward.onward import Onward
from edge.forward.settings import ForwardSettings
from edge.metrics import Metrics
from edge.pipeline.intake import Intake
from edge.settings import Settings
from edge.store.blobs import Blobs
from edge.store.database import Database
from edge.store.set_due import Quiet


async def main(folder: Path, port: int) -> None:
    """Until killed."""
    settings = Settings.model_validate({"data_dir": folder})
    there = {"host": "127.0.0.1", "ae_title": "ARCHIVE", "timeout_s": 5}
    destinations = [there | {"name": "pacs", "port": port}, there | {"name": "away", "port": 1}]
    forward = ForwardSettings.model_validate(
        {"retry_s": 0.1, "destinations": destinations, "ris": there | {"port": 1}}
    )
    db, blobs = Database(settings.database_path), Blobs(settings.blobs_path)
    going = Onward(forward, db, blobs, settings.wishes_path)
    spool = Spool(settings.spool_path, settings.spool)
    intake = Intake(spool, db, blobs, Metrics(), Quiet(15_000, 300_000), lambda taken: None, admit=going.admit)
    while spool.pending(1):
        intake._step()
    await going.run(asyncio.Event())


if __name__ == "__main__":
    while not Path(sys.argv[3]).exists():
        sleep(0.02)
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
