"""The door's answers through the broker: who is given a certificate, and what everybody else is told."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from cloud_sync.central import schema
from cloud_sync.central.enrolment import tables, vault
from cloud_sync.central.enrolment.api import Directions
from cloud_sync.central.enrolment.desk import Desk
from cloud_sync.central.enrolment.through_broker import A_TURN, MOST_A_WINDOW, WINDOW_S, PapersThroughBroker
from cloud_sync.wire import topics
from cloud_sync.wire.codec import decode, encode
from cloud_sync.wire.enrolment import EnrolRequest, PapersAnswer, PapersQuestion, proof_text
from cloud_sync.wire.topics import Address
from tests.enrolled_site import EnrolledSite


class Centre:
    """Desk and part, without door and broker. ``tick``: seconds that a test sets; ``root``: what boxes get."""

    def __init__(self, site: EnrolledSite) -> None:
        self.site, self.tick, self.root = site, 0.0, b"{}"
        held = vault.Keeper(site.ca, None)
        self.desk = Desk(site.database, site.settings, held)
        to = Directions(site.url, "localhost", 8883, lambda: self.root)
        self.part = PapersThroughBroker(self.desk, held, to, site.clock, tick=lambda: self.tick)

    def said(self) -> list[tuple[str, PapersAnswer]]:
        return [(one.topic, decode(one.payload, PapersAnswer)) for one in self.part.to_say()]

    def alarms(self, box: str) -> list[str]:
        with self.site.database.read() as connection:
            return list(connection.scalars(select(tables.alarm.c.kind).where(tables.alarm.c.box == box)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EnrolledSite]:
    made = EnrolledSite(tmp_path_factory.mktemp("centre"))
    yield made
    made.close()


@pytest.fixture
def centre(site: EnrolledSite) -> Centre:
    site.clock.skew_ms = 0
    return Centre(site)


def request(key: ec.EllipticCurvePrivateKey, *names: str) -> x509.CertificateSigningRequest:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one) for one in names])
    return x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())


def text(asked: x509.CertificateSigningRequest) -> str:
    return asked.public_bytes(Encoding.PEM).decode()


class Box:
    """A box with its first certificate, and what it asks."""

    def __init__(self, centre: Centre, name: str) -> None:
        self.centre, self.name = centre, name
        self.key, self.next = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        ticket = centre.site.ticket(name, f"SN-{name}")
        asked = EnrolRequest(token=ticket.token, serial=f"SN-{name}", csr=text(request(self.key, "qcbox")))
        self.certificate = centre.desk.enrol(asked, centre.site.clock()).pem

    def proof(self, csr: bytes = b"", key: ec.EllipticCurvePrivateKey | None = None) -> str:
        shown = x509.load_pem_x509_certificate(self.certificate.encode()).public_bytes(Encoding.DER)
        return (key or self.key).sign(proof_text(shown, csr), ec.ECDSA(hashes.SHA256())).hex()

    def question(self, *names: str) -> PapersQuestion:
        asked = request(self.next, *(names or (self.name,)))
        return PapersQuestion(
            id="q", verb="renew", csr=text(asked), certificate=self.certificate,
            proof=self.proof(asked.public_bytes(Encoding.DER)),
        )  # fmt: skip

    def ask(self, question: PapersQuestion, under: str = "") -> PapersAnswer:
        """The one answer, which nobody but the box under whose name it was asked can hear."""
        self.centre.part.heard(Address(under or self.name, True, "papers"), encode(question))
        [(topic, answer)] = self.centre.said()
        assert topic == topics.down(under or self.name, "papers") and answer.id == question.id
        return answer

    def refused(self, question: PapersQuestion, under: str = "") -> str:
        answer = self.ask(question, under)
        assert answer.problem is not None and answer.grant is None
        return answer.problem.code


def test_a_certificate_by_the_one_before_and_the_old_one_is_void_once_it_is_of_use(centre: Centre) -> None:
    box = Box(centre, "t-good")
    question = box.question()
    first = box.ask(question).grant
    assert first is not None and first.box == "t-good" and first.root == "{}"
    made = x509.load_pem_x509_certificate(first.certificate.encode())
    assert made.public_key() == box.next.public_key()
    again = box.ask(question).grant
    assert again == first, "an answer can be lost"
    old, box.key, box.certificate = (box.key, box.certificate), box.next, first.certificate
    confirmed = box.ask(PapersQuestion(id="c", verb="confirm", certificate=first.certificate, proof=box.proof()))
    assert confirmed == PapersAnswer(id="c")
    box.key, box.certificate = old
    assert box.refused(question) == "enrol.revoked" and centre.alarms("t-good") == ["revoked"]


def test_authorities_are_for_all(centre: Centre) -> None:
    centre.part.heard(Address("t-any", True, "papers"), encode(PapersQuestion(id="a", verb="authorities")))
    [(_, answer)] = centre.said()
    assert answer.authorities == centre.site.vault.believed


def test_nobody_asks_in_another_boxs_name(centre: Centre) -> None:
    mine, other = Box(centre, "t-mine"), Box(centre, "t-other")
    assert mine.refused(mine.question(), under="t-other") == "enrol.other_box"
    for names in (("t-other",), ("t-mine", "t-other"), ("qcbox",)):
        assert mine.refused(mine.question(*names)) == "enrol.other_box", names
    stolen = mine.question().model_copy(update={"certificate": other.certificate})
    assert mine.refused(stolen) == "enrol.proof"
    replayed = other.question().model_copy(update={"csr": mine.question().csr})
    assert mine.refused(replayed) == "enrol.proof"
    confirm = PapersQuestion(id="c", verb="confirm", certificate=other.certificate, proof=other.proof())
    assert mine.refused(confirm) == "enrol.other_box"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"proof": None}, "enrol.proof"), ({"proof": "00"}, "enrol.proof"), ({"proof": "000"}, "enrol.proof"),
        ({"certificate": None}, "enrol.proof"), ({"certificate": "x"}, "enrol.proof"),
        ({"csr": None}, "enrol.request"), ({"csr": "x"}, "enrol.request"),
        ({"verb": "confirm"}, "enrol.proof"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(centre: Centre, change: dict[str, str], code: str) -> None:
    box = Box(centre, f"t-wrong-{secrets.token_hex(4)}")
    assert box.refused(box.question().model_copy(update=change)) == code


def test_a_box_that_may_be_a_copy_is_a_persons_business(centre: Centre) -> None:
    box = Box(centre, "t-twice")
    now = centre.site.clock()
    with centre.site.database.write() as connection:
        clone = {"box": "t-twice", "kind": "clone", "sha256": "x", "raised_at": now + 5}
        connection.execute(schema.alarm.insert().values(clone))
    assert box.refused(box.question()) == "enrol.copied"
    centre.site.clock.days(1)
    box = Box(centre, "t-twice")
    assert box.ask(box.question()).grant is not None, "it was given a new token since"
    box.next = ec.generate_private_key(ec.SECP256R1())
    assert box.refused(box.question()) == "enrol.renewed_otherwise" and centre.alarms("t-twice") == ["renewal"]
    assert box.refused(box.question()) == "enrol.copied"


def test_a_revoked_box_and_one_of_long_ago_are_not_renewed(centre: Centre) -> None:
    out, late = Box(centre, "t-out"), Box(centre, "t-late")
    centre.site.revoke("t-out")
    assert out.refused(out.question()) == "enrol.revoked"
    centre.site.clock.days(121)
    assert late.refused(late.question()) == "enrol.too_late"


def test_a_box_that_asks_too_often_is_told_so_once(centre: Centre) -> None:
    question = encode(PapersQuestion(id="a", verb="authorities"))
    answers: list[PapersAnswer] = []
    for _ in range(MOST_A_WINDOW + 5):
        centre.part.heard(Address("t-loud", True, "papers"), question)
        answers += [answer for _, answer in centre.said()]
    codes = [answer.problem.code if answer.problem else "" for answer in answers]
    assert codes == [""] * MOST_A_WINDOW + ["enrol.too_often"]
    centre.part.heard(Address("t-calm", True, "papers"), question)
    assert centre.said()[0][1].problem is None, "others do not suffer"
    centre.tick += WINDOW_S
    centre.part.heard(Address("t-loud", True, "papers"), question)
    assert centre.said()[0][1].problem is None


def test_a_turn_is_short(centre: Centre) -> None:
    for number in range(A_TURN + 1):
        question = PapersQuestion(id="a", verb="authorities")
        centre.part.heard(Address(f"t-{number}", True, "papers"), encode(question))
    assert [len(centre.said()) for _ in range(3)] == [A_TURN, 1, 0]


@pytest.mark.parametrize("root", [b'"' * 65536, b"x" * 65537])
def test_an_answer_that_no_message_holds_is_a_refusal(centre: Centre, root: bytes) -> None:
    centre.root = root
    box = Box(centre, f"t-root-{len(root)}")
    assert box.refused(box.question()) == "enrol.too_long"


@settings(max_examples=50, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.builds(
            lambda **said: encode(PapersQuestion(**said)),
            id=st.text(max_size=9), verb=st.sampled_from(("authorities", "renew", "confirm")),
            csr=st.none() | st.text(min_size=1, max_size=50),
            certificate=st.none() | st.text(min_size=1, max_size=50),
            proof=st.none() | st.from_regex(r"[0-9a-f]{2,20}", fullmatch=True),
        ),
    ),
    st.sampled_from(("papers", "fetch")),
)  # fmt: skip
def test_nothing_that_anybody_says_is_a_fault(site: EnrolledSite, payload: bytes, leaf: str) -> None:
    centre = Centre(site)
    centre.part.heard(Address("t-fuzz", True, leaf), payload)
    assert all(answer.grant is None for _, answer in centre.said())
