"""One owner, one writer, durable transactions, migrations that leave a way back."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Insert, create_engine, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from capture.errors import Bug, Misuse
from edge.store import migrate as migration
from edge.store.baselines import history
from edge.store.database import Database
from edge.store.facts import facts_of
from edge.store.migrate import check, copy
from edge.store.schema import meta, metadata, verdict
from edge.store.verdicts import Drawing, add_verdict, bundles_of, drawings_of
from models.baseline import Alike
from models.measurement import Mark, Measurement, NotMeasured, Reason, Region
from models.rules.verdict import BundleUsed, Verdict
from tests.unit.edge.revisions import plant_revision, revisions_until


def put(key: str) -> Insert:
    return meta.insert().values(key=key, value="v")


def _put(key: str, connection: Connection) -> None:
    connection.execute(put(key))


def keys(connection: Connection) -> set[str]:
    return set(connection.scalars(meta.select().with_only_columns(meta.c.key)))


def test_writes_are_seen_by_readers_and_by_the_next_start(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    db.write(lambda c: c.execute(put("a")))
    assert db.read(keys) == {"a"}
    db.close()
    again = Database(tmp_path / "q.db")
    assert again.read(keys) == {"a"}
    again.close()


def test_what_raises_is_rolled_back_and_the_writer_lives_on(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")

    def fails(connection: Connection) -> None:
        connection.execute(put("half"))
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        db.write(fails)
    db.write(lambda c: c.execute(put("whole")))
    assert db.read(keys) == {"whole"}
    db.close()


async def test_from_the_event_loop(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    await asyncio.gather(*(db.awrite(partial(_put, k)) for k in "abc"))
    assert await db.aread(keys) == {"a", "b", "c"}
    db.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    with pytest.raises(Exception, match="readonly"):
        db.read(lambda c: c.execute(put("a")))
    db.close()


def test_pragmas(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")

    def pragma(name: str) -> object:
        return db.write(lambda c: c.exec_driver_sql(f"PRAGMA {name}").scalar())

    assert (pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")) == ("wal", 2, 1)
    db.close()


def test_only_one_owner(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    with pytest.raises(Misuse, match=r"store\.owned"):
        Database(tmp_path / "q.db")
    db.close()
    Database(tmp_path / "q.db").close()


def test_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    db.write(lambda c: c.execute(put("a")))
    for path in tmp_path.glob("q.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    db.close()


def test_crash_hooks_stand_around_the_commit(tmp_path: Path) -> None:
    steps: list[str] = []
    db = Database(tmp_path / "q.db", steps.append)
    db.write(lambda c: c.execute(put("a")))
    db.close()
    assert steps == ["store.executed", "store.committed"]


def test_migrations_lead_to_the_schema_in_the_code(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    with db._read_engine.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    assert [change for change in difference if "alembic_version" not in str(change)] == []
    listed = db.read(lambda c: c.execute(text("SELECT name, strict FROM pragma_table_list")).all())
    strict = {row.name for row in listed if row.strict}
    assert strict >= set(metadata.tables)
    db.close()
    constraints = {t: _sql(create_all(tmp_path), t).count("CHECK") for t in metadata.tables}
    assert constraints == {t: _sql(tmp_path / "q.db", t).count("CHECK") for t in metadata.tables}


def test_rows_of_the_first_release_are_read_by_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = revisions_until("0001", tmp_path / "migrations")
    with monkeypatch.context() as patch:
        patch.setattr(migration, "_SCRIPTS", first)
        old = Database(tmp_path / "q.db")
    old.write(lambda c: c.execute(text(_CASE_OF_0001)))
    old.write(lambda c: c.execute(text(_VERDICT_OF_0001)))
    old.write(lambda c: [c.execute(text(f"INSERT INTO measurement VALUES (1, {row})")) for row in _FACTS_OF_0001])
    old.close()
    db = Database(tmp_path / "q.db")
    row = db.read(lambda c: c.execute(select(verdict)).one())
    assert (bundles_of(row.bundles), drawings_of(row.marks)) == ((), ())
    assert db.read(lambda c: facts_of(c, [1])) == {
        1: (
            Measurement("a.b", 1.5),
            Measurement("a.c", '说 "x"', "1", "p/1", 0.5, (Region(0.1, 0.2, 0.3, 0.45),)),
            Measurement("a.d", True),
            Measurement("a.e", ("A", "B")),
            NotMeasured("a.f", Reason.FAILED, "why"),
        )
    }
    db.close()


_FACTS_OF_0001 = (
    "'a.f', null, null, null, null, null, 'failed', 'why'",
    "'a.b', '1.5', '', '', 1.0, '[]', null, null",
    """'a.c', '"说 \\"x\\""', '1', 'p/1', 0.5,
        '[{"left"\\:0.1,"top"\\:0.2,"right"\\:0.3,"bottom"\\:0.45}]', null, null""",
    "'a.d', 'true', '', '', 1.0, '[]', null, null",
    """'a.e', '["A","B"]', '', '', 1.0, '[]', null, null""",
)
_CASE_OF_0001 = """
    INSERT INTO case_ (id, sha256, size, kind, source, calling_ae, peer, received_at, state, updated_at)
    VALUES ('c', 'd', 1, 'dicom', 'dicom', '', '', 1, 'judged', 1)"""
_VERDICT_OF_0001 = """INSERT INTO verdict (id, case_id, mode, packs, passed, not_assessed, timings, created_at)
    VALUES (1, 'c', 'active', '[]', '[]', '[]', '[]', 1)"""


def test_who_measured_a_baseline_measured_its_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Revision 0012 knew who measured a baseline, and not who measured each number; 0013 does."""
    with monkeypatch.context() as patch:
        patch.setattr(migration, "_SCRIPTS", revisions_until("0012", tmp_path / "migrations"))
        old = Database(tmp_path / "q.db")
    old.write(lambda c: [c.execute(text(sql)) for sql in _BASELINE_OF_0012])
    old.close()
    db = Database(tmp_path / "q.db")
    points = db.read(lambda c: history(c, 1, Alike("DX"), "a.b"))
    assert [(point.value, point.counts) for point in points] == [(9, False), (5, True), (6, True)]
    db.close()


_BASELINE_OF_0012 = (
    "INSERT INTO device (id, key, calling_ae, first_seen, last_seen) VALUES (1, 'k', 'AE', 1, 1)",
    "INSERT INTO baseline_group VALUES (1, 1, 'DX', '', '', '', '', '', '', 1)",
    "INSERT INTO baseline VALUES (1, 'a.b', 1, 2, 5.5, 0.5, null, null, 1, 'a/2')",
    *(
        f"INSERT INTO case_ (id, sha256, size, kind, source, calling_ae, peer, received_at, state, updated_at) "
        f"VALUES ('c{n}', 'd', 1, 'dicom', 'dicom', '', '', 1, 'judged', 1)"
        for n in (1, 2, 3)
    ),
    *(
        f"INSERT INTO baseline_value VALUES ({n}, 1, 'a.b', 'c{n}', {value}, 1)"
        for n, value in ((1, 9), (2, 5), (3, 6))
    ),
)


def test_marks_and_networks_are_stored_as_they_were(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    db.write(lambda c: c.execute(text(_CASE_OF_0001)))
    arrow = Mark("arrow", "margin_top", ((0.5, 0.1), (0.5, 0.0)), "4 mm")
    heat = Mark("heat", "foreign_object", ((0.1, 0.1), (0.2, 0.1), (0.2, 0.2)), weight=0.75)
    fact = Measurement("chest.margin_top_mm", 4.0, "mm", "chest/1", 0.9, marks=(arrow, heat))
    used = BundleUsed("chest-anatomy", "0.1.0", "ab" * 32)
    judged = Verdict(None, None, (), (), (), (), bundles=(used,))
    percent = replace(fact, name="chest.margin_top_percent", marks=(replace(arrow, caption="1 %"),))
    db.write(lambda c: add_verdict(c, "c", judged, [percent, fact], 1))
    assert bundles_of(db.read(lambda c: c.execute(select(verdict.c.bundles)).scalar_one())) == (used,)
    ((stored, _),) = db.read(lambda c: facts_of(c, [1])).values()
    assert stored == replace(fact, marks=())
    drawings = drawings_of(db.read(lambda c: c.execute(select(verdict.c.marks)).scalar_one()))
    assert drawings == (Drawing(arrow, (fact.name, percent.name)), Drawing(heat, (fact.name,)))
    db.close()


def create_all(folder: Path) -> Path:
    path = folder / "straight.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    return path


def _sql(path: Path, table: str) -> str:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    connection.close()
    return str(found[0])


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    Database(tmp_path / "q.db").close()
    raw = sqlite3.connect(tmp_path / "q.db")
    raw.execute("UPDATE alembic_version SET version_num = '9999'")
    raw.commit()
    raw.close()
    with pytest.raises(Misuse, match=r"store\.newer"):
        Database(tmp_path / "q.db")


def test_an_upgrade_keeps_the_old_state_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a second revision planted, a file of the first is upgraded with its content, and copied before."""
    db = Database(tmp_path / "q.db")
    db.write(lambda c: c.execute(put("kept")))
    db.close()
    scripts = plant_revision(tmp_path / "migrations", "op.add_column('meta', sa.Column('note', sa.Text()))")
    monkeypatch.setattr(migration, "_SCRIPTS", scripts)
    db = Database(tmp_path / "q.db")
    assert db.read(lambda c: c.execute(text("SELECT key, note FROM meta")).all()) == [("kept", None)]
    db.close()
    check(tmp_path / "q.db.before-9999")
    assert "note" not in _sql(tmp_path / "q.db.before-9999", "meta")
    assert not list(tmp_path.glob("*.trial"))


def test_an_upgrade_that_breaks_the_copy_leaves_the_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(tmp_path / "q.db").close()
    before = (tmp_path / "q.db").read_bytes()
    scripts = plant_revision(tmp_path / "migrations", "op.execute('DROP TABLE no_such_table')")
    monkeypatch.setattr(migration, "_SCRIPTS", scripts)
    with pytest.raises(Exception, match="no_such_table"):
        Database(tmp_path / "q.db")
    assert (tmp_path / "q.db").read_bytes() == before


def test_check_sees_damage(tmp_path: Path) -> None:
    Database(tmp_path / "q.db").close()
    copy(tmp_path / "q.db", tmp_path / "copy.db")
    check(tmp_path / "copy.db")
    content = bytearray((tmp_path / "copy.db").read_bytes())
    content[8192:12288] = bytes(4096)
    (tmp_path / "copy.db").write_bytes(content)
    with pytest.raises(Bug, match=r"store\.damaged"):
        check(tmp_path / "copy.db")


@pytest.mark.parametrize("garbage", [b"no database at all " * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_a_damaged_file_is_said_in_words_and_left_as_it_is(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "q.db"
    path.write_bytes(garbage)
    for _ in range(2):  # the lock was given back
        with pytest.raises(Bug, match=r"store\.damaged"):
            Database(path)
    assert path.read_bytes() == garbage


def test_an_error_quotes_no_value(tmp_path: Path) -> None:
    db = Database(tmp_path / "q.db")
    db.write(partial(_put, "ZZSENTINEL"))
    with pytest.raises(IntegrityError) as twice:
        db.write(partial(_put, "ZZSENTINEL"))
    with pytest.raises(OperationalError) as read:
        db.read(lambda c: c.execute(text("SELECT :who FROM nowhere"), {"who": "ZZSENTINEL"}))
    db.close()
    assert "ZZSENTINEL" not in f"{twice.value} {read.value}"
