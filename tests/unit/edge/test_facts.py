"""Facts come back as they were, all of a verdict or a few of many."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, create_engine, func, select, text
from sqlalchemy.pool import StaticPool

from edge.store.facts import add_facts, facts_of, forget_facts, some_of
from edge.store.schema import case, facts, metadata, set_member, verdict
from models.measurement import Measured, Measurement, NotMeasured, Reason, Region

_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
_PART = st.floats(0, 1)
_VALUES = st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT | st.tuples(_TEXT, _TEXT)
_MEASURED: st.SearchStrategy[Measured] = st.builds(
    Measurement, st.sampled_from("abcdef"), _VALUES, _TEXT, _TEXT, _PART,
    st.lists(st.builds(Region, _PART, _PART, _PART, _PART), max_size=2).map(tuple),
) | st.builds(NotMeasured, st.sampled_from("abcdef"), st.sampled_from(Reason), _TEXT)  # fmt: skip


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as made:
        yield made
    engine.dispose()


@given(st.lists(_MEASURED, unique_by=lambda fact: fact.name, min_size=1))
def test_facts_are_read_as_they_were_written(known: list[Measured]) -> None:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    metadata.create_all(engine)
    with engine.connect() as connection:
        add_facts(connection, 7, known)
        wanted = tuple(sorted(known, key=lambda fact: fact.name))
        assert repr(facts_of(connection, [7, 8])) == repr({7: wanted})
        few = some_of(connection, [7], ["b", "d"])[7]
        assert repr(list(few)) == repr([fact for fact in wanted if fact.name in "bd"])
    engine.dispose()


def test_a_verdict_without_facts_has_no_row(connection: Connection) -> None:
    add_facts(connection, 1, ())
    assert connection.scalar(select(func.count()).select_from(facts)) == 0
    assert facts_of(connection, [1]) == {} == some_of(connection, [1], ["a"])


def test_only_those_of_a_slice_are_forgotten(connection: Connection) -> None:
    arrival = {"size": 1, "kind": "dicom", "source": "dicom", "calling_ae": "", "peer": "", "received_at": 1}
    said = {
        "mode": "active",
        "packs": "[]",
        "passed": "[]",
        "not_assessed": "[]",
        "timings": "[]",
        "created_at": 1,
    }
    for number, name in enumerate(("film", "slice"), 1):
        connection.execute(
            case.insert(), {"id": name, "sha256": name, "state": "judged", "updated_at": 1} | arrival
        )
        connection.execute(verdict.insert(), {"id": number, "case_id": name} | said)
        add_facts(connection, number, [Measurement("a", 1.0)])
    connection.execute(set_member.insert(), {"case_id": "slice", "set_id": 1, "frames": 1})
    for name in ("film", "slice"):
        forget_facts(connection, name)
    assert set(facts_of(connection, [1, 2])) == {1}


def test_sql_reaches_into_them(connection: Connection) -> None:
    add_facts(connection, 1, [Measurement("dicom.KVP", 120.0, "kV")])
    query = """select json_extract(content, '$."dicom.KVP".value') from facts"""
    assert connection.scalar(text(query)) == 120.0
