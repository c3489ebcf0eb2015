"""The appliance's parts for tests: a real database, real blobs and a real spool in a folder of the test."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from capture.arrival import Arrival
from capture.digest import digest
from capture.spool import Spool
from edge.metrics import Metrics
from edge.overrides.in_force import Rulebook
from edge.pipeline.announce import Announcer
from edge.pipeline.report import Pseudonymizer, Reporter
from edge.pipeline.worklist import Worklist
from edge.services import Services
from edge.settings import Settings
from edge.store.blobs import Blobs
from edge.store.database import Database
from edge.store.outbox import Outbox

BOX = "box-test"


@dataclass
class Box:
    """One appliance without its processes."""

    services: Services
    spool: Spool

    @property
    def db(self) -> Database:
        return self.services.db

    def receive(self, content: bytes, calling_ae: str = "MODALITY", received_at: int | None = None) -> Arrival:
        """What a receiver does with one object, as intake is given it."""
        with self.spool.receive(kind="dicom", source="dicom", calling_ae=calling_ae, peer="192.0.2.7") as incoming:
            incoming.write(content)
            arrived = incoming.commit(received_at or time.time_ns() // 1_000_000)
        return replace(arrived, digest=digest(content))


def make_box(folder: Path, at: Callable[[str], None] = lambda step: None, **sections: object) -> Box:
    """A box whose data is in ``folder``; ``sections`` go into its settings. Close ``box.db`` at the end."""
    settings = Settings.model_validate({"box": BOX, "data_dir": folder, **sections})
    db = Database(settings.database_path, at)
    outbox = Outbox(db)
    services = Services(
        db=db,
        blobs=Blobs(settings.blobs_path),
        settings=settings,
        announcer=Announcer(),
        outbox=outbox,
        reporter=Reporter(BOX, outbox.boot, Pseudonymizer(b"key of the test")),
        metrics=Metrics(),
        worklist=Worklist(settings.worklist, settings.site.timezone),
        rulebook=Rulebook(db, settings.content_path),
        link_status=lambda: "off",
    )
    return Box(services, Spool(settings.spool_path, settings.spool, at=at))
