"""Renewal in the running agent: asks at two thirds of a certificate's life, tries what it is given, then uses it.

The old certificate stays in use until the broker has accepted the new one. Whatever fails is tried again, and
nothing here can end the agent: a box without a certificate judges as before and keeps its results.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable

import structlog

from capture.errors import QcError
from cloud_sync.link.broker import Broker
from cloud_sync.link.settings import BrokerSettings, LinkSettings
from cloud_sync.link.terms import Lost, Session, Will
from cloud_sync.wire import topics
from cloud_sync.wire.codec import encode
from cloud_sync.wire.control import Death
from edge.enrol.check import due
from edge.enrol.enrolling import believed, confirm, renew
from edge.enrol.folder import Folder, Papers
from edge.enrol.names import AUTHORITIES, CERTIFICATE, CURRENT, KEY, NEXT
from edge.enrol.through_broker import ThroughBroker
from edge.pausing import pause

log = structlog.get_logger()

_LOOK_S, _AGAIN_S, _DAY_MS = 3600.0, 600.0, 86_400_000
_TRIALS, _DISPLACED = 3, ("connection_lost", "session_taken_over")


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Renewal:
    """``run`` beside the agent's other parts."""

    def __init__(
        self, folder: Folder, link: LinkSettings, *, wall: Callable[[], int] = _wall_ms,
        chance: random.Random | None = None, again_s: float = _AGAIN_S, broker: ThroughBroker | None = None,
    ) -> None:  # fmt: skip
        """``again_s``: seconds until what failed is tried again; ``broker``: the way when the door is not
        reached."""
        self._broker = broker
        self._folder, self._link, self._wall, self._again_s = folder, link, wall, again_s
        self._chance = chance or random.Random()  # noqa: S311  # spreads load, guards nothing
        self._asked_at = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Look, and look again, until ``stop``."""
        while not stop.is_set():
            calm = await asyncio.to_thread(self.look)
            wait_s = (_LOOK_S if calm else self._again_s) * self._chance.uniform(0.8, 1.2)
            await pause(stop, wait_s)

    def look(self) -> bool:
        """Do what is due. False: something did not work and should be tried again soon."""
        if not self._folder.path.exists():
            return True
        try:
            with self._folder.held():
                self._step()
        except QcError as error:
            log.warning("certificate.not_renewed", code=error.code)
            return False
        except Lost as lost:
            log.warning("certificate.not_renewed", code=lost.code)
            return False
        except OSError as error:  # a full disk: what is in use stays
            log.warning("certificate.not_renewed", exc_info=error)
            return False
        return True

    def _step(self) -> None:
        papers, now = self._folder.papers(CURRENT), self._wall()
        if papers is None:
            return
        waiting = self._folder.papers(NEXT)
        if waiting is None and now >= due(papers.grant):
            renew(self._folder, papers, now, broker=self._broker)
            log.info("certificate.renewed")
            waiting = self._folder.papers(NEXT)
        if waiting is not None:
            self._try(papers, waiting, now)
        elif now - self._asked_at >= _DAY_MS and now < papers.grant.not_after:
            self._asked_at = now
            self._believe(papers)
        self._confirm()

    def _try(self, papers: Papers, waiting: Papers, now: int) -> None:
        """One connection with the new certificate takes the link's place for a moment; the link comes back with
        it.

        With an expired certificate there is nothing to lose. Raises Lost.
        """
        if self._link.enabled and now < papers.grant.not_after:
            self._accepted(waiting)
        self._folder.promote()
        self._folder.sweep()
        log.info("certificate.in_use")

    def _accepted(self, waiting: Papers) -> None:
        """The broker takes them. A link that comes back in that moment takes the place of the trial, which says
        nothing about the certificate: tried again. Raises Lost.
        """
        for more in reversed(range(_TRIALS)):
            try:
                return connects(self._link, waiting)
            except Lost as lost:
                if not more or lost.code not in _DISPLACED:
                    raise

    def _believe(self, papers: Papers) -> None:
        """The centre may have a new authority: believe it before it signs anything."""
        told = believed(papers, self._broker)
        if told != papers.grant.authorities:
            purpose = papers.file(KEY).resolve().stem
            self._folder.keep(purpose, papers.grant.model_copy(update={"authorities": told}), CURRENT)
            self._folder.sweep()
            log.info("certificate.authorities")

    def _confirm(self) -> None:
        """Tell the centre that the old certificate is of no use any more."""
        papers = self._folder.papers(CURRENT)
        if self._folder.unconfirmed.exists() and papers is not None:
            confirm(papers, self._broker)
            self._folder.unconfirmed.unlink()


def connects(link: BrokerSettings, papers: Papers) -> None:
    """The broker accepts these papers. Raises Lost."""
    box = papers.grant.box
    files = {
        "ca_file": papers.file(AUTHORITIES), "cert_file": papers.file(CERTIFICATE), "key_file": papers.file(KEY),
    }  # fmt: skip
    will = Will(topics.up(box, "state"), encode(Death(boot="trial")), delay_s=60)
    broker = Broker(
        link.model_copy(update=files), Session(box, clean=True, expiry_s=0, receive_maximum=1, will=will)
    )
    polite = False
    try:
        broker.connect([topics.all_down(box)])
        polite = True
    finally:
        broker.close(polite=polite)
