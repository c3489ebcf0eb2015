"""Link: keeps the box in touch with the centre for as long as it runs, through every loss."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cloud_sync.link.conversation import Conversation, Progress
from cloud_sync.link.drain import delay
from cloud_sync.link.ports import BirthFacts, OutboxPort
from cloud_sync.link.settings import LinkSettings
from cloud_sync.link.terms import Lost

log = structlog.get_logger()

_MOST_TO_SAY = 64
"""Messages that wait for a connection; older ones go first, nobody waits for their answers any more."""


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """How the connection to the centre is. Times are UTC milliseconds."""

    connected: bool
    since: int
    """Since when it is (dis)connected."""
    last_ack: int | None
    """When the centre last acknowledged something; None since the start of the program."""
    centre_online: bool | None
    """What the centre says of itself; None when it has said nothing."""
    problem: str
    """Code of why nothing is sent (``unreachable``, ``centre_offline``, ``session_taken_over``, ...) or empty."""
    clock_offset_ms: int | None
    """Centre's clock minus ours, as of the last acknowledgement."""
    on_their_way: int
    """Sent and not yet acknowledged."""


def _wall_ms() -> int:
    return time.time_ns() // 1_000_000


class Link:
    """Sends the outbox to the centre. ``run`` in a thread of its own; everything else from any thread."""

    def __init__(
        self, settings: LinkSettings, outbox: OutboxPort, box: str, boot: str, facts: Callable[[], BirthFacts], *,
        wall: Callable[[], int] = _wall_ms, chance: random.Random | None = None,
        at: Callable[[str], None] = lambda step: None,
        hear: Callable[[str, bytes], None] = lambda leaf, payload: None,
    ) -> None:  # fmt: skip
        """``box`` is the topic level and certificate's name; ``boot`` changes with every start of the appliance.

        ``hear`` gets what comes on ``dn/desired``, ``dn/chunk`` and ``dn/papers``, in the link's thread: it must
        be quick.

        ``wall`` gives UTC milliseconds, ``chance`` the jitter; ``at`` is called at named crash points.
        """
        self._settings, self._outbox, self._box, self._boot, self._facts = settings, outbox, box, boot, facts
        self._wall, self._at, self._hear = wall, at, hear
        self._to_say: deque[tuple[str, bytes]] = deque(maxlen=_MOST_TO_SAY)
        self._chance = chance or random.Random()  # noqa: S311  # spreads load, guards nothing
        self._failures = 0
        self._conversation: Conversation | None = None
        self._since = wall()
        self._last_ack: int | None = None
        self._problem = "connecting"

    def run(self, stop: threading.Event) -> None:
        """Connect, send, reconnect, until ``stop`` is set (call ``nudge`` after it to be prompt)."""
        while not stop.is_set():
            try:
                self._converse(stop)
            except Lost as lost:
                self._after_loss(lost)
                stop.wait(
                    delay(
                        self._failures - 1,
                        self._settings.reconnect_first_s,
                        self._settings.reconnect_most_s,
                        self._chance,
                    )
                )

    def nudge(self) -> None:
        """Something new is in the outbox (or ``stop`` is set): look now."""
        conversation = self._conversation
        if conversation is not None:
            conversation.broker.wake()

    def say(self, leaf: str, payload: bytes) -> None:
        """One message on ``up/<leaf>``, if there is a connection: it may be lost. From any thread."""
        self._to_say.append((leaf, payload))
        self.nudge()

    def status(self) -> LinkStatus:
        """How it is now."""
        conversation = self._conversation
        progress = conversation.progress if conversation else Progress()
        connected = progress.connected_at is not None
        return LinkStatus(
            connected=connected,
            since=progress.connected_at or self._since,
            last_ack=progress.last_ack or self._last_ack,
            centre_online=progress.centre_online,
            problem=progress.held if connected else self._problem,
            clock_offset_ms=progress.clock_offset_ms,
            on_their_way=progress.on_their_way,
        )

    def _converse(self, stop: threading.Event) -> None:
        conversation = Conversation(
            self._settings, self._outbox, self._box, self._boot, self._facts, self._wall, self._chance, self._at,
            self._hear, self._to_say,
        )  # fmt: skip
        self._conversation = conversation
        polite = False
        try:
            conversation.run(stop)
            polite = True
        finally:
            self._conversation = None
            self._last_ack = conversation.progress.last_ack or self._last_ack
            conversation.broker.close(polite=polite)
            self._judge(conversation.progress)

    def _judge(self, progress: Progress) -> None:
        """A connection that brought an acknowledgement, or held for a while, was a good one."""
        held_ms = 0 if progress.connected_at is None else self._wall() - progress.connected_at
        if progress.last_ack is not None or held_ms >= 1000 * self._settings.reconnect_most_s:
            self._failures = 0

    def _after_loss(self, lost: Lost) -> None:
        if self._problem != lost.code or not self._failures:
            log.warning("link.lost", box=self._box, reason=lost.code)
        self._failures += 1
        self._problem = lost.code
        self._since = self._wall()
