"""The centre's enrolment door by way of the broker, for sites that reach nothing else (``up/papers``,
``dn/papers``).

Messages may be lost, doubled and late; only an answer to what is being waited for counts. The link carries them,
so this works only while the certificate in use still lets the box in.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from typing import Literal

from cloud_sync.wire.codec import WireError, decode, encode
from cloud_sync.wire.enrolment import Grant, PapersAnswer, PapersQuestion, RenewRequest
from edge.enrol.door import refused, unreachable


class ThroughBroker:
    """Questions to the centre. ``hear`` is called from any thread, the others from one. They raise QcError."""

    def __init__(
        self,
        say: Callable[[bytes], None],
        connected: Callable[[], bool],
        *,
        timeout_s: float = 5.0,
        tries: int = 3,
    ) -> None:
        """``say``: a message on ``up/papers`` (it may be lost); ``connected``: whether it has a way. A question is
        asked ``tries`` times, ``timeout_s`` apart; the connection is waited for as long as for an answer."""
        self._say, self._connected, self._timeout_s, self._tries = say, connected, timeout_s, tries
        self._changed = threading.Condition()
        self._waiting = ""
        self._answer: PapersAnswer | None = None

    def hear(self, payload: bytes) -> None:
        """A ``dn/papers``. Quick; what answers nothing that is waited for is let go."""
        try:
            answer = decode(payload, PapersAnswer)
        except WireError:
            return
        with self._changed:
            if self._waiting and answer.id == self._waiting:
                self._answer = answer
                self._changed.notify_all()

    def authorities(self) -> str:
        """All that boxes shall believe now, as PEM."""
        told = self._ask("authorities").authorities
        if told is None:
            raise unreachable("MQTT")
        return told

    def renew(self, request: RenewRequest) -> Grant:
        """The next certificate. The request is proven by the key of the one in use."""
        asked = {"csr": request.csr, "certificate": request.certificate, "proof": request.proof}
        grant = self._ask("renew", **asked).grant
        if grant is None:
            raise unreachable("MQTT")
        return grant

    def confirm(self, certificate: str, proof: str) -> None:
        """This certificate is in use; ``proof``: of an empty request."""
        self._ask("confirm", certificate=certificate, proof=proof)

    def _ask(
        self, verb: Literal["authorities", "renew", "confirm"], *, csr: str | None = None,
        certificate: str | None = None, proof: str | None = None,
    ) -> PapersAnswer:  # fmt: skip
        number = secrets.token_hex(8)
        question = PapersQuestion(id=number, verb=verb, csr=csr, certificate=certificate, proof=proof)
        with self._changed:
            self._waiting, self._answer = number, None
        try:
            answer = self._answered(encode(question))
        finally:
            with self._changed:
                self._waiting = ""
        if answer.problem is not None:
            raise refused(answer.problem)
        return answer

    def _answered(self, question: bytes) -> PapersAnswer:
        """After a new certificate was tried the link is away for a moment."""
        until = time.monotonic() + self._timeout_s
        while not self._connected():
            if time.monotonic() >= until:
                raise unreachable("MQTT")
            time.sleep(0.05)
        for _ in range(self._tries):
            self._say(question)
            with self._changed:
                self._changed.wait_for(lambda: self._answer is not None, self._timeout_s)
                if self._answer is not None:
                    return self._answer
        raise unreachable("MQTT")
