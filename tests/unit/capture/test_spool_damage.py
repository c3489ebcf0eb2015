"""The spool after crashes and on disks that lose things: what waits, what a person must look at, what goes."""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.arrival import Arrival
from capture.journal import WAITING, Entry, encode
from capture.old_spool import read_sidecar
from capture.spool import Spool
from tests.unit.capture.spools import arrival_of, files, receive, rot


def test_what_a_killed_writer_wrote_whole_is_taken_and_what_it_tore_is_not(tmp_path: Path) -> None:
    class Kill(BaseException): ...

    def kill(step: str) -> None:
        if step == "spool.recorded":
            raise Kill

    spool = Spool(tmp_path, at=kill)
    monkey = spool._spares.take(5)  # bytes that outlive the writer, as after kill -9
    spool.disk.write(monkey.descriptor, memoryview(b"whole"))
    with pytest.raises(Kill):
        spool._writer.append(encode(Entry(arrival_of(b"whole"), monkey.path.name)))
    os.close(monkey.descriptor)
    reader = Spool(tmp_path)
    assert reader.pending() == [], "not yet promised"
    spool.close()
    assert reader.recover() == 0
    assert reader.pending() == [arrival_of(b"whole")]


def as_before(spool: Spool, content: bytes) -> Arrival:
    """An entry of the version that hashed bytes as they came."""
    arrival = arrival_of(content)
    (spool.objects / "f").write_bytes(content)
    spool._writer.append(encode(Entry(arrival, "f")))
    return arrival


@pytest.mark.parametrize(
    ("received", "damage"),
    [
        *((receive, damage) for damage in (None, b"pix", b"pixelz", b"pixels, and more")),
        *((as_before, damage) for damage in (None, b"pix")),
    ],
)
def test_an_entry_whose_bytes_the_disk_lost_or_changed_is_shown_to_a_person(
    received: Callable[[Spool, bytes], Arrival], damage: bytes | None, tmp_path: Path
) -> None:
    spool = Spool(tmp_path)
    arrival, good = received(spool, b"pixels"), receive(spool, b"good")
    if damage is None:
        spool.path(arrival).unlink()
    else:
        spool.path(arrival).write_bytes(damage)
    if damage == b"pixels, and more":  # of which a reader is given what came
        assert spool.pending() == [arrival, good]
        return
    assert spool.pending(limit=1) == [good]
    said = json.loads((spool.aside / f"{arrival.id}.reason.json").read_text())
    assert said["code"] == "spool.damaged"
    shown = read_sidecar(spool.aside / f"{arrival.id}.json")
    assert shown is not None and (shown.id, len(shown.digest)) == (arrival.id, 64)
    assert (spool.aside / f"{arrival.id}.bin").exists() == (damage is not None)


def test_a_sector_that_cannot_be_read_is_lost_and_a_want_of_descriptors_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    arrival = receive(spool, b"pixels")
    refused = [errno.EMFILE, errno.EIO]

    def read(file: object, size: int) -> tuple[str, str]:
        raise OSError(refused.pop(0), "no")

    monkeypatch.setattr("capture.spool.both_of_first", read)
    with pytest.raises(OSError, match="no"):
        spool.pending()
    assert not list(spool.aside.iterdir())
    assert spool.pending() == []
    assert (spool.aside / f"{arrival.id}.bin").read_bytes() == b"pixels"


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"id"', b'"di"'), (b"{", b"["), (b"QCR1", b"\0\0\0\0"), (b'"kind":"dicom"', b'"kind":"dicon"')],
    ids=["field", "text", "magic", "value"],
)
def test_a_record_that_cannot_be_read_stops_nothing_and_its_bytes_are_kept(
    old: bytes, new: bytes, tmp_path: Path
) -> None:
    spool = Spool(tmp_path)
    rotten, good = receive(spool, b"its bytes", 1000), receive(spool, b"good", 2000)
    assert spool.pending() == [rotten, good], "read, so the journal has the only record"
    rot(spool, old, new)
    again = Spool(tmp_path)
    assert again.pending() == [good]
    assert again.recover() == 1
    assert again.pending() == [good]
    [kept] = again.aside.glob("*.bin")
    assert kept.read_bytes() == b"its bytes"
    assert json.loads(kept.with_suffix(".reason.json").read_text())["code"] == "spool.record"
    assert rotten not in again.pending()
    again.acknowledge(good)
    again.recover()
    assert list(again.journal.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"pixels", bytes(512), bytes(3 << 19)])
def test_a_record_that_the_journal_lost_before_anybody_read_it_is_at_the_end_of_its_bytes(
    content: bytes, tmp_path: Path
) -> None:
    spool = Spool(tmp_path)
    arrival, noted = receive(spool, content), receive(spool, b"noted", 2)
    rot(spool, b"QCR1", b"\0\0\0\0")
    again = Spool(tmp_path)
    assert again.pending() == [noted]
    again.recover()
    assert again.pending() == [noted, arrival]
    assert again.path(arrival).read_bytes() == content
    again.acknowledge(arrival, noted)
    again.close()
    last = Spool(tmp_path)
    last.recover()
    assert (last.pending(), files(last)) == ([], [])


def test_what_was_taken_does_not_come_back_by_the_record_at_its_end(tmp_path: Path) -> None:
    """A power cut can leave the bytes as they were, and the journal that says they are done with."""
    spool = Spool(tmp_path)
    arrival = receive(spool, b"pixels")
    as_written = next(path.read_bytes() for path in spool.objects.iterdir() if path.stat().st_size)
    path = spool.path(arrival)
    spool.acknowledge(arrival)
    path.write_bytes(as_written)
    spool.close()
    again = Spool(tmp_path)
    again.recover()
    assert (again.pending(), files(again)) == ([], [])


def test_a_journal_that_goes_away_while_it_is_searched_stops_no_start(tmp_path: Path) -> None:
    writer, starting, other = Spool(tmp_path), Spool(tmp_path), Spool(tmp_path)
    arrival = receive(writer, b"pixels")
    file = starting.path(arrival).name
    writer.close()
    other.acknowledge(arrival)
    assert list(other.journal.iterdir()) == []
    assert starting._ledger.known() == {file}


@pytest.mark.parametrize("place", ["another file", "bytes that are not its own", "bytes that are too many"])
def test_a_record_at_the_end_that_is_not_of_these_bytes_makes_nothing_exist(place: str, tmp_path: Path) -> None:
    """What a sender, or a disk that lost a part, can leave."""
    spool = Spool(tmp_path)
    path = spool.objects / ("other" if place == "another file" else "its-own")
    content = {"bytes that are not its own": b"pixelz", "bytes that are too many": b"xpixels"}.get(
        place, b"pixels"
    )
    path.write_bytes(content + encode(Entry(arrival_of(b"pixels"), "its-own")))
    spool.recover()
    assert (spool.pending(), files(spool)) == ([], [])


def test_a_record_of_a_kind_to_come_is_put_aside_not_guessed(tmp_path: Path) -> None:
    """Whole, but not understood: after a downgrade of the program."""
    spool = Spool(tmp_path)
    arrival = receive(spool, b"its bytes")
    [path] = spool.journal.iterdir()
    strange = encode(Entry(arrival, spool.path(arrival).name)).replace(b"dicom", b"video")
    said = strange[16:].rstrip(b"\0")
    header = strange[:4] + bytes((WAITING,)) + strange[5:12] + zlib.crc32(said).to_bytes(4, "little")
    spool.close()
    path.write_bytes(header + strange[16:] + path.read_bytes()[len(strange) :])
    again = Spool(tmp_path)
    assert again.pending() == []
    again.recover()
    assert [kept.read_bytes() for kept in again.aside.glob("*.bin")] == [b"its bytes"]


def test_a_journal_that_was_cut_short_is_read_to_its_end(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    kept = receive(spool, b"kept", 1000)
    receive(spool, b"lost", 2000)
    spool.pending()
    spool.close()
    [path] = spool.journal.iterdir()
    path.write_bytes(path.read_bytes()[: 512 + 10])
    again = Spool(tmp_path)
    again.recover()
    assert again.pending() == [kept]


def test_set_aside_keeps_bytes_sidecar_and_reason(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    arrival = receive(spool, b"strange")
    spool.set_aside(arrival, "dicom.unreadable", "not DICOM")
    spool.set_aside(arrival, "dicom.unreadable", "not DICOM")
    assert spool.pending() == []
    assert not spool.path(arrival).exists()
    assert (spool.aside / f"{arrival.id}.bin").read_bytes() == b"strange"
    said = json.loads((spool.aside / f"{arrival.id}.reason.json").read_text())
    assert (said["code"], said["reason"]) == ("dicom.unreadable", "not DICOM")


def test_a_crash_while_setting_aside_leaves_the_entry_waiting(tmp_path: Path) -> None:
    class Crash(BaseException): ...

    def crash(step: str) -> None:
        if step == "spool.half_aside":
            raise Crash

    spool = Spool(tmp_path, at=crash)
    arrival = receive(spool, b"strange")
    with pytest.raises(Crash):
        spool.set_aside(arrival, "x.y", "z")
    spool.close()
    again = Spool(tmp_path)
    assert again.recover() == 0
    assert again.pending() == [arrival]
    again.set_aside(arrival, "x.y", "z")
    assert (again.aside / f"{arrival.id}.bin").read_bytes() == b"strange"


def test_a_crash_while_acknowledging_is_tidied_up(tmp_path: Path) -> None:
    class Crash(BaseException): ...

    def crash(step: str) -> None:
        if step == "spool.half_acknowledged":
            raise Crash

    spool = Spool(tmp_path, at=crash)
    arrival = receive(spool, b"kept elsewhere")
    with pytest.raises(Crash):
        spool.acknowledge(arrival)
    spool.close()
    again = Spool(tmp_path)
    assert again.pending() == []
    assert again.recover() == 1
    assert files(again) == []
