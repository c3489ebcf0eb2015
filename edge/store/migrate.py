"""Brings a database file to this release's schema, and leaves the way back beside it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

from capture.errors import Bug, Misuse
from capture.text import Bilingual

_SCRIPTS = Path(__file__).with_name("migrations")


def migrate(path: Path, engine: Engine) -> None:
    """Upgrade the file in one transaction, after the same upgrade held on a copy.

    The copy of the old state stays as ``<file>.before-<revision>``.

    Raises:
        Misuse: the file was written by a newer release.
        Bug: the upgraded copy breaks SQLite's own checks.
    """
    scripts = ScriptDirectory(str(_SCRIPTS))
    head = scripts.get_current_head()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    if current is not None:
        _known(scripts, current)
        _rehearse(path, path.with_name(f"{path.name}.before-{head}"))
    _upgrade(engine)


def _known(scripts: ScriptDirectory, revision: str) -> None:
    if revision not in {script.revision for script in scripts.walk_revisions()}:
        raise Misuse(
            "store.newer",
            Bilingual("数据库来自更新的版本", "The database was written by a newer release"),
            Bilingual("请安装该版本，或恢复旧备份", "Install that release, or restore an older backup"),
        )


def _rehearse(path: Path, kept: Path) -> None:
    copy(path, kept)
    trial = kept.with_name(kept.name + ".trial")
    copy(kept, trial)
    engine = create_engine("sqlite://", creator=lambda: _plain(trial), poolclass=StaticPool)
    event.listen(engine, "begin", _begin)
    try:
        _upgrade(engine)
        check(trial)
    finally:
        engine.dispose()
        trial.unlink(missing_ok=True)


def _upgrade(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def copy(source: Path, target: Path) -> None:
    """A consistent copy of a live database (SQLite's online backup), readable by its owner only."""
    target.unlink(missing_ok=True)
    target.touch(mode=0o600)
    original = sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)
    made = sqlite3.connect(target)
    try:
        original.backup(made)
        # A copy is one file: nobody writes to it, so it needs no log beside it.
        made.execute("PRAGMA journal_mode = DELETE")
    finally:
        made.close()
        original.close()


def check(path: Path) -> None:
    """SQLite's own checks.

    Raises:
        Bug: the file is damaged or a reference points nowhere.
    """
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        sound = connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        dangling = connection.execute("PRAGMA foreign_key_check").fetchone()
    except sqlite3.DatabaseError:
        sound, dangling = False, None
    finally:
        connection.close()
    if not sound or dangling is not None:
        raise damaged()


def damaged() -> Bug:
    """What to say of a file that is no sound database."""
    return Bug(
        "store.damaged",
        Bilingual("数据库未通过完整性检查", "The database fails its integrity check"),
        Bilingual(
            "移走该文件，用 qcbox restore 恢复最近的备份；暂存区中的图像不受影响",
            "Move the file away and restore the latest backup with qcbox restore; images in the spool are safe",
        ),
    )


def _plain(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None, check_same_thread=False)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
