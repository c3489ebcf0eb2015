"""Every step that is in the table can be made once and is told once; no other can be made. And what is harm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from capture.errors import Bug
from cloud_sync.wire.control import Wanted
from cloud_sync.wire.words import ContentState as S
from edge.clock import now_ms
from edge.content.chosen import FACTORY
from edge.content.machine import MOVES, Machine
from edge.content.probation import harm
from edge.content.proving import Prover, Question
from edge.content.settings import ContentSettings
from edge.store import content
from edge.store.content import Release
from edge.store.content_watch import Numbers
from edge.store.schema import content_release, content_step, outbox
from tests.unit.edge.box import Box, make_box

WANTED = Wanted(name="kv-check", version=1, path="kb/ct/kv-check/1.zip", sha256="a" * 64, length=1)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = make_box(tmp_path)
    yield made
    made.db.close()


def in_state(box: Box, machine: Machine, state: S) -> Release:
    """The only release, put there by hand."""

    def put(connection: Connection) -> Release:
        connection.execute(content_step.delete())
        connection.execute(content_release.delete())
        machine.assign(connection, WANTED, now_ms())
        connection.execute(content_release.update().values(state=state.value))
        return content.releases(connection)[-1]

    return box.db.write(put)


def events(box: Box) -> int:
    return box.db.read(lambda c: c.scalar(select(func.count()).select_from(outbox))) or 0


def test_the_table_of_steps(box: Box) -> None:
    machine = Machine(box.services.outbox, box.services.reporter)
    for old in MOVES:
        release, before = in_state(box, machine, old), events(box)
        for new in MOVES.keys() - MOVES[old]:
            with pytest.raises(Bug, match=r"content\.move"):
                box.db.write(lambda c: machine.move(c, release, new, 1))  # noqa: B023 - called at once
        assert events(box) == before
        for new in MOVES[old]:
            release, before = in_state(box, machine, old), events(box)
            assert box.db.write(lambda c: machine.move(c, release, new, 1)).state is new  # noqa: B023
            with pytest.raises(Bug, match=r"content\.state"):
                box.db.write(lambda c: machine.move(c, release, new, 1))  # noqa: B023
            assert events(box) == before + 1


USUAL = Numbers(images=200, alerts=8, errors=0, p95_ms=400.0)
SETTINGS = ContentSettings()


@pytest.mark.parametrize(
    ("now", "before", "code"),
    [
        (Numbers(50, 2, 0, 400.0), USUAL, None),
        (Numbers(50, 7, 0, 400.0), USUAL, "probation.alerts"),
        (Numbers(19, 19, 19, 9999.0), USUAL, None),  # too few to say
        (Numbers(50, 6, 0, 400.0), USUAL, None),  # three times as many, not more
        (Numbers(50, 50, 0, 400.0), replace(USUAL, images=10), None),  # nothing to compare with
        (Numbers(50, 0, 0, 400.0), replace(USUAL, alerts=100), "probation.alerts"),  # it has gone silent
        (Numbers(50, 2, 1, 400.0), USUAL, "probation.errors"),
        (Numbers(50, 2, 1, 400.0), replace(USUAL, errors=4), None),  # as often as before
        (Numbers(50, 2, 0, 5001.0), USUAL, "probation.slow"),
        (Numbers(50, 2, 0, 5001.0), replace(USUAL, p95_ms=4000.0), None),  # a slow box
    ],
)
def test_harm(now: Numbers, before: Numbers, code: str | None) -> None:
    found = harm(now, before, 0, 0, SETTINGS)
    assert (found.code if found else None) == code


def test_crashes_and_boots_count_whatever_the_images_say() -> None:
    none = Numbers(0, 0, 0, 0.0)
    assert [harm(none, none, crashes, 0, SETTINGS) is None for crashes in (2, 3)] == [True, False]
    assert [harm(none, none, 0, boots, SETTINGS) is None for boots in (1, 2)] == [True, False]


@pytest.mark.parametrize(
    ("seconds", "memory_mb", "code"), [(0.1, 1024, "selftest.time"), (60, 1, "selftest.memory")]
)
async def test_a_self_test_has_little_time_and_memory(seconds: float, memory_mb: int, code: str) -> None:
    proof = await Prover().prove(Question(FACTORY, "dicom-header", seconds, memory_mb))
    assert proof.code == code
