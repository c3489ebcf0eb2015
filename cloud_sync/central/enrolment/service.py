"""Enrolment as a part of the running centre: the door and the warden, put together."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path

from starlette.types import ASGIApp

from capture.errors import Misuse
from cloud_sync.central.database import Database
from cloud_sync.central.enrolment.api import Directions, create_door
from cloud_sync.central.enrolment.desk import Desk
from cloud_sync.central.enrolment.listener import Listener
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.enrolment.through_broker import PapersThroughBroker
from cloud_sync.central.enrolment.vault import Keeper, passphrase
from cloud_sync.central.enrolment.warden import AUTHORITIES, Warden
from cloud_sync.central.signing.repository import Repository
from cloud_sync.link.settings import BrokerSettings

_TURN_S = 1.0


def root_of(repository: Path) -> bytes | None:
    """The QC group's root in force, or None while nothing is founded."""
    try:
        return Repository(repository).root_bytes()
    except Misuse:
        return None


class Enrolment:
    """Door and warden: ``start``, then ``run`` in a thread."""

    def __init__(
        self, settings: EnrolmentSettings, broker: BrokerSettings, database: Database, wall: Callable[[], int],
        root: Callable[[], bytes | None] = lambda: None, repository: ASGIApp | None = None,
    ) -> None:  # fmt: skip
        """``root``: the QC group's root of trust; ``repository``: answers boxes what is signed.

        Raises:
            Misuse: there is no authority or no server certificate that can be used.
        """
        vault = Keeper(settings.folder, passphrase(settings.passphrase_file))
        self._warden = Warden(settings, broker, database, vault, wall)
        self._warden.publish()
        directions = Directions(settings.url, settings.broker_host or broker.host, settings.broker_port, root)
        desk = Desk(database, settings, vault)
        self.part = PapersThroughBroker(desk, vault, directions, wall)
        """Answers boxes that reach nothing but the broker; the ingest lets it speak."""
        door = create_door(desk, vault, directions, wall, repository)
        self._listener = Listener(settings, settings.publish / AUTHORITIES, door)

    @property
    def turned_away(self) -> Callable[[str], None]:
        """To be told when a box that is out has spoken."""
        return self._warden.turned_away

    def start(self) -> None:
        """Open the door. Raises Misuse."""
        self._listener.start()

    def run(self, stop: threading.Event) -> None:
        """Watch until ``stop``, or until the door has closed by itself, which is a fault."""
        try:
            while not stop.is_set() and self._listener.alive:
                self._warden.turn()
                with contextlib.suppress(Misuse):  # half of new papers is there; the rest will be in a moment
                    self._listener.look()
                stop.wait(_TURN_S)
        finally:
            self._listener.stop()
