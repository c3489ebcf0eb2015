"""The centre's database: SQLite in a file, or PostgreSQL by another URL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.authoring import tables as _authoring  # noqa: F401  # the same
from cloud_sync.central.enrolment import tables as _enrolment  # noqa: F401  # the same
from cloud_sync.central.rollout import tables as _rollout  # noqa: F401  # puts its tables into the metadata
from cloud_sync.central.schema import metadata

_WRITE = "qcbox_write"
"""Option of a connection whose transaction writes."""
_WRITERS = 0x7163626F78
"""The advisory lock that PostgreSQL's writers queue at: "qcbox"."""


class Database:
    """Opens the database, makes its tables, and gives transactions."""

    def __init__(self, url: str) -> None:
        """``url`` as SQLAlchemy has it, e.g. ``sqlite:////var/lib/qcbox-central/central.db``.

        Raises:
            Misuse: the URL is neither SQLite in a file nor PostgreSQL, or nothing can be opened there.
        """
        parsed = _parse(url)
        self.url = url
        self.backend = parsed.get_backend_name()
        try:
            if self.backend == "sqlite":
                Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
            self._engine: Engine = create_engine(parsed, hide_parameters=True)
            if self.backend == "sqlite":
                _make_durable(self._engine)
            else:
                _one_after_another(self._engine)
            with ExitStack() as undo:
                undo.callback(self._engine.dispose)
                with self.write() as connection:
                    metadata.create_all(connection)
                undo.pop_all()
        except (OSError, SQLAlchemyError, ImportError) as error:
            raise Misuse(
                "database.unusable",
                Bilingual("数据库打不开", "The database cannot be opened"),
                Bilingual(
                    "检查文件夹是否存在且可写；使用 PostgreSQL 时检查服务，并安装 qcbox[postgresql]",
                    "Check that its folder is there and writable; for PostgreSQL: server, qcbox[postgresql]",
                ),
            ) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed at the end and on disk then; rolled back by an exception."""
        with self._engine.connect().execution_options(**{_WRITE: True}) as connection, connection.begin():
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view."""
        with self._engine.connect() as connection:
            yield connection

    def insert_new(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """``INSERT ... ON CONFLICT DO NOTHING`` in the database's own dialect."""
        if self.backend == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("sqlite", "postgresql") or not parsed.database:
        raise Misuse(
            "database.url",
            Bilingual("database_url 无效", "database_url is not valid"),
            Bilingual(
                "写成 sqlite:////路径/central.db 或 postgresql+psycopg://用户@主机/库名",
                "Write sqlite:////path/central.db or postgresql+psycopg://user@host/database",
            ),
        )
    return parsed


def _make_durable(engine: Engine) -> None:
    """WAL with synchronous=FULL: a COMMIT is on disk, and readers never wait for the writer."""

    @event.listens_for(engine, "connect")
    def pragmas(raw: sqlite3.Connection, record: object) -> None:
        # The driver must not begin transactions by itself; ``begin`` below says which kind.
        raw.isolation_level = None
        for line in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
            raw.execute(f"PRAGMA {line}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that begins as a reader and then writes can fail at once; a writer waits its turn.
        kind = "IMMEDIATE" if connection.get_execution_options().get(_WRITE) else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {kind}")


def _one_after_another(engine: Engine) -> None:
    """PostgreSQL keeps to what SQLite does by itself: one writer at a time, and reads of one moment. Scheduler,
    pages and ingest read, decide and write; two at once could each decide by what the other is about to change."""

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get(_WRITE):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")
        else:
            connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
