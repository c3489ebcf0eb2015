"""The table of states of a case, and the only way to move one.

    held ---> judging ---> judged ---> reported
      ^          |
      |          +--> waiting_retry --> (judging)
      |          +--> set_aside ------> held         a person asked for another try
      +----------+                                   the agent was stopped in the middle
    duplicate                                        the same bytes came before; answered with that verdict

A set is held again (:func:`reopen`) when an image comes after its verdict, also when it is reported; and so is a
picture of a screen whose fields a person confirmed.

A move is one UPDATE with the old state in its WHERE. It changes exactly one row or raises: so two movers
can never both succeed, and a crash leaves the case where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import Connection, bindparam

from capture.errors import Bug
from capture.text import Bilingual
from edge.store.schema import case

State = Literal["held", "judging", "judged", "reported", "waiting_retry", "set_aside", "duplicate"]

_REPORT = Bilingual("请报告此问题", "Please report this")

MOVES: dict[State, frozenset[State]] = {
    "held": frozenset({"judging"}),
    "waiting_retry": frozenset({"judging"}),
    "judging": frozenset({"held", "judged", "waiting_retry", "set_aside"}),
    "judged": frozenset({"reported"}),
    "set_aside": frozenset({"held"}),
    "reported": frozenset(),
    "duplicate": frozenset(),
}


_MOVE = case.update().where(case.c.id == bindparam("of_case"), case.c.state == bindparam("old"))


def move(connection: Connection, case_id: str, old: State, new: State, now: int, **columns: object) -> None:
    """Move one case and set ``columns`` with it.

    Raises:
        Bug: the move is not in the table, or the case is not in ``old``.
    """
    if new not in MOVES[old]:
        text = Bilingual(f"{old} -> {new} 不在状态表中", f"{old} -> {new} is not in the table of states")
        raise Bug("case.move", text, _REPORT)
    values = {"of_case": case_id, "old": old, "state": new, "updated_at": now, **columns}
    if connection.execute(_MOVE, values).rowcount != 1:
        raise Bug("case.state", Bilingual(f"病例不在 {old} 状态", f"The case is not in state {old}"), _REPORT)


def reopen(connection: Connection, case_id: str, now: int, next_at: int | None) -> bool:
    """A set that has its verdict is due again at ``next_at``, because an image came late; a picture of a screen at
    once, because somebody confirmed what it says. False: it has none yet."""
    changed = connection.execute(
        case.update()
        .where(
            case.c.id == case_id,
            case.c.kind.in_(("series", "study", "frame")),
            case.c.state.in_(("judged", "reported", "set_aside")),
        )
        .values(state="held", updated_at=now, next_at=next_at, attempts=0)
    ).rowcount
    return changed == 1


def report(connection: Connection, case_ids: Sequence[str], now: int) -> int:
    """Of these, move every judged one to reported: the centre has its verdict. Returns how many moved."""
    return connection.execute(
        case.update()
        .where(case.c.id.in_(case_ids), case.c.state == "judged")
        .values(state="reported", updated_at=now)
    ).rowcount


def recover(connection: Connection, now: int) -> int:
    """At start: cases that a stopped agent left in the middle are held again. Returns how many."""
    return connection.execute(
        case.update().where(case.c.state == "judging").values(state="held", updated_at=now)
    ).rowcount
