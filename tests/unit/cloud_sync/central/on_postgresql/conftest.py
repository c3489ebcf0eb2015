"""A real PostgreSQL of the test's own: the same tests must hold on it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from cloud_sync.central.database import Database
from tests.peers import PATIENCE_S, free_port, wait_until

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """Address of a server without a database, e.g. ``postgresql+psycopg://qc@127.0.0.1:40001``. It refuses to run
    as root, so root lends it another user."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.fail("PostgreSQL is not installed (deploy/test installs it)")
    user = pwd.getpwnam("postgres") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    folder, port = Path(tempfile.mkdtemp(prefix="qc-pg-")), free_port()
    os.chown(folder, user.pw_uid, user.pw_gid)

    def run(*argv: str) -> subprocess.Popen[bytes]:
        with (folder / "log").open("ab") as log:
            who = user.pw_uid, user.pw_gid
            return subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log, user=who[0], group=who[1])

    initdb = run(f"{programs[-1]}/initdb", "-D", f"{folder}/data", "-U", "qc", "-A", "trust", "--no-sync")
    made = initdb.wait(PATIENCE_S)
    assert made == 0, (folder / "log").read_text()
    options = ["-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"]
    running = run(f"{programs[-1]}/postgres", "-D", f"{folder}/data", *options)
    try:
        asks = (f"{programs[-1]}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(port), "-U", "qc")
        # It listens before it lets anybody in.
        wait_until(lambda: run(*asks).wait() == 0, "PostgreSQL serves")
        yield f"postgresql+psycopg://qc@127.0.0.1:{port}"
    finally:
        running.send_signal(signal.SIGINT)  # SIGTERM would wait for the last client
        running.wait(PATIENCE_S)
        shutil.rmtree(folder)


@pytest.fixture
def empty(server: str) -> str:
    """URL of a database without tables."""
    name = f"central{next(_NUMBERS)}"
    engine = create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return f"{server}/{name}"


@pytest.fixture
def database(empty: str) -> Iterator[Database]:
    """In place of the file that the same tests get elsewhere."""
    opened = Database(empty)
    yield opened
    opened.close()
