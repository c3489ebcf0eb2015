"""The spool: what waits, what is kept, what is removed."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from capture.digest import digest
from capture.disk import BLOCK, RealDisk
from capture.journal import Entry, Writer, encode
from capture.spares import WRITTEN
from capture.spool import Spool, SpoolSettings
from tests.unit.capture.spools import files, receive


def test_what_is_committed_waits_whole_until_acknowledged(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    arrival = receive(spool, b"pixels" * 1000)
    assert (arrival.size, arrival.digest) == (6000, digest(b"pixels" * 1000))
    assert (arrival.kind, arrival.source, arrival.calling_ae, arrival.peer) == ("dicom", "test", "CT1", "10.0.0.1")
    assert Spool(tmp_path / "spool").pending() == [arrival]
    with spool.open(arrival) as file:
        assert file.read() == b"pixels" * 1000
    spool.acknowledge(arrival, arrival)
    spool.acknowledge(arrival)
    assert files(spool) == []


def test_oldest_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    late, early = receive(spool, b"late", 2000), receive(spool, b"early", 1000)
    assert spool.pending() == [early, late]
    assert spool.pending(limit=1) == [early]
    assert spool.pending(limit=0) == []


def test_of_large_ones_a_reader_is_given_some_before_all_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.spool._AT_ONCE", 10)
    spool = Spool(tmp_path)
    arrivals = [receive(spool, bytes(size), 1000 + size) for size in (4, 6, 7, 11)]
    assert spool.pending(limit=4) == arrivals[:2]
    spool.acknowledge(*arrivals[:3])
    assert spool.pending(limit=4) == arrivals[3:]
    assert spool.pending() == arrivals[3:]


def test_what_comes_in_one_millisecond_waits_in_the_order_in_which_it_came(tmp_path: Path) -> None:
    """A fast device ends a step in the millisecond in which it created it; hashes do not know which was first."""
    spool = Spool(tmp_path)
    came = [receive(spool, str(number).encode(), 5) for number in range(20)]
    spool.acknowledge(came.pop(7))
    assert spool.pending() == Spool(tmp_path).pending() == came


def test_equal_content_in_one_millisecond_is_two_arrivals(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    first, second = receive(spool, b"same", 5), receive(spool, b"same", 5)
    assert first.id != second.id
    assert first.id[:13] == second.id[:13] == "000000000005-"
    assert spool.pending() == [first, second]


def test_a_journal_that_another_reader_removed_is_forgotten(tmp_path: Path) -> None:
    writer, one, other = Spool(tmp_path), Spool(tmp_path), Spool(tmp_path)
    arrival = receive(writer, b"x")
    assert one.pending() == other.pending() == [arrival]
    writer.close()
    one.acknowledge(arrival)
    assert list(one.journal.iterdir()) == []
    assert other.pending() == []
    assert not other.has_news()


def test_equal_content_from_many_threads_at_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        arrivals = list(pool.map(lambda _: receive(spool, b"same", 5), range(24)))
    assert len({a.id for a in arrivals}) == 24
    assert len(spool.pending()) == 24


def test_without_commit_nothing_stays(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with pytest.raises(ZeroDivisionError), spool.receive(kind="frame", source="test") as incoming:
        incoming.write(b"half")
        raise ZeroDivisionError
    assert files(spool) == []


def test_recover_removes_what_the_dead_left_and_spares_the_living(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    kept = receive(spool, b"whole")
    (spool.objects / "left").write_bytes(b"left-over")
    (spool.objects / "made-ahead").write_bytes(b"")
    (spool.objects / "written-ahead").write_bytes(bytes(WRITTEN))
    with spool.receive(kind="dicom", source="test") as incoming:
        incoming.write(b"still coming")
        assert Spool(tmp_path).recover() == 1
        living = incoming.commit(1_700_000_000_001)
    assert [one.id for one in spool.pending()] == [kept.id, living.id]
    assert spool.recover() == 0
    assert spool.path(living).read_bytes() == b"still coming"


def test_recover_does_not_mind_a_file_that_goes_away(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    gone = spool.objects / "gone"
    gone.symlink_to(tmp_path / "nowhere")
    assert spool.recover() == 0


def test_two_writers_and_two_readers_agree(tmp_path: Path) -> None:
    one, other = Spool(tmp_path), Spool(tmp_path)
    assert not one.has_news()
    early, late = receive(one, b"early", 1000), receive(other, b"late", 2000)
    assert one.has_news() and other.has_news()
    assert one.pending() == other.pending() == [early, late]
    one.acknowledge(early)
    assert other.pending() == [late]
    later = [receive(spool, b"later", 3000 + number) for number, spool in enumerate((one, other, one))]
    one.acknowledge(later[0])
    other.acknowledge(later[2])
    assert one.pending() == other.pending() == Spool(tmp_path).pending() == [late, later[1]]
    one.acknowledge(later[1])
    other.acknowledge(early, late)
    assert one.pending() == other.pending() == []
    assert not one.path(late).exists()
    assert not one.has_news() and not other.has_news()


def test_what_is_recorded_twice_is_one_arrival(tmp_path: Path) -> None:
    """Ids of earlier versions were alike when the same bytes came to two processes in one millisecond."""
    spool, other = Spool(tmp_path), Writer(tmp_path / "journal", RealDisk(), lambda step: None)
    arrival = receive(spool, b"same", 5)
    other.append(encode(Entry(arrival, spool.path(arrival).name)))
    other.close()
    reader = Spool(tmp_path)
    assert reader.pending() == [arrival]
    reader.acknowledge(arrival)
    spool.close()
    reader.recover()
    assert (reader.pending(), files(reader)) == ([], [])


def test_an_object_without_a_byte_is_one(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    arrival = receive(spool, b"")
    assert spool.pending() == [arrival]
    with spool.open(arrival) as file:
        assert file.read() == b""


def test_what_is_prepared_the_first_object_does_not_wait_for(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.prepare()
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    arrival = receive(spool, b"x")
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == before
    other = spool.twin()
    other.prepare()
    assert other.pending() == [arrival]
    earlier = receive(other, b"y", 5)
    assert spool.pending() == [earlier, arrival]
    for one in (spool, other):
        one.close()


def test_what_has_no_bytes_needs_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    arrival = spool.note("release", "test", 1000, calling_ae="CT1", peer="10.0.0.1", association="a")
    assert (arrival.size, files(spool)) == (0, [])
    spool.recover()
    assert spool.pending() == [arrival]
    spool.acknowledge(arrival)
    assert spool.pending() == []


def test_the_journal_goes_on_in_the_next_file_and_used_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("capture.journal.ROOM", 4 * 512)
    spool = Spool(tmp_path)
    arrivals = [receive(spool, b"%d" % number, 1000 + number) for number in range(10)]
    assert len(list(spool.journal.iterdir())) == 3
    assert Spool(tmp_path).pending() == spool.pending() == arrivals
    for arrival in arrivals[:5]:
        spool.acknowledge(arrival)
    assert spool.pending() == arrivals[5:]
    assert len(list(spool.journal.iterdir())) == 2
    spool.acknowledge(*arrivals[5:])
    assert len(list(spool.journal.iterdir())) == 1, "its writer may go on with the last one"
    spool.close()
    spool.recover()
    assert list(spool.journal.iterdir()) == []
    receive(spool, b"again", 3000)
    assert len(spool.pending()) == 1


def test_a_record_longer_than_a_sector(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with spool.receive(kind="dicom", source="test", peer="室" * 900) as incoming:
        incoming.write(b"x")
        long = incoming.commit(1000)
    short = receive(spool, b"y", 2000)
    assert [one.id for one in Spool(tmp_path).pending()] == [long.id, short.id]


@pytest.mark.parametrize("written_ahead", [0, 1])
def test_one_sync_serves_an_object_and_its_record(written_ahead: int, tmp_path: Path) -> None:
    synced: list[int] = []

    class Counting(RealDisk):
        def fsync(self, descriptor: int) -> None:
            synced.append(os.fstat(descriptor).st_size)
            super().fsync(descriptor)

    spool = Spool(tmp_path, SpoolSettings(written_ahead=written_ahead), disk=Counting())
    spool.prepare()
    synced.clear()
    arrival = receive(spool, b"x" * 700)
    assert synced == [WRITTEN if written_ahead else BLOCK]
    assert spool.path(arrival).read_bytes() == b"x" * 700, "whoever reads it sees what was sent"
    assert len(synced) == 2, "its record in the journal, which is now the only one"
    assert [spool.pending(), spool.pending()] == [[arrival], [arrival]] and len(synced) == 2


def test_many_at_once_are_each_whole_and_their_memory_is_not_all_kept(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    with ExitStack() as together:
        incoming = [together.enter_context(spool.receive(kind="dicom", source="test")) for _ in range(12)]
        for turn in range(3):
            for number, one in enumerate(incoming):
                one.write(b"%02d%d" % (number, turn))
        arrivals = [one.commit(1000 + number) for number, one in enumerate(incoming)]
    assert [one.id for one in spool.pending()] == [one.id for one in arrivals]
    assert spool.path(arrivals[7]).read_bytes() == b"070071072"
    assert len(spool._buffers._free) == 8


def test_nobody_else_reads_what_was_received(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        spool = Spool(tmp_path / "spool", SpoolSettings(min_free_mb=1))
        with spool.receive(kind="dicom", source="dicom") as incoming:
            incoming.write(b"a patient")
            spool.set_aside(incoming.commit(1), "code", "reason")
    finally:
        os.umask(before)
    found = [tmp_path / "spool", *(tmp_path / "spool").rglob("*")]
    assert len(found) > 7
    assert [path.name for path in found if path.stat().st_mode & 0o077] == []
