"""The door's answers for boxes that reach nothing but the broker (``up/papers``, ``dn/papers``).

Two things say who asks. The broker lets nobody speak under a box's name without that box's certificate; and the
question is signed by the key of the certificate it names. The rest is the desk's, as at the door.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator

import structlog
from pydantic import ValidationError

from capture.errors import QcError
from cloud_sync.central.enrolment import ca
from cloud_sync.central.enrolment.api import Directions
from cloud_sync.central.enrolment.desk import Desk
from cloud_sync.central.enrolment.refusals import problem_of, refusal
from cloud_sync.central.enrolment.vault import Vault
from cloud_sync.central.part import Outgoing
from cloud_sync.wire import topics
from cloud_sync.wire.codec import WireError, decode, encode
from cloud_sync.wire.enrolment import PapersAnswer, PapersQuestion, RenewRequest
from cloud_sync.wire.topics import Address

log = structlog.get_logger()

MOST_A_WINDOW, WINDOW_S = 12, 600.0
"""Questions of one box that are answered, and in how many seconds: a renewal is two, each said a few times."""
A_TURN = 4
"""Answered before the ingest gets its turn again: each signs, and writes to the database."""
MOST_WAITING = 1000
_EXPIRY_S = 60


class PapersThroughBroker:
    """A Part."""

    def __init__(
        self, desk: Desk, vault: Callable[[], Vault], directions: Directions, wall: Callable[[], int], *,
        tick: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._desk, self._vault, self._directions = desk, vault, directions
        self._wall, self._tick = wall, tick
        self._asked: deque[tuple[str, PapersQuestion]] = deque()
        self._counts: OrderedDict[str, int] = OrderedDict()
        self._since = tick()

    def heard(self, address: Address, payload: bytes) -> None:
        """See Part. Of a box that asks too often the first question too many is answered, with that."""
        if address.leaf != "papers" or len(self._asked) >= MOST_WAITING:
            return
        if self._tick() - self._since >= WINDOW_S:
            self._since = self._tick()
            self._counts.clear()
        count = self._counts[address.box] = self._counts.get(address.box, 0) + 1
        if count > MOST_A_WINDOW + 1:
            return
        try:
            self._asked.append((address.box, decode(payload, PapersQuestion)))
        except WireError as error:
            log.warning("ingest.dead_letter", box=address.box, code=error.code, where=address.leaf)

    def to_say(self) -> Iterator[Outgoing]:
        """See Part."""
        for _ in range(min(A_TURN, len(self._asked))):
            box, question = self._asked.popleft()
            # A lost answer is asked for again, with the same number.
            yield Outgoing(topics.down(box, "papers"), self._answer(box, question), qos=0, expiry_s=_EXPIRY_S)

    def _answer(self, box: str, question: PapersQuestion) -> bytes:
        try:
            return encode(self._do(box, question))
        except QcError as error:
            log.warning("enrolment.refused", box=box, code=error.code)
            return encode(PapersAnswer(id=question.id, problem=problem_of(error)))
        except (WireError, ValidationError):  # authorities and root are more than a message holds
            log.error("enrolment.refused", box=box, code="enrol.too_long")
            return encode(PapersAnswer(id=question.id, problem=problem_of(refusal("enrol.too_long"))))

    def _do(self, box: str, question: PapersQuestion) -> PapersAnswer:
        if self._counts.get(box, 0) > MOST_A_WINDOW:
            raise refusal("enrol.too_often")
        if question.verb == "authorities":
            return PapersAnswer(id=question.id, authorities=self._vault().believed)
        now = self._wall()
        csr = question.csr or ""
        der, named = ca.asked_name(csr) if question.verb == "renew" else (b"", box)
        known = self._desk.holder(question.certificate or "", der, question.proof or "", now)
        if known.box != box or named != box:
            raise refusal("enrol.other_box")
        if question.verb == "confirm":
            self._desk.confirm(known, now)
            return PapersAnswer(id=question.id)
        self._desk.single(box)
        issued = self._desk.renew(known, RenewRequest(csr=csr), now)
        log.info("enrolment.granted", box=box)
        return PapersAnswer(id=question.id, grant=self._directions.grant(issued, self._vault().believed))
