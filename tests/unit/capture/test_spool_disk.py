"""The spool on a disk that is full or broken."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from capture.digest import digest
from capture.disk import write_all
from capture.errors import Retry
from capture.spool import Spool, SpoolSettings
from tests.disks import FailingDisk
from tests.unit.capture.spools import files, receive

SETTINGS = SpoolSettings(min_free_mb=1)


def test_what_a_broken_disk_neither_synced_nor_voided_is_not_there_after_the_next_start(tmp_path: Path) -> None:
    class Breaks(FailingDisk):
        def write_at(self, descriptor: int, chunk: memoryview, at: int) -> int:
            if self.fail_at <= 0 and len(chunk) == 1:
                raise OSError(errno.EIO, "still")
            return super().write_at(descriptor, chunk, at)

    spool = Spool(tmp_path, disk=Breaks(call="write_at", fail_at=2))
    with pytest.raises(Retry):
        receive(spool, b"pixels")
    spool.close()
    again = Spool(tmp_path)
    again.recover()
    assert (again.pending(), files(again)) == ([], [])
    assert list(again.journal.iterdir()) == []


@pytest.mark.parametrize("room", [0, 1, 499, 500, 1011, 1012, 1100, 1012 + (1 << 20), 1013 + (1 << 20)])
def test_a_full_disk_is_said_and_nothing_stays(room: int, tmp_path: Path) -> None:
    disk = FailingDisk(room=room)
    spool = Spool(tmp_path, SETTINGS, disk=disk)
    if room < 500 + 512 + (1 << 20):  # the object, its record, and a file of the journal
        with pytest.raises(Retry) as raised:
            receive(spool, b"x" * 500)
        assert raised.value.code == "spool.full"
        assert files(spool) == []
    disk.room = None
    assert [receive(spool, b"x" * 500)] == spool.pending()


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS])
@pytest.mark.parametrize(
    ("call", "fail_at"),
    [
        ("create", 1), ("create", 5), ("create", 9), ("write", 1), ("write", 2), ("write_at", 1),
        ("write_at", 2), ("fsync", 1), ("fsync", 2), ("fsync_folder", 1), ("fsync_folder", 2),
    ],
)  # fmt: skip
def test_every_call_that_can_fail(call: str, fail_at: int, error: int, tmp_path: Path) -> None:
    disk = FailingDisk(error=error)
    spool = Spool(tmp_path, disk=disk)
    disk.call, disk.fail_at = call, fail_at
    with pytest.raises(Retry) as raised:
        receive(spool, b"pixels")
    assert raised.value.code == ("spool.full" if error in (errno.ENOSPC, errno.EDQUOT) else "spool.failed")
    assert spool.pending() == Spool(tmp_path).pending() == []
    assert files(spool) == []
    assert [receive(spool, b"pixels")] == spool.pending()
    spool.close()
    again = Spool(tmp_path)
    again.recover()
    assert [arrival.digest for arrival in again.pending()] == [digest(b"pixels")]


def test_what_cannot_be_removed_now_is_removed_at_the_next_start(tmp_path: Path) -> None:
    class Stubborn(FailingDisk):
        def unlink(self, path: Path) -> None:
            raise OSError(errno.EIO, "no")

    spool = Spool(tmp_path, disk=Stubborn(call="fsync"))
    with pytest.raises(Retry):
        receive(spool, b"pixels")
    spool.close()
    left = list(spool.objects.iterdir())
    assert left, "refused, so it must not come back by the record at its end"
    again = Spool(tmp_path)
    again.recover()
    assert (again.pending(), files(again)) == ([], [])


@pytest.mark.parametrize("call", ["fsync", "truncate"])
def test_a_reader_whose_disk_fails_is_given_it_later(call: str, tmp_path: Path) -> None:
    arrival = receive(Spool(tmp_path), b"pixels")
    disk = FailingDisk(call=call)
    reader = Spool(tmp_path, disk=disk)
    with pytest.raises(OSError, match="simulated"):
        reader.pending()
    assert reader.pending() == [arrival]
    assert reader.path(arrival).read_bytes() == b"pixels"


def test_a_disk_that_takes_nothing_is_full_not_endless(tmp_path: Path) -> None:
    class TakesNothing(FailingDisk):
        def write(self, descriptor: int, chunk: memoryview) -> int:
            return 0

    with pytest.raises(OSError, match="no byte"):
        write_all(TakesNothing(), 1, b"x")


def test_the_watermark(tmp_path: Path) -> None:
    class Small(FailingDisk):
        def free_bytes(self, folder: Path) -> int:
            return 3 << 20

    spool = Spool(tmp_path, SpoolSettings(min_free_mb=2), disk=Small())
    assert spool.free_bytes() == 3 << 20
    assert spool.has_room()
    assert spool.has_room(1 << 20)
    assert not spool.has_room((1 << 20) + 1)


def test_what_is_reserved_is_nobody_elses(tmp_path: Path) -> None:
    class Small(FailingDisk):
        def free_bytes(self, folder: Path) -> int:
            return 10 << 20

    spool = Spool(tmp_path, SpoolSettings(min_free_mb=2), disk=Small())
    with spool.reserve(5 << 20):
        assert spool.has_room(3 << 20)
        assert not spool.has_room(4 << 20)
        with pytest.raises(Retry) as raised, spool.reserve(4 << 20):
            raise AssertionError("there was no room")
        assert raised.value.code == "spool.low"
    assert spool.has_room(8 << 20)


def test_a_large_object_is_begun_to_be_written_while_it_comes(tmp_path: Path) -> None:
    begun: list[tuple[int, int]] = []

    class Watched(FailingDisk):
        def begin_sync(self, descriptor: int, start: int, size: int) -> None:
            begun.append((start, size))
            super().begin_sync(descriptor, start, size)

    spool = Spool(tmp_path, disk=Watched())
    with spool.receive(kind="dicom", source="test") as incoming:
        for _ in range(11):
            incoming.write(bytes(100 << 10))
        arrival = incoming.commit(1000)
    stride = 512 << 10
    assert begun == [(0, stride), (stride, stride)]
    assert spool.path(arrival).stat().st_size == 1100 << 10


def test_the_real_disk_knows_its_room(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)
    assert 0 < Spool(tmp_path).free_bytes() <= room.f_blocks * room.f_frsize
