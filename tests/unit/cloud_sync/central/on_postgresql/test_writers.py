"""Where several write at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from cloud_sync.central import schema
from cloud_sync.central.database import Database
from tests.unit.cloud_sync.central.test_storing import count, event, take_in


def at_once(does: Callable[[int], object], people: int = 4) -> None:
    """Raises what any of them raises."""
    ready = Barrier(people)

    def one(number: int) -> None:
        ready.wait()
        does(number)

    with ThreadPoolExecutor(people) as pool:
        list(pool.map(one, range(people)))


def test_centres_that_start_at_once_make_the_tables_once(empty: str) -> None:
    at_once(lambda _: Database(empty).close())
    opened = Database(empty)
    assert count(opened, schema.event) == 0
    opened.close()


def test_the_same_results_from_several_writers_are_stored_once(database: Database) -> None:
    at_once(lambda _: [take_in(database, *(event(seq) for seq in range(at, at + 5))) for at in range(1, 21, 5)])
    assert count(database, schema.event) == count(database, schema.result) == 20


def test_who_reads_then_writes_is_not_overtaken(database: Database) -> None:
    take_in(database, event(1))

    def raise_by_one(_: int) -> None:
        with database.write() as connection:
            low = connection.execute(select(schema.stream.c.low_water)).scalar_one()
            connection.execute(text("SELECT pg_sleep(0.01)"))
            connection.execute(schema.stream.update().values(low_water=low + 1))

    at_once(raise_by_one)
    with database.read() as connection:
        assert connection.execute(select(schema.stream.c.low_water)).scalar_one() == 5


def test_a_reader_sees_one_moment_and_changes_nothing(database: Database) -> None:
    with database.read() as connection:
        before = connection.execute(select(func.count()).select_from(schema.event)).scalar_one()
        take_in(database, event(1))
        assert connection.execute(select(func.count()).select_from(schema.event)).scalar_one() == before
    with pytest.raises(DBAPIError, match="read-only"), database.read() as connection:
        connection.execute(schema.event.delete())
