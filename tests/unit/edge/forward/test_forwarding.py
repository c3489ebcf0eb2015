"""Images go on to archives: DCMTK's storescp and our own receiver stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pydicom
import pydicom.data
import pytest
from pydantic import ValidationError
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt

from capture.arrival import Arrival
from capture.spool import Spool, SpoolSettings
from edge.forward import wish
from edge.forward.onward import Onward
from edge.forward.patience import Patience
from edge.forward.settings import ForwardSettings
from edge.pipeline.retention import Retention
from edge.store.schema import acquisition, case, forward
from tests.peers import Child, accepts, free_port
from tests.receiver import Receiver, data_set_of, images
from tests.unit.edge.box import Box
from tests.unit.edge.forward.going import onward, peer, rows, running, states, take_in, until

# pynetdicom leaves a socket that was refused to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")

TEST_FILES = Path(pydicom.data.__file__).parent / "test_files"
SHIPPED = ["CT_small.dcm", "JPEG2000.dcm", "MR_small_RLE.dcm", "image_dfl.dcm", "ExplVR_BigEnd.dcm"]


def shipped(*names: str) -> list[bytes]:
    return [(TEST_FILES / name).read_bytes() for name in names]


def to(box: Box, *ports: int, **more: Any) -> Onward:
    destinations = [peer(port, name=f"archive-{n}") for n, port in enumerate(ports)]
    return onward(box, destinations=destinations, **more)


def receive(box: Box, going: Onward, contents: Sequence[bytes], calling_ae: str = "CT1") -> list[Arrival]:
    """Received, and taken in by intake itself."""
    arrivals = [box.receive(one, calling_ae, received_at=1000 + n) for n, one in enumerate(contents)]
    take_in(box, going)
    return arrivals


async def test_every_byte_of_a_data_set_arrives_in_any_syntax(box: Box, tmp_path: Path) -> None:
    contents = shipped(*SHIPPED)
    with Receiver(tmp_path / "archive") as archive:
        going = to(box, archive.port)
        receive(box, going, [*contents, contents[0]])
        async with running(going):
            await until(lambda: [one[0] for one in states(box)] == ["sent"] * len(SHIPPED), "all are sent")
        got = [data_set_of(content) for _, content in archive.contents()]
    assert got == [data_set_of(content) for content in contents]


async def test_storescp_gets_the_same_bytes_in_any_syntax(box: Box, tmp_path: Path) -> None:
    contents, port, folder = shipped(*SHIPPED[:3], SHIPPED[4]), free_port(), tmp_path / "stored"
    folder.mkdir()
    with Child(["storescp", "+B", "+xa", "-od", str(folder), str(port)], tmp_path / "log"):
        await until(lambda: accepts(port), "storescp listens")
        going = to(box, port, tries=1)
        receive(box, going, contents)
        async with running(going):
            await until(lambda: all(one[0] == "sent" for one in states(box)), "all are sent")
    got = {data_set_of(path.read_bytes()) for path in folder.iterdir()}
    assert got == {data_set_of(content) for content in contents}


async def test_an_archive_that_is_away_is_waited_for_and_holds_up_no_other(box: Box, tmp_path: Path) -> None:
    away, folder = free_port(), tmp_path / "stored"
    folder.mkdir()
    with Receiver(tmp_path / "archive") as archive:
        going = to(box, away, archive.port)
        receive(box, going, shipped("CT_small.dcm"))
        async with running(going):
            await until(lambda: states(box, "archive-1") == [("sent", "0000")], "the other has it")
            await until(lambda: states(box) == [("waiting", "peer.unreachable")], "this one was tried")
            with Child(["storescp", "+B", "-od", str(folder), str(away)], tmp_path / "log"):
                await until(lambda: accepts(away) and states(box) == [("sent", "0000")], "it is back")
            assert len(list(folder.iterdir())) == 1


async def test_a_full_archive_is_waited_for(box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "archive", SpoolSettings(min_free_mb=1))
    with Receiver(tmp_path, spool) as archive:
        monkeypatch.setattr(spool.disk, "free_bytes", lambda folder: 0, raising=False)
        going = to(box, archive.port, tries=1)
        receive(box, going, shipped("CT_small.dcm"))
        async with running(going):
            await until(lambda: states(box) == [("waiting", "A700")], "it was told to wait")
            monkeypatch.undo()
            await until(lambda: states(box) == [("sent", "0000")], "there is room again")
        assert len(images(spool)) == 1


async def test_what_is_refused_for_itself_is_given_up_until_a_person_wishes_it(box: Box, tmp_path: Path) -> None:
    private = pydicom.dcmread(TEST_FILES / "CT_small.dcm")
    private.SOPClassUID = private.file_meta.MediaStorageSOPClassUID = pydicom.uid.UID("1.2.826.0.1.9")
    private.save_as(tmp_path / "private.dcm")
    contents = [b"no DICOM at all", (tmp_path / "private.dcm").read_bytes(), *shipped("CT_small.dcm")]
    with Receiver(tmp_path / "archive", accept_private_classes=False) as archive:
        going = to(box, archive.port, tries=2)
        receive(box, going, contents)
        ended = [("refused", "unreadable"), ("refused", "peer.no_context"), ("sent", "0000")]
        async with running(going):
            await until(lambda: states(box) == ended, "all have ended")
            port = archive.port
            assert [one[0] for one in rows(box, forward, "attempts")] == [2, 2, 0]
    with Receiver(tmp_path / "other", port=port) as archive:
        wish.make(box.services.settings.wishes_path)
        async with running(going):
            await until(lambda: states(box)[1] == ("sent", "0000"), "it is taken this time")
        assert not box.services.settings.wishes_path.exists()


@pytest.mark.parametrize(("status", "ended"), [(0xA900, "refused"), (0xC123, "refused"), (0xB000, "sent")])
async def test_the_status_is_kept(box: Box, status: int, ended: str) -> None:
    with archive_of(lambda event: status) as port:
        going = to(box, port, tries=1)
        receive(box, going, shipped("CT_small.dcm"))
        async with running(going):
            await until(lambda: states(box) == [(ended, f"{status:04X}")], "it is noted")


async def test_one_that_breaks_the_connection_lets_the_others_pass(box: Box) -> None:
    """An archive that falls over one image must not get it before all others for ever."""
    came: list[str] = []

    def take(event: Any) -> int:
        came.append(str(event.request.AffectedSOPClassUID))
        if event.context.transfer_syntax == "1.2.840.10008.1.2.4.91":
            event.assoc.abort()
        return 0x0000

    with archive_of(take) as port:
        going = to(box, port)
        receive(box, going, shipped("JPEG2000.dcm", "CT_small.dcm"))
        async with running(going):
            await until(lambda: states(box)[1] == ("sent", "0000"), "the second passed")
    assert states(box)[0] == ("waiting", "no answer") and len(came) >= 2


async def test_a_destination_gets_what_is_for_it(box: Box, tmp_path: Path) -> None:
    with Receiver(tmp_path / "archive") as archive:
        chosen = [
            peer(archive.port, name="of-ct1", devices=["CT1"], modalities=["CT"]),
            peer(1, name="of-others", devices=["DX7"]),
        ]
        going = onward(box, destinations=chosen)
        receive(box, going, shipped("CT_small.dcm", "MR_small_RLE.dcm"), "CT1")
        async with running(going):
            await until(lambda: states(box, "of-ct1") == [("sent", "0000")], "the CT went, the MR does not wait")
        assert states(box, "of-others") == []


async def test_what_is_no_object_goes_nowhere(box: Box) -> None:
    going = to(box, 1)
    with box.spool.receive(kind="frame", source="screen") as incoming:
        incoming.write(b"a shot")
        incoming.commit(1000)
    take_in(box, going)
    assert states(box) == []


def test_an_image_that_is_still_wanted_is_not_swept(box: Box) -> None:
    [arrival] = receive(box, to(box, 1), [b"x"])
    box.db.write(lambda c: c.execute(case.update().values(state="judged")))
    box.db.write(lambda c: c.execute(acquisition.insert().values(case_id=arrival.id, circumstances="{}")))
    services = box.services
    retention = Retention(box.db, services.blobs, services.outbox, services.settings.retention, reports=False)
    retention.sweep(10**15, 0)
    assert services.blobs.has(arrival.digest)
    box.db.write(lambda c: c.execute(forward.update().values(state="sent")))
    retention.sweep(10**15, 0)
    assert not services.blobs.has(arrival.digest)


async def test_a_clock_put_back_is_no_reason_to_wait(box: Box, tmp_path: Path) -> None:
    with Receiver(tmp_path / "archive") as archive:
        going = to(box, archive.port)
        receive(box, going, shipped("CT_small.dcm"))
        box.db.write(lambda c: c.execute(forward.update().values(next_at=10**15)))
        async with running(going):
            await until(lambda: states(box) == [("sent", "0000")], "it is sent")


def test_the_pause_doubles_up_to_ten_minutes() -> None:
    assert [Patience(0.1, 3).pause_s(n) for n in (1, 2, 3, 30)] == [0.1, 0.2, 0.4, 600.0]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"destinations": [{"name": "a", "host": "h", "ae_title": "A"}] * 2}, "one name"),
        ({"devices": [{"host": "h", "ae_title": "A"}] * 2}, "one AE title"),
        ({"archive": "pacs"}, "no destination"),
    ],
)
def test_settings_that_contradict_themselves(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ForwardSettings.model_validate(wrong)


class archive_of:
    """pynetdicom as an archive that answers each C-STORE as ``take`` says."""

    def __init__(self, take: Any) -> None:
        self._take = take

    def __enter__(self) -> int:
        ae = AE(ae_title="ARCHIVE")
        for sop_class in ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.7", "1.2.840.10008.5.1.4.1.1.4"):
            ae.add_supported_context(sop_class, ALL_TRANSFER_SYNTAXES)
        self._server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self._take)])
        assert self._server is not None and self._server.socket is not None
        port: int = self._server.socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.shutdown()
