"""Storage commitment is relayed: a device hears what the archive said, and nothing else."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.dsutils import encode

from capture.arrival import Kind
from capture.dicom.calling import keep_answers
from capture.dicom.store import part10_header
from capture.dicom.uids import COMMITMENT, EXPLICIT_LE
from edge.clock import now_ms
from edge.forward import answer
from edge.forward.commitments import take_report
from edge.forward.committing import INSTANCE
from edge.forward.onward import Onward
from edge.store.schema import commitment
from tests.certificates import Certificates
from tests.factories import ct, uid, write
from tests.peers import free_port
from tests.receiver import CT, Receiver
from tests.unit.edge.box import Box
from tests.unit.edge.forward.going import onward, peer, rows, running, take_in, until

# pynetdicom leaves a socket that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Say = Callable[[Dataset], Dataset | None]
Told = list[tuple[int, Dataset]]


def images_of(names: Sequence[str], reason: int | None = None) -> list[Dataset]:
    items = []
    for name in names:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, uid(name)
        if reason is not None:
            item.FailureReason = reason
        items.append(item)
    return items


def request(*names: str, transaction: str = "of the device") -> Dataset:
    made = Dataset()
    made.TransactionUID, made.ReferencedSOPSequence = uid(transaction), images_of(names)
    return made


def report(asked: Dataset, kept: Sequence[str], failed: Sequence[str] = ()) -> Dataset:
    made = Dataset()
    made.TransactionUID = asked.TransactionUID
    if kept:
        made.ReferencedSOPSequence = images_of(kept)
    if failed:
        made.FailedSOPSequence = images_of(failed, 0x0112)
    return made


class Archive:
    """pynetdicom: keeps images, and says of a request what ``say`` makes of it, on the same association or a new
    one. ``status``: of its response to the request; None: it does not commit at all."""

    def __init__(
        self,
        port: int,
        say: Say,
        back_to: int | None = None,
        status: int | None = 0x0000,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.stored: list[str] = []
        self.asked: list[Dataset] = []
        self.stored_when_asked: list[int] = []
        self.answers: list[int] = []
        self._port, self._say, self._back_to, self._status, self._tls = port, say, back_to, status, tls

    def _store(self, event: evt.Event) -> int:
        self.stored.append(str(event.dataset.SOPInstanceUID))
        return 0x0000

    def _ask(self, event: evt.Event) -> tuple[int, None]:
        asked = event.action_information
        self.asked.append(asked)
        self.stored_when_asked.append(len(self.stored))
        said = self._say(asked)
        if said is not None:
            threading.Thread(target=self._report, args=(event.assoc, said), daemon=True).start()
        return self._status or 0x0000, None

    def _report(self, association: object, said: Dataset) -> None:
        kind = 2 if "FailedSOPSequence" in said else 1
        if self._back_to is None:
            time.sleep(0.1)
            status, _ = association.send_n_event_report(said, kind, COMMITMENT, INSTANCE)  # type: ignore[attr-defined]
            self.answers.append(status.Status)
            return
        self.answers.append(reports(self._back_to, said, kind))

    def __enter__(self) -> Archive:
        ae = AE(ae_title="ARCHIVE")
        ae.add_supported_context(CT)
        if self._status is not None:
            ae.add_supported_context(COMMITMENT, scu_role=True, scp_role=True)
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store), (evt.EVT_N_ACTION, self._ask)]
        self._server = ae.start_server(
            ("127.0.0.1", self._port), block=False, evt_handlers=handlers, ssl_context=self._tls
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()


def reports(port: int, said: Dataset, kind: int = 1, title: str = "ARCHIVE") -> int:
    """An association of the archive's own, with the roles reversed."""
    ae = AE(ae_title=title)
    ae.add_requested_context(COMMITMENT)
    association = ae.associate(
        "127.0.0.1", port, ae_title="QCBOX", ext_neg=[build_role(COMMITMENT, scp_role=True)]
    )
    assert association.is_established
    keep_answers(association)
    status, _ = association.send_n_event_report(said, kind, COMMITMENT, INSTANCE)
    association.release()
    return int(status.Status)


@contextmanager
def device(port: int, told: Told, status: int = 0x0000, tls: ssl.SSLContext | None = None) -> Iterator[None]:
    """pynetdicom as a modality that waits to be told; it insists on the roles being reversed."""

    def hear(event: evt.Event) -> tuple[int, None]:
        told.append((event.event_type or 0, event.event_information))
        return status, None

    ae = AE(ae_title="CT1")
    ae.add_supported_context(COMMITMENT, scu_role=False, scp_role=True)
    handlers: list[Any] = [(evt.EVT_N_EVENT_REPORT, hear)]
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers, ssl_context=tls)
    assert server is not None
    try:
        yield
    finally:
        server.shutdown()


def relaying(box: Box, archive: int, modality: int, tls: dict[str, Any] | None = None, **more: object) -> Onward:
    pacs, ct1 = peer(archive, name="pacs", tls=tls), peer(modality, ae_title="CT1", tls=tls)
    return onward(box, destinations=[pacs], archive="pacs", devices=[ct1], **more)


RELAYED: frozenset[tuple[Kind, str]] = frozenset({("commitment", "CT1"), ("committed", "ARCHIVE")})


def ask(receiver: Receiver, asked: Dataset, title: str = "CT1") -> int:
    ae = AE(ae_title=title)
    ae.add_requested_context(COMMITMENT)
    association = ae.associate("127.0.0.1", receiver.port, ae_title="QCBOX")
    keep_answers(association)
    status, _ = association.send_n_action(asked, 1, COMMITMENT, INSTANCE)
    association.release()
    return int(status.Status)


def wish_commitment(box: Box, asked: Dataset, at: int | None = None) -> None:
    """What the receiver puts into the spool when a device asks."""
    with box.spool.receive(kind="commitment", source="dicom", calling_ae="CT1") as incoming:
        incoming.write(part10_header(COMMITMENT.encode(), INSTANCE.encode(), EXPLICIT_LE, "CT1"))
        incoming.write(encode(asked, False, True) or b"")
        incoming.commit(now_ms() if at is None else at)


def receive(box: Box, tmp_path: Path, *names: str) -> None:
    for name in names:
        image = ct()
        image.SOPInstanceUID = uid(name)
        box.receive(write(image, tmp_path / f"{name}.dcm").read_bytes(), "CT1")


async def test_the_device_hears_what_the_archive_keeps_once_it_has_all(
    box: Box, tmp_path: Path, pki: Certificates
) -> None:
    """Over TLS with certificates on both sides, as the archive and the device want it."""
    ports, told = (free_port(), free_port()), Told()
    going = relaying(box, *ports, tls=pki.of("box"))
    receive(box, tmp_path, "a", "b")
    with Receiver(tmp_path, box.spool, relayed=RELAYED) as receiver:
        assert ask(receiver, request("a", "b")) == 0x0000
    take_in(box, going)
    async with running(going):
        with Archive(ports[0], lambda asked: report(asked, "ab"), tls=pki.server()) as archive:
            await until(lambda: archive.answers, "the archive has said it")
            assert archive.stored_when_asked == [2] and archive.answers == [0x0000]
            assert rows(box, commitment, "state") == [("answered",)]
            assert archive.asked[0].TransactionUID != uid("of the device")
        with device(ports[1], told, tls=pki.server()):  # it was away until now
            await until(lambda: rows(box, commitment, "state", "content") == [("told", None)], "the device knows")
    [(kind, said)] = told
    assert (kind, said.TransactionUID) == (1, uid("of the device"))
    assert [item.ReferencedSOPInstanceUID for item in said.ReferencedSOPSequence] == [uid("a"), uid("b")]


async def test_the_archive_may_report_later_over_an_association_of_its_own(box: Box, tmp_path: Path) -> None:
    ports, told = (free_port(), free_port()), Told()
    going = relaying(box, *ports)

    def reached() -> bool:
        take_in(box, going)
        return bool(told)

    receive(box, tmp_path, "a", "b")
    with Receiver(tmp_path, box.spool, relayed=RELAYED) as receiver:
        ask(receiver, request("a", "b"))
        take_in(box, going)
        archive = Archive(ports[0], lambda asked: report(asked, "a", "b"), receiver.port)
        with archive, device(ports[1], told):
            async with running(going):
                await until(reached, "the device knows")
    assert set(archive.answers) == {0x0000}
    [(kind, said)] = told
    assert kind == 2
    assert [item.ReferencedSOPInstanceUID for item in said.ReferencedSOPSequence] == [uid("a")]
    assert [(item.ReferencedSOPInstanceUID, item.FailureReason) for item in said.FailedSOPSequence] == [
        (uid("b"), 0x0112)
    ]


async def test_an_archive_that_says_nothing_is_asked_again_and_nobody_else_is_believed(
    box: Box, tmp_path: Path
) -> None:
    ports = free_port(), free_port()
    going = relaying(box, *ports, ask_again_s=0.5)
    receive(box, tmp_path, "a")
    with Receiver(tmp_path, box.spool, relayed=RELAYED) as receiver:
        ask(receiver, request("a"))
        take_in(box, going)
        with Archive(ports[0], lambda asked: None) as archive:
            async with running(going):
                await until(lambda: len(archive.asked) > 1, "it was asked again")
            first, second = (one.TransactionUID for one in archive.asked[:2])
            assert first != second
            assert reports(receiver.port, report(archive.asked[-1], "a"), title="CT1") == 0x0124
            reports(receiver.port, report(request("a"), "a"))  # the device's own transaction: not the archive's
            take_in(box, going)
    assert rows(box, commitment, "state") == [("asked",)]


def test_a_report_counts_though_the_answer_to_the_question_was_lost(box: Box) -> None:
    """Until it is asked anew: then the transaction is another one."""
    wish_commitment(box, request("a"))
    take_in(box, relaying(box, 1, 2))
    asked = {"state": "waiting", "transaction_uid": uid("ours")}
    box.db.write(lambda c: c.execute(commitment.update().values(asked)))
    said = report(request("a", transaction="ours"), "a")
    assert box.db.write(lambda c: take_report(c, said, 1)) and not box.db.write(lambda c: take_report(c, said, 1))
    assert rows(box, commitment, "state") == [("answered",)]


async def test_a_device_without_an_address_and_a_request_without_images_are_not_granted(
    box: Box, tmp_path: Path
) -> None:
    going = relaying(box, 1, 2)
    with Receiver(tmp_path, box.spool, relayed=RELAYED) as receiver:
        assert ask(receiver, request("a"), title="CT2") == 0x0124
        assert ask(receiver, request()) == 0x0115
    take_in(box, going)
    assert rows(box, commitment, "calling_ae", "state") == []


def failures(said: Dataset) -> list[tuple[str, int]]:
    assert "ReferencedSOPSequence" not in said
    return [(item.ReferencedSOPInstanceUID, item.FailureReason) for item in said.FailedSOPSequence]


async def test_what_nobody_ever_sent_is_asked_at_once_and_the_device_hears_the_archives_no(box: Box) -> None:
    """PS3.4 J.3.3: event type 2, the Failed SOP Sequence and the reason of each."""
    ports, told = (free_port(), free_port()), Told()
    going = relaying(box, *ports)
    wish_commitment(box, request("a", "never came"))
    take_in(box, going)
    with Archive(ports[0], lambda asked: report(asked, (), ["a", "never came"])), device(ports[1], told):
        async with running(going):
            await until(lambda: told, "the device knows")
    [(kind, said)] = told
    assert (kind, said.TransactionUID) == (2, uid("of the device"))
    assert failures(said) == [(uid("a"), 0x0112), (uid("never came"), 0x0112)]


@pytest.mark.parametrize(
    ("refusal", "tries", "reason"),
    [(0x0112, 10, 0x0112), (0x0124, 10, 0x0110), (0x0110, 2, 0x0110), (None, 2, 0x0110)],
)
async def test_an_archive_that_refuses_the_request_itself(
    box: Box, refusal: int | None, tries: int, reason: int
) -> None:
    """A processing failure (0110) is tried again, and who does not commit at all (None); nothing else is.

    The device hears a FailureReason that PS3.3 C.14 knows.
    """
    ports, told = (free_port(), free_port()), Told()
    going = relaying(box, *ports, tries=tries)
    wish_commitment(box, request("a"))
    take_in(box, going)
    with Archive(ports[0], lambda asked: None, status=refusal) as archive, device(ports[1], told):
        async with running(going):
            await until(lambda: told, "the device knows")
    assert len(archive.asked) == {None: 0, 0x0110: 2}.get(refusal, 1)
    [(kind, said)] = told
    assert kind == 2 and failures(said) == [(uid("a"), reason)]


async def test_a_request_is_given_up_after_days_and_the_device_told(box: Box) -> None:
    """As long again as the archive had, the device has to be reached."""
    ports, told = (free_port(), free_port()), Told()
    going = relaying(box, *ports, give_up_hours=1)
    wish_commitment(box, request("a"), at=now_ms() - 90 * 60_000)
    wish_commitment(box, request("b", transaction="older"), at=now_ms() - 150 * 60_000)
    take_in(box, going)
    with device(ports[1], told):
        async with running(going):
            ended = [("refused", "too old"), ("told", "0000")]
            await until(lambda: sorted(rows(box, commitment, "state", "code")) == ended, "both are done with")
    [(kind, said)] = told
    assert kind == 2 and failures(said) == [(uid("a"), 0x0110)]


@given(st.lists(st.sampled_from("abcdef"), max_size=6), st.lists(st.sampled_from("abcdef"), max_size=6))
def test_only_what_the_archive_names_and_was_asked_of_it_is_kept(kept: list[str], failed: list[str]) -> None:
    asked = request("a", "b", "c")
    said = answer.from_text(answer.answer(asked, report(asked, kept, failed)).text())
    assert set(said.kept) == {uid(name) for name in "abc" if name in kept and name not in failed}
    assert set(said.kept) | {one for one, _ in said.failed} == {uid(name) for name in "abc"}
    kind, told = answer.event(asked, said)
    assert kind == (2 if said.failed else 1)
    assert len(told.get("ReferencedSOPSequence") or ()) + len(told.get("FailedSOPSequence") or ()) == 3


@pytest.mark.parametrize("wrong", [Dataset(), request()])
def test_what_is_no_request(wrong: Dataset) -> None:
    assert not answer.is_whole(wrong)
    assert answer.is_whole(request("a"))
