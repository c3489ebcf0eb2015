"""The appliance's database: SQLite in WAL mode, one process that owns it, one thread that writes.

Written by hand because it is the product's promise: every write is one BEGIN IMMEDIATE transaction with
``synchronous=FULL``, and two connections never write or checkpoint at once (SQLite 3.7.0 to 3.51.2 can
corrupt a WAL database that way; https://sqlite.org/wal.html, "the WAL-reset bug").
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool, StaticPool

from capture.errors import Misuse
from capture.text import Bilingual
from edge.store.migrate import damaged, migrate

T = TypeVar("T")
_READERS = 4


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A plain connection with the product's pragmas; transactions are begun explicitly."""
    mode = "ro" if read_only else "rw"
    connection = sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=10,
    )
    with ExitStack() as undo:
        undo.callback(connection.close)  # a damaged file refuses its pragmas
        connection.execute("PRAGMA foreign_keys = ON")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
        undo.pop_all()
    return connection


def engine(path: Path, *, read_only: bool) -> Engine:
    """A SQLAlchemy engine over :func:`connect`: one connection to write, a few to read."""
    begin = "BEGIN" if read_only else "BEGIN IMMEDIATE"
    made = (
        create_engine(
            "sqlite://",
            creator=lambda: connect(path, read_only=True),
            poolclass=QueuePool,
            pool_size=_READERS,
            max_overflow=_READERS,
            hide_parameters=True,  # an error's text ends in the journal, and parameters are patients
        )
        if read_only
        else create_engine(
            "sqlite://",
            creator=lambda: connect(path, read_only=False),
            poolclass=StaticPool,
            hide_parameters=True,
        )
    )

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return made


class Database:
    """Reads run in the caller's thread on read-only connections; writes queue for the one writer thread.

    Raises:
        Misuse: another process owns the file.
        Bug: the file is damaged.
    """

    def __init__(self, path: Path, at: Callable[[str], None] = lambda step: None) -> None:
        """Take the lock, migrate, start the writer. ``at`` is the tests' crash hook."""
        self.path = path
        self._at = at
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _own(path.with_name(path.name + ".lock"))
        # 0600 from the first byte: it holds patient identity. SQLite gives -wal and -shm the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._write_engine = engine(path, read_only=False)
        with ExitStack() as undo:
            undo.callback(os.close, self._lock)
            undo.callback(self._write_engine.dispose)
            try:
                migrate(path, self._write_engine)
            except DatabaseError as error:
                code = getattr(error.orig, "sqlite_errorcode", None)
                if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                    raise damaged() from error
                raise
            undo.pop_all()
        self._read_engine = engine(path, read_only=True)
        self._readers = ThreadPoolExecutor(_READERS, "db-read")
        # One thread: submitted writes run one after another, in order.
        self._writer = ThreadPoolExecutor(1, "db-write")

    def write(self, fn: Callable[[Connection], T]) -> T:
        """Run ``fn`` in one transaction; durable when this returns. What ``fn`` raises rolls back."""
        return self._writer.submit(self._transact, fn).result()

    async def awrite(self, fn: Callable[[Connection], T]) -> T:
        """:meth:`write` without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._transact, fn)

    def read(self, fn: Callable[[Connection], T]) -> T:
        """Run ``fn`` on a read-only connection: one consistent snapshot."""
        with self._read_engine.begin() as connection:
            return fn(connection)

    async def aread(self, fn: Callable[[Connection], T]) -> T:
        """:meth:`read` without blocking the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self.read, fn)

    def close(self) -> None:
        """Finish queued writes, close every connection, give the lock back."""
        self._writer.shutdown()
        self._readers.shutdown()
        self._read_engine.dispose()
        self._write_engine.dispose()
        os.close(self._lock)

    def _transact(self, fn: Callable[[Connection], T]) -> T:
        with self._write_engine.begin() as connection:
            value = fn(connection)
            self._at("store.executed")
        self._at("store.committed")
        return value


def _own(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise Misuse(
            "store.owned",
            Bilingual("另一个进程正在使用数据库", "Another process owns the database"),
            Bilingual("先停止另一个 qcbox agent", "Stop the other qcbox agent first"),
        ) from error
    return descriptor
