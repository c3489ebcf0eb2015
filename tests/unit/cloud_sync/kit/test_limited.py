"""Work in a process of its own: its answer, and what ends it when it takes too much."""

from __future__ import annotations

import os
import signal
import time

import pytest

from cloud_sync.kit import limited
from cloud_sync.kit.limited import Gauge, Limited, Limits, Over, ask

LIMITS = Limits(memory_mb=64, burst_s=0.2, each_s=0.01)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process loads this module first, politely: a busy machine takes longer for that than these limits."""
    monkeypatch.setattr(limited, "_PATIENCE", 500)


def _burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


def work(gauge: Gauge, question: bytes) -> bytes:
    """What a question asks for, after a piece that holds nothing."""
    for piece in (b"first", question):
        gauge.next()
        gauge.at(piece.decode())
        match piece:
            case b"hang":
                _burn(60)
            case b"sleep":
                time.sleep(60)
            case b"fill":
                bytearray(1 << 30)
            case b"crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case b"leave":
                raise SystemExit(3)
    return b"done: " + question


def slow(gauge: Gauge, question: bytes) -> bytes:
    """Ten pieces, each well below the most that one may take, together far above."""
    for piece in range(10):
        gauge.next()
        gauge.at(str(piece))
        _burn(0.1)
    return b"done"


@pytest.mark.usefixtures("patient")
def test_an_answer_comes_back() -> None:
    assert ask(work, b"well", LIMITS, 2) == b"done: well"


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize(("question", "limit"), [(b"hang", "time"), (b"fill", "memory"), (b"crash", "crash")])
def test_what_takes_too_much_is_ended_and_its_place_told(question: bytes, limit: str) -> None:
    assert ask(work, question, LIMITS, 2) == Over(limit, question.decode())  # type: ignore[arg-type]  # of the table


@pytest.mark.usefixtures("patient")
def test_pieces_are_quick_on_average() -> None:
    over = ask(slow, b"", LIMITS, 10)
    assert isinstance(over, Over) and over.limit == "time" and over.at in ("1", "2")


def test_who_never_answers_is_not_waited_for() -> None:
    with pytest.raises(TimeoutError):
        ask(work, b"sleep", LIMITS, 2)


@pytest.mark.usefixtures("patient")
def test_another_end_is_no_limit() -> None:
    with pytest.raises(ChildProcessError):
        ask(work, b"leave", LIMITS, 2)


def asleep(gauge: Gauge, said: str) -> None:
    gauge.at(said)
    time.sleep(60)


def test_one_that_works_is_ended_from_outside() -> None:
    begun = Limited(asleep, LIMITS, "x" * 500)
    assert begun.alive
    begun.end()
    assert not begun.alive and begun.over() is None
