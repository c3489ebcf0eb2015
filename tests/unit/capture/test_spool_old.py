"""A spool of before the journal is taken over."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from capture.arrival import Arrival
from capture.disk import RealDisk
from capture.spool import Spool
from tests.unit.capture.spools import arrival_of


def old_layout(folder: Path, *arrivals: Arrival, content: bytes = b"x") -> None:
    for made in ("new", "tmp"):
        (folder / made).mkdir(parents=True, exist_ok=True)
    for arrival in arrivals:
        (folder / "new" / f"{arrival.id}.json").write_bytes(TypeAdapter(Arrival).dump_json(arrival, by_alias=True))
        (folder / "new" / f"{arrival.id}.bin").write_bytes(content)


def test_an_old_spool_is_taken_over_once(tmp_path: Path) -> None:
    old = arrival_of(b"x")
    old_layout(tmp_path, old)
    (tmp_path / "tmp" / "half.bin").write_bytes(b"half")
    (tmp_path / "new" / "orphan.bin").write_bytes(b"never promised")
    (tmp_path / "new" / "rotten.json").write_text("{}")
    (tmp_path / "new" / "rotten.bin").write_bytes(b"kept")
    spool = Spool(tmp_path)
    spool.recover()
    assert spool.pending() == [old]
    assert spool.path(old).read_bytes() == b"x"
    assert (spool.aside / "rotten.bin").read_bytes() == b"kept"
    assert not (tmp_path / "new").exists() and not (tmp_path / "tmp").exists()
    spool.recover()
    assert spool.pending() == [old]


@pytest.mark.parametrize("cut_after", range(0, 40, 2))
def test_a_power_cut_while_an_old_spool_is_taken_over(cut_after: int, tmp_path: Path) -> None:
    """Whatever was done, the next start ends with the entry, whole and once."""

    class Cut(BaseException): ...

    class CutDisk(RealDisk):
        left = cut_after

        def _count(self) -> None:
            self.left -= 1
            if self.left < 0:
                raise Cut

        def link(self, old: Path, new: Path) -> None:
            self._count()
            super().link(old, new)

        def unlink(self, path: Path) -> None:
            self._count()
            super().unlink(path)

        def write_at(self, descriptor: int, chunk: memoryview, at: int) -> int:
            self._count()
            return super().write_at(descriptor, chunk, at)

    old = arrival_of(b"x")
    old_layout(tmp_path, old)
    first = Spool(tmp_path, disk=CutDisk())
    with suppress(Cut):
        first.recover()
    with suppress(Cut):
        first.close()
    spool = Spool(tmp_path)
    spool.recover()
    assert spool.pending() == [old]
    assert spool.path(old).read_bytes() == b"x"
