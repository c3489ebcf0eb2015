"""Releases of signed content and slots as rows. A step is one UPDATE with the old state in its WHERE.

Which steps there are is in :mod:`edge.content.machine`; nothing else writes here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, Row, func, select

from cloud_sync.wire.words import ContentState
from edge.content.chosen import Chosen, Held, Slot
from edge.store.schema import content_fault, content_release, content_slot, content_step, meta

ON_ITS_WAY = (
    ContentState.ASSIGNED, ContentState.STAGED, ContentState.VERIFIED, ContentState.TESTED, ContentState.SHADOW,
)  # fmt: skip
"""Not active yet."""
_OWN = "content."
_RELEASE = content_release


@dataclass(frozen=True, slots=True)
class Release:
    """One attempt at one release. Times are UTC milliseconds."""

    id: int
    name: str
    version: int
    path: str
    sha256: str
    length: int
    rollout: str
    shadow_images: int
    probation_images: int
    probation_s: int
    state: ContentState
    assigned_at: int
    changed_at: int
    active_at: int | None
    release: int | None
    """The signed counter, once it is verified."""
    about: str | None
    """What the package says of itself (:class:`edge.content.about.About`), in JSON."""
    tries: int
    """How often it could not be fetched or believed."""
    from_verdict: int | None
    watched_ms: int
    report: str | None
    error_code: str
    error_detail: str
    rollback_code: str
    rollback_detail: str

    @property
    def held(self) -> Held:
        return Held(self.name, self.version, self.sha256, self.length, self.active_at)


@dataclass(frozen=True, slots=True)
class SlotRow:
    """One name: which releases stand in it."""

    name: str
    active: Release | None
    previous: Release | None
    highest: int
    changed_at: int


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a release's history."""

    release_id: int
    state: str
    code: str
    detail: str
    at: int


@dataclass(frozen=True, slots=True)
class Notices:
    """What pages warn of."""

    stale: str
    """Code of why nothing new can be activated; empty: all is well."""
    clock_ms: int
    """How far the clock of the box is off, by signed times or by the centre; 0: not worth a word."""


def notices(connection: Connection) -> Notices:
    """As the keeper last noted them."""
    return Notices(told(connection, "stale") or "", int(told(connection, "clock_ms") or 0))


def releases(connection: Connection, states: Collection[ContentState] | None = None) -> tuple[Release, ...]:
    """All of them, or those in these states, oldest first."""
    query = select(_RELEASE).order_by(_RELEASE.c.id)
    if states is not None:
        query = query.where(_RELEASE.c.state.in_([state.value for state in states]))
    return tuple(map(_release, connection.execute(query)))


def release(connection: Connection, release_id: int) -> Release:
    """One of them. Raises KeyError."""
    row = connection.execute(select(_RELEASE).where(_RELEASE.c.id == release_id)).first()
    if row is None:
        raise KeyError(release_id)
    return _release(row)


def history(connection: Connection, name: str | None = None, most: int = 200) -> tuple[tuple[Release, Step], ...]:
    """What became of releases, newest first."""
    query = (
        select(content_step)
        .join(_RELEASE, _RELEASE.c.id == content_step.c.release_id)
        .order_by(content_step.c.id.desc())
        .limit(most)
    )
    if name is not None:
        query = query.where(_RELEASE.c.name == name)
    by_id = {one.id: one for one in releases(connection)}
    return tuple(
        (by_id[row.release_id], Step(row.release_id, row.state, row.code, row.detail, row.at))
        for row in connection.execute(query)
    )


def slots(connection: Connection) -> tuple[SlotRow, ...]:
    """Every name that ever had a release, by name."""
    by_id = {one.id: one for one in releases(connection)}
    return tuple(
        SlotRow(row.name, by_id.get(row.active), by_id.get(row.previous), row.highest, row.changed_at)
        for row in connection.execute(select(content_slot).order_by(content_slot.c.name))
    )


def slot(connection: Connection, name: str) -> SlotRow:
    """The slot of a name; an empty one where there is none."""
    return next((one for one in slots(connection) if one.name == name), SlotRow(name, None, None, 0, 0))


def kept(connection: Connection) -> frozenset[str]:
    """Hashes of the packages that are on their way, in a slot, or ready behind one."""
    in_slots = (one for row in slots(connection) for one in (row.active, row.previous) if one is not None)
    return frozenset(one.sha256 for one in (*in_slots, *releases(connection, ON_ITS_WAY)))


def chosen(connection: Connection, base: Chosen) -> Chosen:
    """``base`` with the slots and trials of the database."""
    rows = slots(connection)
    found = tuple(
        Slot(
            row.name,
            row.active.held if row.active else None,
            row.previous.held if row.previous else None,
            proven=row.active is None or row.active.state is not ContentState.PROBATION,
        )
        for row in rows
        if row.active or row.previous
    )
    trial = tuple(one.held for one in releases(connection, (ContentState.SHADOW,)))
    return Chosen(base.folder, found, trial, base.overrides)


def assign(connection: Connection, wanted: dict[str, object], now: int) -> int:
    """A new attempt; return its id."""
    row = {**wanted, "state": ContentState.ASSIGNED.value, "assigned_at": now, "changed_at": now}
    made = int(connection.execute(_RELEASE.insert().values(row).returning(_RELEASE.c.id)).scalar_one())
    _note(connection, made, ContentState.ASSIGNED, "", "", now)
    return made


def move(
    connection: Connection, release_id: int, old: ContentState, new: ContentState, now: int, **columns: object
) -> bool:
    """The one UPDATE of a step, and its line in the history. False: the release is not in ``old``."""
    change = _RELEASE.update().where(_RELEASE.c.id == release_id, _RELEASE.c.state == old.value)
    if connection.execute(change.values(state=new.value, changed_at=now, **columns)).rowcount != 1:
        return False
    code, detail = str(columns.get("error_code", "")), str(columns.get("error_detail", ""))
    if "rollback_code" in columns:
        code, detail = str(columns["rollback_code"]), str(columns.get("rollback_detail", ""))
    _note(connection, release_id, new, code, detail, now)
    return True


def change(connection: Connection, release_id: int, **columns: object) -> None:
    """Set columns that are no step."""
    connection.execute(_RELEASE.update().where(_RELEASE.c.id == release_id).values(**columns))


def fill(
    connection: Connection, name: str, active: int | None, previous: int | None, highest: int, now: int
) -> None:
    """Put releases into a slot."""
    values = {"active": active, "previous": previous, "highest": highest, "changed_at": now}
    changed = connection.execute(content_slot.update().where(content_slot.c.name == name).values(**values))
    if changed.rowcount == 0:
        connection.execute(content_slot.insert().values(name=name, **values))


def fault(connection: Connection, release_id: int, kind: str, now: int) -> None:
    """Something went wrong under a release that is watched."""
    connection.execute(content_fault.insert().values(release_id=release_id, kind=kind, at=now))


def faults(connection: Connection, release_id: int, kind: str, since: int = 0) -> int:
    """How often, since a time."""
    of_kind = content_fault.c.release_id == release_id, content_fault.c.kind == kind, content_fault.c.at >= since
    return connection.scalar(select(func.count()).where(*of_kind)) or 0


def told(connection: Connection, key: str) -> str | None:
    """A word that this room keeps."""
    found: str | None = connection.scalar(select(meta.c.value).where(meta.c.key == _OWN + key))
    return found


def keep(connection: Connection, key: str, value: str) -> None:
    """Keep a word."""
    changed = connection.execute(meta.update().where(meta.c.key == _OWN + key).values(value=value))
    if changed.rowcount == 0:
        connection.execute(meta.insert().values(key=_OWN + key, value=value))


def _note(connection: Connection, release_id: int, state: ContentState, code: str, detail: str, now: int) -> None:
    row = {"release_id": release_id, "state": state.value, "code": code, "detail": detail, "at": now}
    connection.execute(content_step.insert().values(row))


def _release(row: Row[tuple[object, ...]]) -> Release:
    return Release(**{**row._mapping, "state": ContentState(row.state)})
