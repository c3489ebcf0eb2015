"""Online backup of a box, and the way back.

A backup folder holds snapshots of the database (``qcbox-<time>.db``), image files by content hash shared by all
snapshots, and the site's pseudonym key. A snapshot is one consistent moment, taken by SQLite's online backup
while the agent works on; it gets its name only after it passed SQLite's own checks.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, select, update

from capture.digest import bears_its_name
from capture.errors import Misuse
from capture.text import Bilingual
from edge.clock import now_ms
from edge.store.blobs import Blobs
from edge.store.cases import SETS
from edge.store.database import engine
from edge.store.keys import KEY_FILE
from edge.store.migrate import check, copy
from edge.store.outbox import restart
from edge.store.schema import acquisition, case, set_member

DATABASE = "qcbox.db"
_HAVE_BYTES = (case.c.same_as.is_(None), case.c.kind.not_in(SETS))


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup or a restore did. ``missing``: image files that the database names and nobody has."""

    snapshot: Path
    files: int
    missing: int


def backup(data_dir: Path, blobs_path: Path, target: Path, keep: int = 7) -> Copied:
    """Copy the database and every image file it names into ``target``; keep the newest ``keep`` snapshots.

    Raises:
        Misuse: there is no database to back up.
        Bug: the copy fails SQLite's checks; earlier snapshots stay as they are.
    """
    source = data_dir / DATABASE
    if not source.exists():
        text = Bilingual("没有可备份的数据库", "There is no database to back up")
        raise Misuse("backup.nothing", text, _look_at(source))
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(target):
        name = f"qcbox-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}.db"
        made = target / f".{name}"
        copy(source, made)
        check(made)
        files, missing = _copy_files(named(made), Blobs(blobs_path), Blobs(target / "blobs"))
        if (data_dir / KEY_FILE).exists():
            _copy_synced(data_dir / KEY_FILE, target / KEY_FILE)
        _sync(made)
        snapshot = made.rename(target / name)
        _forget(target, keep)
    return Copied(snapshot, files, missing)


def restore(source: Path, data_dir: Path, blobs_path: Path) -> Copied:
    """Make a box from the newest snapshot in ``source``. Image files are checked against their hash.

    Raises:
        Misuse: there is no snapshot, or ``data_dir`` has a database already.
        Bug: the snapshot is damaged.
    """
    snapshots = _snapshots(source)
    if not snapshots:
        raise Misuse("restore.nothing", Bilingual("此处没有备份", "There is no backup here"), _look_at(source))
    target = data_dir / DATABASE
    # SQLite would play a log that was left behind into the restored file.
    for left in (target, *(target.with_name(DATABASE + suffix) for suffix in ("-wal", "-shm"))):
        if left.exists():
            text = Bilingual("目标已有数据库，先移走", "Move the present database away first")
            raise Misuse("restore.occupied", text, _look_at(left))
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = data_dir / f".{DATABASE}"
    copy(snapshots[-1], made)
    check(made)
    blobs = Blobs(blobs_path)
    files, _ = _copy_files(named(made), Blobs(source / "blobs"), blobs)
    if (source / KEY_FILE).exists():
        _copy_synced(source / KEY_FILE, data_dir / KEY_FILE)
    opened = engine(made, read_only=False)
    with opened.begin() as connection:
        restart(connection)
        missing = _without_files(connection, blobs)
    _close(opened)
    made.rename(target)
    _sync(data_dir)
    return Copied(snapshots[-1], files, missing)


def named(database: Path) -> set[str]:
    """Hashes of all files that a database says are there."""
    opened = engine(database, read_only=True)
    with opened.begin() as connection:
        kept = case.c.pixels_gone_at.is_(None)
        objects = connection.scalars(select(case.c.sha256).where(kept, *_HAVE_BYTES)).all()
        records = connection.scalars(
            select(set_member.c.record_sha256).join(case).where(kept, set_member.c.record_sha256.is_not(None))
        ).all()
        join = select(acquisition.c.preview_sha256).join(case, case.c.id == acquisition.c.case_id)
        previews = connection.scalars(join.where(kept, acquisition.c.preview_sha256.is_not(None))).all()
    opened.dispose()
    return {*objects, *records, *(preview for preview in previews if preview)}


def _copy_files(hashes: Iterable[str], source: Blobs, target: Blobs) -> tuple[int, int]:
    """How many were copied, and how many are not there or not what their name says."""
    copied = missing = 0
    for sha256 in sorted(hashes):
        if target.has(sha256):
            continue
        path = source.path(sha256)
        if not path.is_file() or not bears_its_name(path, sha256):
            missing += 1
            continue
        target.copy_file(path, sha256)
        copied += 1
    return copied, missing


def _without_files(connection: Connection, blobs: Blobs) -> int:
    """Cases whose bytes did not come back say so."""
    rows = connection.execute(
        select(case.c.id, case.c.sha256).where(case.c.pixels_gone_at.is_(None), *_HAVE_BYTES)
    ).all()
    gone = [row.id for row in rows if not blobs.has(row.sha256)]
    connection.execute(update(case).where(case.c.id.in_(gone)).values(pixels_gone_at=now_ms()))
    return len(gone)


def _forget(target: Path, keep: int) -> None:
    """Drop the oldest snapshots, and files that no kept snapshot names."""
    snapshots = _snapshots(target)
    for old in snapshots[:-keep]:
        old.unlink()
    wanted = set().union(*(named(path) for path in snapshots[-keep:]))
    for path in Blobs(target / "blobs").each():
        if path.name not in wanted:
            path.unlink()


def _snapshots(folder: Path) -> list[Path]:
    """Oldest first; one that was never finished begins with a dot and does not count."""
    return sorted(folder.glob("qcbox-*.db"))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for unfinished in folder.glob(".qcbox-*.db*"):
            unfinished.unlink()
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_synced(source: Path, target: Path) -> None:
    """Readable by its owner only, from the first byte."""
    made = target.with_name(f".{target.name}")
    made.unlink(missing_ok=True)
    made.touch(mode=0o600)
    shutil.copyfile(source, made)
    _sync(made)
    made.rename(target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _close(opened: Engine) -> None:
    """Fold the log into the one file, which is then renamed alone."""
    with opened.connect() as connection:
        raw = connection.connection.dbapi_connection
        connection.rollback()
        if raw is not None:
            raw.execute("PRAGMA journal_mode = DELETE")
    opened.dispose()


def _look_at(path: Path) -> Bilingual:
    return Bilingual(f"检查 {path}", f"Look at {path}")
