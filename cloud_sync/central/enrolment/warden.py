"""Keeps what was taken back out: writes the revocation list, tells the broker, ends live sessions.

Everything to be done is in the database, so that a restart or a command line beside the running centre changes
nothing: whoever revokes writes a row, and the warden, who looks every second, does the rest.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from capture.errors import Misuse
from cloud_sync.central import schema
from cloud_sync.central.database import Database
from cloud_sync.central.enrolment import ca, revoking, tables
from cloud_sync.central.enrolment.kick import kick
from cloud_sync.central.enrolment.settings import EnrolmentSettings
from cloud_sync.central.enrolment.vault import PUBLIC, Vault
from cloud_sync.link.settings import BrokerSettings
from cloud_sync.link.terms import Lost
from cloud_sync.updates.disk import write_whole

log = structlog.get_logger()

AUTHORITIES, LIST = "authorities.pem", "crl.pem"
"""Files of the broker's folder."""
_PATIENCE_S = 20.0
_AGAIN_S = 5.0
_DAILY_S = 86400.0
_UNKNOWN_BOOT = "gone"


class Warden:
    """In one thread of the centre, about once a second. ``turned_away`` may be called from any."""

    def __init__(
        self, settings: EnrolmentSettings, broker: BrokerSettings, database: Database, vault: Callable[[], Vault],
        wall: Callable[[], int],
    ) -> None:  # fmt: skip
        self._settings, self._broker, self._database = settings, broker, database
        self._vault, self._wall = vault, wall
        self._heard: set[str] = set()
        self._tried: dict[str, float] = {}
        self._told_at = float("-inf")
        self._refused_at = float("-inf")

    def turn(self) -> None:
        """``look``, and live on when it cannot be done now."""
        try:
            self.look()
        except (DBAPIError, OSError, Misuse) as error:
            log.error("enrolment.stuck", exc_info=error)

    def turned_away(self, box: str) -> None:
        """A box that is out has spoken, so it still has a session."""
        self._heard.add(box)

    def look(self) -> None:
        """Do what is due."""
        if time.monotonic() - self._refused_at >= _AGAIN_S:
            self._list()
        self._kick()

    def publish(self) -> None:
        """Write authorities and list for the broker. Raises OSError."""
        folder, now = self._settings.publish, self._wall()
        vault = self._vault()
        life = timedelta(days=self._settings.crl_days)
        since = now - int(ca.BACKDATED.total_seconds() * 1000)
        with self._database.read() as connection:
            lists = [
                ca.revocation_list(one, revoking.listing(connection, one.id, since), now, now, life)
                for one in vault.authorities
            ]
        write_whole(folder / AUTHORITIES, vault.believed.encode(), PUBLIC)
        write_whole(folder / LIST, "".join(lists).encode(), PUBLIC)

    def _list(self) -> None:
        with self._database.read() as connection:
            boxes = revoking.unlisted(connection)
        if not boxes and not self._old():
            return
        self.publish()
        if not self._tell():
            self._refused_at = time.monotonic()
            return
        self._told_at = time.monotonic()
        table = tables.enrolled
        with self._database.write() as connection:
            connection.execute(table.update().where(table.c.box.in_(boxes)).values(listed_at=self._wall()))
        log.info("enrolment.listed", count=len(boxes))

    def _old(self) -> bool:
        """Every day, at every start, and when a generation came or went: a list that has run out shuts all
        boxes out."""
        path = self._settings.publish / AUTHORITIES
        return (
            time.monotonic() - self._told_at > _DAILY_S
            or not path.exists()
            or path.read_text("ascii") != self._vault().believed
        )

    def _tell(self) -> bool:
        command = self._settings.reload
        if not command:
            return True
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE_S)  # noqa: S603  # the administrator's
        except (OSError, subprocess.SubprocessError) as error:
            log.error("enrolment.broker_not_told", error=type(error).__name__)
            return False
        return True

    def _kick(self) -> None:
        heard = set(self._heard)
        with self._database.read() as connection:
            boxes = revoking.to_kick(connection, heard)
        for box in boxes:
            if time.monotonic() - self._tried.get(box, float("-inf")) < _AGAIN_S:
                continue
            self._tried[box] = time.monotonic()
            self._heard.discard(box)
            self._kick_one(box)

    def _kick_one(self, box: str) -> None:
        began = time.monotonic()
        with self._database.read() as connection:
            row = schema.box.c
            boot = connection.scalar(select(row.boot).where(row.name == box)) or _UNKNOWN_BOOT
        try:
            kick(self._broker, self._vault(), box, boot, self._wall())
        except Lost as lost:
            log.warning("enrolment.not_kicked", box=box, reason=lost.code)
            return
        table = tables.enrolled
        with self._database.write() as connection:
            connection.execute(table.update().where(table.c.box == box).values(kicked_at=self._wall()))
        log.info("enrolment.kicked", box=box, ms=round(1000 * (time.monotonic() - began)))
