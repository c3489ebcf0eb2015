"""The spool on a disk that is full or broken."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from capture.digest import digest
from capture.disk import BLOCK, RealDisk, write_all
from capture.errors import Retry
from capture.incoming import STRIDE, own_record
from capture.spares import WRITTEN, is_blank
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


@pytest.mark.parametrize("room", [0, 1, 499, 512, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, BLOCK + (1 << 20)])
def test_a_full_disk_is_said_and_nothing_stays(room: int, tmp_path: Path) -> None:
    disk = FailingDisk(room=room)
    spool = Spool(tmp_path, SETTINGS, disk=disk)
    if room < BLOCK + (1 << 20):  # the object with its record, and a file of the journal
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
        ("create", 1), ("create", 5), ("create", 17), ("allocate", 1), ("write", 1), ("write", 2),
        ("write", 40), ("write_at", 1), ("write_at", 2), ("fsync", 1), ("fsync", 2), ("fsync_folder", 1),
        ("fsync_folder", 2),
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


def test_room_is_written_ahead_for_as_many_as_should_be_and_used_by_what_fits(tmp_path: Path) -> None:
    allocated: list[int] = []

    class Watched(FailingDisk):
        def allocate(self, descriptor: int, start: int, size: int) -> None:
            allocated.append(size)
            super().allocate(descriptor, start, size)

    spool = Spool(tmp_path, SpoolSettings(min_free_mb=1, written_ahead=3), disk=Watched())
    spool.stock(2)
    spool.stock(2)
    assert [path.read_bytes() for path in spool.objects.iterdir()] == [bytes(WRITTEN)] * 3
    contents = [os.urandom(size) for size in (WRITTEN - BLOCK, WRITTEN, WRITTEN - BLOCK, 1, 700)]
    arrivals = [receive(spool, content, 1000 + number) for number, content in enumerate(contents)]
    assert allocated == [WRITTEN + BLOCK, BLOCK], "what is too large, and what came when they were used up"
    assert spool.pending() == arrivals
    assert [spool.path(arrival).read_bytes() for arrival in arrivals] == contents
    spool.stock(1)
    spool.close()
    assert len(list(spool.objects.iterdir())) == len(contents), "what nobody took goes"


def test_no_room_is_written_ahead_on_a_disk_that_fills_up_or_breaks(tmp_path: Path) -> None:
    class Small(FailingDisk):
        free = 40 << 20

        def free_bytes(self, folder: Path) -> int:
            if self.free < 0:
                raise OSError(errno.EIO, "gone")
            return self.free

    disk = Small(call="write", fail_at=2)
    spool = Spool(tmp_path, SpoolSettings(min_free_mb=1, written_ahead=4), disk=disk)
    for free in (40 << 20, -1, 1 << 30):  # at the last a write fails
        disk.free = free
        spool.stock(4)
        assert list(spool.objects.iterdir()) == []
    assert disk.fail_at == 0
    spool.stock(4)
    assert len(list(spool.objects.iterdir())) == 4


def test_a_large_object_is_written_while_it_comes_in_whole_blocks_that_have_room(tmp_path: Path) -> None:
    calls: list[tuple[str, int]] = []

    class Watched(FailingDisk):
        def allocate(self, descriptor: int, start: int, size: int) -> None:
            calls.append((f"room at {start}", size))
            super().allocate(descriptor, start, size)

        def write(self, descriptor: int, chunk: memoryview) -> int:
            calls.append(("write", len(chunk)))
            return super().write(descriptor, chunk)

    spool = Spool(tmp_path, disk=Watched())
    spool.prepare()
    calls.clear()
    content = os.urandom(2 * STRIDE + 1000)
    with spool.receive(kind="dicom", source="test") as incoming:
        incoming.write(content[: 2 * STRIDE])
        assert calls == [
            ("room at 0", STRIDE),
            ("write", STRIDE),
            (f"room at {STRIDE}", STRIDE),
            ("write", STRIDE),
        ]
        incoming.write(content[2 * STRIDE :])
        arrival = incoming.commit(1000)
    assert calls[4:] == [(f"room at {2 * STRIDE}", BLOCK), ("write", BLOCK)]
    assert spool.path(arrival).read_bytes() == content


@pytest.mark.parametrize("written_ahead", [0, 1])
@pytest.mark.parametrize(
    "size",
    [
        0, 1, BLOCK - 512, BLOCK - 511, BLOCK, WRITTEN - BLOCK, WRITTEN - 512, WRITTEN,
        STRIDE - 512, STRIDE - 1, STRIDE, STRIDE + 1,
    ],
)  # fmt: skip
def test_whatever_its_size_it_is_whole_and_says_so_at_its_end(
    size: int, written_ahead: int, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, SpoolSettings(written_ahead=written_ahead))
    spool.stock(1)
    content = os.urandom(size)
    arrival = receive(spool, content)
    (path,) = (file for file in spool.objects.iterdir() if not is_blank(file))
    said = own_record(path)
    assert said is not None and said.arrival == replace(arrival, digest="")
    assert path.stat().st_size % BLOCK == 0
    assert spool.path(arrival).read_bytes() == content


def test_a_file_system_that_has_no_way_past_its_cache_takes_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[int] = []

    def fcntl_without(descriptor: int, command: int, flags: int = 0) -> int:
        if command == fcntl.F_SETFL and flags & os.O_DIRECT:
            refused.append(descriptor)
            raise OSError(errno.EINVAL, "no")
        return fcntl.fcntl(descriptor, command, flags)

    monkeypatch.setattr("capture.disk.fcntl", SimpleNamespace(**{**vars(fcntl), "fcntl": fcntl_without}))
    spool = Spool(tmp_path)
    arrival = receive(spool, b"pixels")
    assert refused and spool.path(arrival).read_bytes() == b"pixels"


@pytest.mark.parametrize("error", [errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSPC])
def test_a_file_system_that_allocates_nothing_takes_it_unless_it_is_full(
    error: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int, start: int, size: int) -> None:
        raise OSError(error, "no")

    spool = Spool(tmp_path)
    with monkeypatch.context() as without:
        without.setattr(os, "posix_fallocate", refuse)
        if error == errno.ENOSPC:
            with pytest.raises(Retry) as raised:
                receive(spool, b"pixels")
            assert raised.value.code == "spool.full"
            return
        arrival = receive(spool, b"pixels")
    assert spool.path(arrival).read_bytes() == b"pixels"


def test_what_is_no_whole_block_goes_by_the_cache(tmp_path: Path) -> None:
    disk = RealDisk()
    descriptor = disk.create(tmp_path / "odd", direct=True)
    room = memoryview(mmap.mmap(-1, 2 * BLOCK))
    room[:] = bytes(range(256)) * 32
    for part in (room[:BLOCK], room[BLOCK : BLOCK + 3], room[BLOCK + 3 :]):
        write_all(disk, descriptor, part)
    disk.close(descriptor)
    assert (tmp_path / "odd").read_bytes() == bytes(room)
    with pytest.raises(OSError, match="Bad file"):
        disk.write(descriptor, room)


def test_the_real_disk_knows_its_room(tmp_path: Path) -> None:
    room = os.statvfs(tmp_path)
    assert 0 < Spool(tmp_path).free_bytes() <= room.f_blocks * room.f_frsize
