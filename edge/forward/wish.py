"""A person wishes to have what was refused tried again: a file that the agent, who alone writes rows, awaits."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from edge.store.schema import commitment, forward, relayed_step


def make(path: Path) -> None:
    """Wish it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)


def is_there(path: Path) -> bool:
    """Whether somebody wishes it."""
    return path.exists()


def grant(connection: Connection, now: int) -> None:
    """What was refused, and what waits for its time, is due now, as if for the first time.

    What an archive still has to answer is left alone.
    """
    again = {"state": "waiting", "attempts": 0, "next_at": now, "updated_at": now}
    for rows in (forward, relayed_step):
        connection.execute(rows.update().where(rows.c.state.in_(("refused", "waiting"))).values(again))
    connection.execute(commitment.update().where(commitment.c.state == "waiting").values(again))
    answered = commitment.c.state.in_(("refused", "answered")) & commitment.c.answer.is_not(None)
    connection.execute(commitment.update().where(answered).values(again | {"state": "answered"}))
