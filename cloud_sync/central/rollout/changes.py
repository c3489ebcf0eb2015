"""How a rollout's rows change, whoever changes them: each with a step, the audit, and what boxes shall run."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from cloud_sync.central import accounts
from cloud_sync.central.rollout import desired, tables
from cloud_sync.central.rollout.rows import Rollout
from cloud_sync.central.rollout.terms import OPEN, REASON, Reason, RolloutState

_rollout, _wave = tables.rollout, tables.wave


@dataclass(frozen=True, slots=True)
class Deed:
    """Something done to a rollout. ``why``: a person's words; ``reason``: what the centre counted."""

    name: str
    who: str
    at: int
    reason: Reason
    why: str = ""


def move(connection: Connection, one: Rollout, state: RolloutState, deed: Deed) -> None:
    """Another state; nothing else of it changes."""
    values: dict[str, object] = {"state": state, "reason": _json(deed.reason), "pause_after": 0}
    if state not in OPEN:
        values["ended_at"] = deed.at
    connection.execute(_rollout.update().where(_rollout.c.id == one.id).values(values))
    note(connection, one, deed)
    desired.refresh(connection, deed.at)


def advance(connection: Connection, one: Rollout, deed: Deed) -> None:
    """The next wave begins; after the last one the rollout is complete and meant for every box it fits."""
    mine = _wave.c.rollout == one.id
    connection.execute(_wave.update().where(mine, _wave.c.number == one.wave).values(ended_at=deed.at))
    if one.wave == last_wave(connection, one):
        move(connection, one, RolloutState.COMPLETED, deed)
        return
    connection.execute(_wave.update().where(mine, _wave.c.number == one.wave + 1).values(started_at=deed.at))
    connection.execute(_rollout.update().where(_rollout.c.id == one.id).values(wave=one.wave + 1))
    move(connection, one, RolloutState.RUNNING, deed)


def last_wave(connection: Connection, one: Rollout) -> int:
    """The number of a rollout's last wave."""
    return int(connection.execute(select(func.max(_wave.c.number)).where(_wave.c.rollout == one.id)).scalar_one())


def hold(connection: Connection, one: Rollout, held_at: int | None) -> None:
    """Note since when the present wave has had its success."""
    mine = (_wave.c.rollout == one.id) & (_wave.c.number == one.wave)
    connection.execute(_wave.update().where(mine).values(held_at=held_at))


def say(connection: Connection, one: Rollout, reason: Reason) -> None:
    """Why it stands as it stands, where that is no deed of anybody."""
    connection.execute(_rollout.update().where(_rollout.c.id == one.id).values(reason=_json(reason)))


def note(connection: Connection, one: Rollout, deed: Deed) -> None:
    """A step of the rollout, and the same in the audit's chain."""
    connection.execute(
        tables.step.insert().values(
            rollout=one.id, at=deed.at, who=deed.who, deed=deed.name, why=deed.why, reason=_json(deed.reason)
        )
    )
    figures = ", ".join(f"{name} {value}" for name, value in deed.reason.figures)
    said = "; ".join(part for part in (deed.reason.code, figures, deed.why) if part)
    subject = f"{one.id} {one.target.name} {one.target.version}: {said}"
    accounts.note(connection, deed.at, deed.who, f"rollout.{deed.name}", subject)


def _json(reason: Reason) -> str:
    return REASON.dump_json(reason).decode()
