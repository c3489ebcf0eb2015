"""A box that declined a release is asked again: later and later, or at once when it is no longer what it was.

"Not for this box" is a word about the box at that moment: its groups, its program, how it was set up. So it is no
end. The box obeys a rollout once; asked again, the rollout's name has the number of the try: ``12.2``.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from cloud_sync.central import schema
from cloud_sync.central.rollout import tables
from cloud_sync.central.rollout.terms import Plan

_declined = tables.declined
_LONGEST_MS = 7 * 86_400_000


@dataclass(frozen=True, slots=True)
class Declined:
    """That a box declined a release. ``at``: last, UTC milliseconds of the centre."""

    times: int
    at: int
    changed: bool = False
    """The box is not what it was then."""

    def again_at(self, plan: Plan) -> int:
        """When it is asked again, UTC milliseconds."""
        wait = min(plan.ask_again_s * 1000 * 2.0 ** min(self.times - 1, 30), _LONGEST_MS)
        return self.at if self.changed else self.at + int(wait)


def name_of(rollout: int, tries: int) -> str:
    """What a box is told as the rollout's name at a try, counted from 1."""
    return str(rollout) if tries == 1 else f"{rollout}.{tries}"


def number_of(name: str) -> str:
    """The rollout's number in such a name."""
    return name.partition(".")[0]


def keep(connection: Connection, box: str, sha256: str, at: int) -> None:
    """It has just declined."""
    mine = (_declined.c.box == box) & (_declined.c.sha256 == sha256)
    times = connection.scalar(select(_declined.c.times).where(mine)) or 0
    values = {"times": times + 1, "at": at, "as_it_was": _present(connection, (box,)).get(box, "")}
    if times:
        connection.execute(_declined.update().where(mine).values(values))
    else:
        connection.execute(_declined.insert().values(box=box, sha256=sha256, **values))


def declines(connection: Connection) -> dict[str, dict[str, Declined]]:
    """By box and sha256."""
    rows = connection.execute(select(_declined)).all()
    present = _present(connection, {row.box for row in rows})
    found: dict[str, dict[str, Declined]] = {}
    for row in rows:
        said = Declined(row.times, row.at, present.get(row.box, "") != row.as_it_was)
        found.setdefault(row.box, {})[row.sha256] = said
    return found


def _present(connection: Connection, boxes: Collection[str]) -> dict[str, str]:
    """What boxes are now, as far as it may decide whether a release is for them: program, start, groups."""
    box, group = schema.box, tables.group
    groups: dict[str, list[str]] = {}
    if boxes:
        for row in connection.execute(select(group).where(group.c.box.in_(boxes)).order_by(group.c.name)):
            groups.setdefault(row.box, []).append(row.name)
    rows = connection.execute(select(box.c.name, box.c.agent, box.c.boot).where(box.c.name.in_(boxes)))
    return {row.name: json.dumps([row.agent, row.boot, groups.get(row.name, [])]) for row in rows}
