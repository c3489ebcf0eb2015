"""MPPS goes on to the RIS, in order, through everything that happens to the RIS."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.dsutils import encode

from capture.dicom.calling import keep_answers
from capture.dicom.store import part10_header
from capture.dicom.uids import EXPLICIT_LE, PERFORMED_STEP
from edge.forward.settings import ForwardSettings
from edge.forward.status import status
from edge.store.schema import relayed_step
from tests.certificates import Certificates
from tests.factories import uid
from tests.peers import free_port
from tests.receiver import Raw, Receiver, command, elements, pdata, proposal
from tests.unit.edge.box import Box
from tests.unit.edge.forward.going import onward, peer, rows, running, take_in, until

# pynetdicom leaves a socket that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

Heard = list[tuple[str, str, Dataset]]


@contextmanager
def ris(
    port: int, heard: Heard, answers: dict[str, int] | None = None, tls: ssl.SSLContext | None = None
) -> Iterator[None]:
    """pynetdicom as a RIS. ``answers``: status by the state that a message tells."""

    def create(event: Any) -> tuple[int, Dataset | None]:
        return note("create", str(event.request.AffectedSOPInstanceUID), event.attribute_list)

    def change(event: Any) -> tuple[int, Dataset | None]:
        return note("set", str(event.request.RequestedSOPInstanceUID), event.modification_list)

    def note(operation: str, step: str, told: Dataset) -> tuple[int, Dataset | None]:
        status = (answers or {}).get(told.PerformedProcedureStepStatus, 0x0000)
        if operation == "create" and any((how, which) == (operation, step) for how, which, _ in heard):
            status = 0x0111
        heard.append((operation, step, told))
        return status, told

    ae = AE(ae_title="RIS")
    ae.add_supported_context(PERFORMED_STEP)
    handlers: list[Any] = [(evt.EVT_N_CREATE, create), (evt.EVT_N_SET, change)]
    server = ae.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers, ssl_context=tls)
    assert server is not None
    try:
        yield
    finally:
        server.shutdown()


def told(state: str, **more: object) -> Dataset:
    made = Dataset()
    made.PerformedProcedureStepStatus = state
    for keyword, value in more.items():
        setattr(made, keyword, value)
    return made


def begun(name: str = "张三") -> Dataset:
    scheduled = Dataset()
    scheduled.StudyInstanceUID = uid("study")
    return told(
        "IN PROGRESS", SpecificCharacterSet="GB18030", PatientName=name,
        ScheduledStepAttributesSequence=[scheduled], PerformedProcedureStepStartDate="20261122",
        PerformedSeriesSequence=[],
    )  # fmt: skip


def bytes_of(message: Dataset) -> bytes:
    """Explicit, little endian."""
    return encode(message, False, True) or b""


def hear(box: Box, *said: tuple[str, Dataset], at: int = 1000) -> None:
    """What the receiver puts into the spool when a device tells of a step."""
    for number, (step, message) in enumerate(said):
        with box.spool.receive(kind="mpps", source="dicom", calling_ae="CT1") as incoming:
            incoming.write(part10_header(PERFORMED_STEP.encode(), step.encode(), EXPLICIT_LE, "CT1"))
            incoming.write(bytes_of(message))
            incoming.commit(at + number)


async def test_from_the_device_to_the_ris_over_the_wire(box: Box, tmp_path: Path, pki: Certificates) -> None:
    """The RIS wants TLS and a certificate."""
    port, heard = free_port(), Heard()
    going = onward(box, ris=peer(port, ae_title="RIS", tls=pki.of("box")))
    scu = AE(ae_title="CT1")
    scu.add_requested_context(PERFORMED_STEP)
    with Receiver(tmp_path, box.spool) as receiver:
        association = scu.associate("127.0.0.1", receiver.port, ae_title="QCBOX")
        keep_answers(association)
        for tell, message in (
            (association.send_n_create, begun()),
            (association.send_n_set, told("IN PROGRESS")),
            (association.send_n_set, told("COMPLETED")),
        ):
            assert tell(message, PERFORMED_STEP, uid("step"))[0].Status == 0x0000
        association.release()
    take_in(box, going)
    with ris(port, heard, tls=pki.server()):
        async with running(going):
            await until(lambda: all(one == ("sent",) for one in rows(box, relayed_step, "state")), "all is told")
    assert [(how, step, message.PerformedProcedureStepStatus) for how, step, message in heard] == [
        ("create", uid("step"), "IN PROGRESS"),
        ("set", uid("step"), "IN PROGRESS"),
        ("set", uid("step"), "COMPLETED"),
    ]
    assert heard[0][2].PatientName == "张三" and heard[0][2].ScheduledStepAttributesSequence[0].StudyInstanceUID
    assert rows(box, relayed_step, "content") == [(None,)] * 3, "who was examined is not kept longer than needed"


async def test_a_step_without_a_uid_gets_ours_and_goes_on_under_it(box: Box, tmp_path: Path) -> None:
    """PS3.7 10.1.5.1.4: who creates without naming is told the UID, and speaks of it from then on."""
    port, heard = free_port(), Heard()
    going = onward(box, ris=peer(port, ae_title="RIS"))
    with Receiver(tmp_path, box.spool) as receiver, Raw(receiver.port) as raw:
        raw.associate(proposal(1, PERFORMED_STEP, [EXPLICIT_LE]))
        raw.send(
            pdata((1, 3, command(0x0140, data_set=True, sop_class=PERFORMED_STEP)), (1, 2, bytes_of(begun())))
        )
        said = elements(raw.pdu()[1][6:])
        assert said[0x0900] == 0x0000
        given = said[0x1000].rstrip(b"\0").decode()
        assert UID(given).is_valid
        raw.send(
            pdata((1, 3, command(0x0120, data_set=True, sop_class=PERFORMED_STEP, instance=given))),
            pdata((1, 2, bytes_of(told("COMPLETED")))),
        )
        assert raw.status() == 0x0000
    take_in(box, going)
    with ris(port, heard):
        async with running(going):
            await until(lambda: rows(box, relayed_step, "state") == [("sent",)] * 2, "all is told")
    assert [(how, step) for how, step, _ in heard] == [("create", given), ("set", given)]


async def test_a_ris_that_is_away_hears_it_in_order_when_it_is_back(box: Box) -> None:
    port, heard = free_port(), Heard()
    going = onward(box, ris=peer(port, ae_title="RIS"))
    a, b = uid("a"), uid("b")
    hear(box, (a, begun()), (b, begun()), (a, told("COMPLETED")), (b, told("DISCONTINUED")))
    take_in(box, going)
    async with running(going):
        await until(lambda: rows(box, relayed_step, "code")[0] == ("peer.unreachable",), "it was tried")
        [queue] = box.db.read(lambda c: status(c, ForwardSettings.model_validate({"ris": peer(port)})))
        assert (queue.name, queue.waiting, queue.oldest) == ("ris", 4, 1000), "trying makes nothing younger"
        with ris(port, heard):
            await until(lambda: rows(box, relayed_step, "state") == [("sent",)] * 4, "all is told")
    for step in (a, b):
        assert [how for how, which, _ in heard if which == step] == ["create", "set"]


async def test_a_step_that_the_ris_refuses_holds_up_no_other(box: Box) -> None:
    port, heard = free_port(), Heard()
    going = onward(box, ris=peer(port, ae_title="RIS"), tries=2)
    hear(box, (uid("a"), told("NONSENSE")), (uid("a"), told("COMPLETED")), (uid("b"), begun()))
    take_in(box, going)
    with ris(port, heard, {"NONSENSE": 0x0106}):
        async with running(going):
            ended = [("refused", "0106"), ("sent", "0000"), ("sent", "0000")]
            await until(lambda: rows(box, relayed_step, "state", "code") == ended, "all have ended")
    states = [told_of.PerformedProcedureStepStatus for _, step, told_of in heard if step == uid("a")]
    assert states == ["NONSENSE", "NONSENSE", "COMPLETED"], "what follows waits until it is given up"


async def test_what_is_told_twice_is_relayed_once(box: Box) -> None:
    """A device whose answer was lost says the same again; so does the box after a power cut."""
    port, heard = free_port(), Heard()
    going = onward(box, ris=peer(port, ae_title="RIS"))
    hear(box, (uid("a"), begun()), (uid("a"), begun()))
    take_in(box, going)
    assert len(rows(box, relayed_step, "id")) == 1
    with ris(port, heard):
        for _ in range(2):
            async with running(going):
                await until(lambda: rows(box, relayed_step, "state") == [("sent",)], "it is told")
            box.db.write(lambda c: c.execute(relayed_step.update().values(state="waiting", content=message())))
        async with running(going):
            await until(lambda: rows(box, relayed_step, "state", "code") == [("sent", "0111")], "it was there")


def message() -> bytes:
    return part10_header(PERFORMED_STEP.encode(), uid("a").encode(), EXPLICIT_LE, "CT1") + bytes_of(begun())


@pytest.mark.parametrize("settings", [{}, {"destinations": [peer(1, name="a")]}])
def test_without_a_ris_nothing_is_kept(box: Box, settings: dict[str, Any]) -> None:
    hear(box, (uid("a"), begun()))
    take_in(box, onward(box, **settings))
    assert rows(box, relayed_step, "id") == []
