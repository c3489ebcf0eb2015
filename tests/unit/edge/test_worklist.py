"""The worklist against a real server of pynetdicom: asked, kept while the server is away, forgotten in time."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pynetdicom import AE, evt
from pynetdicom.sop_class import ModalityWorklistInformationFind  # type: ignore[attr-defined]  # made at run time

from capture.dicom.settings import WorklistSettings
from edge.pipeline.worklist import Worklist
from tests.certificates import make
from tests.peers import free_port

# pynetdicom leaves the socket of a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def item(number: int) -> Dataset:
    step = Dataset()
    step.Modality, step.ScheduledProcedureStepDescription = "DX", "Knee right"
    one = Dataset()
    one.SpecificCharacterSet = "ISO_IR 192"
    one.PatientID, one.PatientName, one.PatientBirthDate = f"{number:04d}", "WANG^XIAOMING=王^小明", "19700101"
    one.AccessionNumber, one.RequestedProcedureDescription = f"ACC{number}", "右膝关节"
    one.ScheduledProcedureStepSequence = Items([step])
    return one


class Server:
    """A RIS that lists ``items`` and notes what it was asked; ``status`` ends its answer."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.items, self.status, self.asked = [item(1), item(2)], 0x0000, [Dataset()][:0]
        self.port = free_port()
        self._running: Any = None

    def start(self) -> None:
        ae = AE(ae_title="WORKLIST")
        ae.add_supported_context(ModalityWorklistInformationFind)
        handlers: list[Any] = [(evt.EVT_C_FIND, self._find)]
        self._running = ae.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=handlers, ssl_context=self._tls
        )

    def stop(self) -> None:
        if self._running is not None:
            self._running.shutdown()
            self._running = None

    def _find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        self.asked.append(event.identifier)
        for one in self.items:
            yield 0xFF00, one
        if self.status:
            yield self.status, None


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.stop()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(0.1)


def worklist(port: int) -> Worklist:
    return Worklist(WorklistSettings(host="127.0.0.1", port=port, timeout_s=10), "Asia/Shanghai")


async def test_the_orders_of_the_day(server: Server) -> None:
    asked = worklist(server.port)
    assert asked.orders is None
    await asked.ask()
    first = asked.orders
    assert first is not None and [one.PatientID for one in first] == ["0001", "0002"]
    assert first[0].PatientName == "WANG^XIAOMING=王^小明"
    assert "右膝关节" in first[0].description and "Knee right" in first[0].description
    (question,) = server.asked
    dates = question.ScheduledProcedureStepSequence[0].ScheduledProcedureStepStartDate
    assert len(str(dates)) == 17 and str(dates)[8] == "-"


async def test_a_server_that_wants_tls_and_a_certificate(tmp_path: Path) -> None:
    pki = make(tmp_path)
    server = Server(pki.server())
    server.start()
    try:
        for tls, listed in (
            (None, None),
            (pki.of(None), None),
            (pki.of("box", ca="other"), None),
            (pki.of("box"), 2),
        ):
            settings = {"host": "127.0.0.1", "port": server.port, "timeout_s": 10, "tls": tls}
            asked = Worklist(WorklistSettings.model_validate(settings), "Asia/Shanghai")
            await asked.ask()
            assert (asked.orders and len(asked.orders)) == listed
    finally:
        server.stop()


async def test_a_server_whose_name_is_not_known_ends_nothing() -> None:
    """Without a name server the question fails before there is a connection."""
    asked = Worklist(WorklistSettings(host="x" * 70), "Asia/Shanghai")
    await asked.ask()
    assert asked.orders is None


async def test_a_server_that_goes_away_keeps_its_word_for_a_while(server: Server) -> None:
    asked = worklist(server.port)
    start = datetime(2026, 11, 22, 8, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        await asked.ask()
        server.stop()
        await asked.ask()
        assert asked.orders is not None and len(asked.orders) == 2
        clock.shift(13 * 3600)
        await asked.ask()
        assert asked.orders is not None and len(asked.orders) == 0


async def test_an_order_that_is_done_counts_for_its_last_images(server: Server) -> None:
    asked = worklist(server.port)
    await asked.ask()
    server.items = [item(2), item(3)]
    await asked.ask()
    assert asked.orders is not None and {one.PatientID for one in asked.orders} == {"0001", "0002", "0003"}


@pytest.mark.parametrize("break_it", [lambda s: s.stop(), lambda s: setattr(s, "status", 0xC001)])
async def test_a_server_that_never_answered_is_not_connected(
    server: Server, break_it: Callable[[Server], None]
) -> None:
    break_it(server)
    asked = worklist(server.port)
    await asked.ask()
    assert asked.orders is None


async def test_without_an_address_nobody_is_asked() -> None:
    asked = Worklist(WorklistSettings(), "Asia/Shanghai")
    await asked.run(asyncio.Event())
    assert asked.orders is None
