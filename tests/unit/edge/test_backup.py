"""Backup while the box works, and a box made from it: what was there is there again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table, select

from capture.errors import Bug, Misuse
from edge.settings import Settings
from edge.store import cases
from edge.store.backup import backup, named, restore
from edge.store.blobs import Blobs
from edge.store.database import Database
from edge.store.keys import KEY_FILE, pseudonym_key
from edge.store.outbox import Outbox
from edge.store.schema import case, outbox, verdict
from tests.factories import dx, write
from tests.unit.edge.box import Box, make_box
from tests.unit.edge.test_dispatch import Bench, judge_next, take_in


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path / "box")
    pseudonym_key(tmp_path / "box", None)
    asyncio.run(fill(made, tmp_path))
    yield made
    made.db.close()


async def fill(box: Box, folder: Path) -> None:
    take_in(box, write(dx(), folder / "dx.dcm").read_bytes())
    await judge_next(box, Bench())
    take_in(box, b"waits still", received_at=2000)


def rows(db: Database, table: Table) -> list[tuple[object, ...]]:
    return [tuple(row) for row in db.read(lambda c: c.execute(select(table)).all())]


def paths(box: Box) -> tuple[Path, Path]:
    settings: Settings = box.services.settings
    return settings.data_dir, settings.blobs_path


def test_a_box_comes_back(box: Box, tmp_path: Path) -> None:
    """The agent still owns the database while it is copied."""
    made = backup(*paths(box), tmp_path / "backup")
    assert (made.files, made.missing) == (3, 0)
    back = restore(tmp_path / "backup", tmp_path / "new", tmp_path / "new" / "blobs")
    assert (back.files, back.missing) == (3, 0)
    db = Database(tmp_path / "new" / "qcbox.db")
    assert [rows(db, table) for table in (case, verdict)] == [rows(box.db, table) for table in (case, verdict)]
    assert (tmp_path / "new" / KEY_FILE).read_bytes() == (tmp_path / "box" / KEY_FILE).read_bytes()
    blobs = Blobs(tmp_path / "new" / "blobs")
    assert all(blobs.has(sha256) for sha256 in named(made.snapshot))
    claimed = db.write(lambda c: cases.claim(c, 10**15))
    assert claimed is not None and claimed.arrival.received_at == 2000
    db.close()


def test_a_restored_box_uses_no_number_twice(box: Box, tmp_path: Path) -> None:
    backup(*paths(box), tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "new", tmp_path / "new" / "blobs")
    db = Database(tmp_path / "new" / "qcbox.db")
    again = Outbox(db)
    assert again.stream != box.services.outbox.stream
    assert [row.seq for row in again.due(10**15, 10, fresh=False)] == [1]
    assert again.stream.encode() in again.due(10**15, 10, fresh=False)[0].payload
    db.close()


def test_only_what_is_new_is_copied_and_old_snapshots_go(box: Box, tmp_path: Path) -> None:
    target = tmp_path / "backup"
    assert backup(*paths(box), target, keep=2).files == 3
    take_in(box, b"one more", received_at=3000)
    assert backup(*paths(box), target, keep=2).files == 1
    (gone,) = box.db.read(lambda c: list(c.scalars(select(case.c.sha256).where(case.c.received_at == 3000))))
    box.db.write(lambda c: c.execute(case.update().where(case.c.sha256 == gone).values(pixels_gone_at=1)))
    for _ in range(2):
        backup(*paths(box), target, keep=2)
    assert len(list(target.glob("qcbox-*.db"))) == 2
    assert not Blobs(target / "blobs").has(gone)


def test_a_file_that_rotted_is_missing_not_wrong(box: Box, tmp_path: Path) -> None:
    backup(*paths(box), tmp_path / "backup")
    (waits,) = box.db.read(lambda c: list(c.scalars(select(case.c.sha256).where(case.c.received_at == 2000))))
    Blobs(tmp_path / "backup" / "blobs").path(waits).write_bytes(b"rotten")
    back = restore(tmp_path / "backup", tmp_path / "new", tmp_path / "new" / "blobs")
    assert back.missing == 1
    db = Database(tmp_path / "new" / "qcbox.db")
    assert db.read(lambda c: c.scalar(select(case.c.pixels_gone_at).where(case.c.sha256 == waits)))
    db.close()


def test_a_damaged_database_replaces_no_good_snapshot(tmp_path: Path) -> None:
    box = make_box(tmp_path / "box")
    good = backup(*paths(box), tmp_path / "backup").snapshot.read_bytes()
    box.db.close()
    database = tmp_path / "box" / "qcbox.db"
    content = bytearray(database.read_bytes())
    content[8192 : 8192 + 4096] = bytes(4096)
    database.write_bytes(content)
    with pytest.raises(Bug, match=r"store\.damaged"):
        backup(*paths(box), tmp_path / "backup")
    (kept,) = (tmp_path / "backup").glob("qcbox-*.db")
    assert kept.read_bytes() == good


def test_nothing_to_back_up_and_nothing_to_restore(box: Box, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"backup\.nothing"):
        backup(tmp_path / "empty", tmp_path / "empty" / "blobs", tmp_path / "backup")
    with pytest.raises(Misuse, match=r"restore\.nothing"):
        restore(tmp_path / "empty", tmp_path / "new", tmp_path / "new" / "blobs")
    backup(*paths(box), tmp_path / "backup")
    with pytest.raises(Misuse, match=r"restore\.occupied"):
        restore(tmp_path / "backup", *paths(box))
    assert box.db.read(lambda c: len(c.execute(select(outbox)).all())) == 1


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_what_is_left_of_an_old_database_must_go_first(box: Box, tmp_path: Path, suffix: str) -> None:
    """SQLite would play an old log into the restored file."""
    backup(*paths(box), tmp_path / "backup")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / f"qcbox.db{suffix}").write_bytes(b"old")
    with pytest.raises(Misuse, match=r"restore\.occupied"):
        restore(tmp_path / "backup", tmp_path / "new", tmp_path / "new" / "blobs")
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"qcbox.db{suffix}"]


def test_nobody_else_reads_a_backup(box: Box, tmp_path: Path) -> None:
    """Not even in a folder that everybody may enter."""
    (tmp_path / "backup").mkdir(mode=0o755)
    before = os.umask(0o022)
    try:
        backup(*paths(box), tmp_path / "backup")
        restore(tmp_path / "backup", tmp_path / "new", tmp_path / "new" / "blobs")
    finally:
        os.umask(before)
    written = [p for root in ("backup", "new") for p in (tmp_path / root).rglob("*") if p.is_file()]
    assert len(written) >= 8
    assert [p.name for p in written if p.stat().st_mode & 0o077] == []
