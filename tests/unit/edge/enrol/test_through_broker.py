"""Asking through the broker: messages are lost and doubled, answers are anybody's. And what a new certificate
must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from capture.errors import Retry, SetAside
from cloud_sync.central.enrolment import ca
from cloud_sync.wire.codec import decode, encode
from cloud_sync.wire.enrolment import Grant, PapersAnswer, PapersQuestion, Problem, RenewRequest
from edge.enrol.fitting import fits
from edge.enrol.through_broker import ThroughBroker
from tests.enrolled_site import Clock

NOW = Clock()()


@dataclass
class Away:
    """The centre behind the broker: ``turn`` gives what it says to the n-th message."""

    turn: Callable[[int, PapersQuestion], list[bytes]]
    connected: bool = True
    asked: list[PapersQuestion] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.way = ThroughBroker(self._say, lambda: self.connected, timeout_s=0.05)

    def _say(self, payload: bytes) -> None:
        self.asked.append(decode(payload, PapersQuestion))
        for one in self.turn(len(self.asked), self.asked[-1]):
            self.way.hear(one)


def test_what_is_lost_is_asked_again_and_strange_answers_do_not_count() -> None:
    def turn(number: int, asked: PapersQuestion) -> list[bytes]:
        if number == 1:
            return []
        strange = [b"", b"{}", encode(PapersAnswer(id="", authorities="x")), encode(PapersAnswer(id="other"))]
        right = PapersAnswer(id=asked.id, authorities="believed")
        return strange if number == 2 else [*strange, encode(right), encode(right)]

    centre = Away(turn)
    assert centre.way.authorities() == "believed"
    assert len({one.id for one in centre.asked}) == 1 and len(centre.asked) == 3
    centre.way.hear(encode(PapersAnswer(id=centre.asked[0].id, authorities="late")))
    assert centre.way.authorities() == "believed" and centre.asked[-1].id != centre.asked[0].id


def test_nobody_there_is_tried_again_later() -> None:
    silent = Away(lambda number, asked: [])
    with pytest.raises(Retry, match=r"enrol\.unreachable"):
        silent.way.authorities()
    assert len(silent.asked) == 3
    silent.connected = False
    with pytest.raises(Retry, match=r"enrol\.unreachable"):
        silent.way.confirm("x", "00")
    assert len(silent.asked) == 3, "without a connection nothing piles up"


def test_a_refusal_is_said_as_the_centre_said_it_and_half_an_answer_is_none() -> None:
    problem = Problem(code="enrol.copied", zh="甲", en="a")
    refusing = Away(lambda number, asked: [encode(PapersAnswer(id=asked.id, problem=problem))])
    with pytest.raises(SetAside, match=r"enrol\.copied"):
        refusing.way.renew(RenewRequest(csr="x", certificate="y", proof="00"))
    assert refusing.asked[0].model_dump() | {"id": ""} == {
        "id": "", "verb": "renew", "csr": "x", "certificate": "y", "proof": "00",
    }  # fmt: skip
    empty = Away(lambda number, asked: [encode(PapersAnswer(id=asked.id))])
    for ask in (empty.way.authorities, lambda: empty.way.renew(RenewRequest(csr="x"))):
        with pytest.raises(Retry):
            ask()
    empty.way.confirm("y", "00")


def test_a_certificate_must_be_of_this_box_its_key_and_an_authority_it_believes() -> None:
    own, other = (ca.make("test", ["localhost"], NOW) for _ in range(2))
    after = ca.make("test", ["localhost"], NOW, before=own)
    key, wrong = (ec.generate_private_key(ec.SECP256R1()).public_key() for _ in range(2))

    def grant(by: ca.Authority, told: tuple[ca.Authority, ...], name: str = "b-1", of: object = key) -> Grant:
        assert isinstance(of, ec.EllipticCurvePublicKey)
        made = ca.issue_box(by, name, of, NOW, timedelta(days=90))
        return Grant(
            box=name, certificate=ca.pem(made), authorities=ca.pem(*(one.certificate for one in told)),
            not_before=0, not_after=1, broker_host="h", broker_port=1, enrolment="https://h",
        )  # fmt: skip

    before = grant(own, (own,))
    fits(before, key, before)
    fits(grant(after, (after, own)), key, before)
    bad = [
        grant(own, (own,), of=wrong), grant(own, (own,), "b-2"), grant(other, (own,)), grant(other, (other,)),
        grant(own, (own,), "b-2").model_copy(update={"box": "b-1"}),
        before.model_copy(update={"certificate": "x"}), before.model_copy(update={"authorities": "x"}),
    ]  # fmt: skip
    for one in bad:
        with pytest.raises(SetAside, match=r"enrol\.unfit"):
            fits(one, key, before)
