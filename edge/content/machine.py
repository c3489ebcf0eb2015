"""The table of states of signed content, and the only way to move a release (fleet-sync.md 8).

    assigned -> staged -> verified -> tested [-> shadow] -> probation -> committed -> superseded
       |          |          |          |         |             |           |  ^          |
       +-> rejected, failed_verify, failed_selftest, cancelled  +-> rolled_back <---------+ |
                                                                            +---------------+ (rolled back to)

A step is one transaction: the row, the slot, the line in the history and the event for the centre; or none of it.
Every method takes the connection of the caller's transaction, and may be called again after a crash.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from capture.errors import Bug
from capture.text import Bilingual
from cloud_sync.wire.control import Desired, Wanted
from cloud_sync.wire.messages import KbStateData, KbStateEvent
from cloud_sync.wire.words import ContentState
from edge.pipeline.report import Reporter
from edge.store import content
from edge.store.content import ON_ITS_WAY, Release
from edge.store.outbox import Outbox

log = structlog.get_logger()
KB_STATE = "qc.kb_state.v1"
_S = ContentState
_GIVEN_UP = frozenset({_S.REJECTED, _S.FAILED_VERIFY, _S.CANCELLED})
MOVES: dict[ContentState, frozenset[ContentState]] = {
    _S.ASSIGNED: frozenset({_S.STAGED}) | _GIVEN_UP,
    _S.STAGED: frozenset({_S.VERIFIED}) | _GIVEN_UP,
    _S.VERIFIED: frozenset({_S.TESTED, _S.FAILED_SELFTEST}) | _GIVEN_UP,
    _S.TESTED: frozenset({_S.SHADOW, _S.PROBATION}) | _GIVEN_UP,
    _S.SHADOW: frozenset({_S.PROBATION, _S.ROLLED_BACK}) | _GIVEN_UP,
    _S.PROBATION: frozenset({_S.COMMITTED, _S.ROLLED_BACK, _S.SUPERSEDED}),
    _S.COMMITTED: frozenset({_S.SUPERSEDED, _S.ROLLED_BACK}),
    _S.SUPERSEDED: frozenset({_S.COMMITTED}),
    _S.CANCELLED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.FAILED_VERIFY: frozenset(),
    _S.FAILED_SELFTEST: frozenset(),
    _S.ROLLED_BACK: frozenset(),
}
_LONGEST = 250
"""Characters of an error's detail: the wire clips them at 256."""


class Machine:
    """Moves releases. Holds no state of its own."""

    def __init__(self, outbox: Outbox, reporter: Reporter, at: Callable[[str], None] = lambda step: None) -> None:
        """``at`` is the tests' crash hook: ``content.<state>`` in the middle of the step into that state."""
        self._outbox, self._reporter, self._at = outbox, reporter, at

    def desire(self, connection: Connection, desired: Desired, now: int) -> bool:
        """What the centre wants now: new releases are assigned, those no longer wanted given up.

        False: it is older than what was heard already, or says nothing new.
        """
        known = content.told(connection, "rev")
        if known is not None and desired.rev <= int(known):
            return False
        content.keep(connection, "rev", str(desired.rev))
        content.keep(connection, "groups", "\n".join(desired.groups))
        wanted = {one.name: one for one in desired.kb}
        for one in content.releases(connection, ON_ITS_WAY):
            found = wanted.get(one.name)
            if found is None or not _same(one, found):
                self.move(connection, one, _S.CANCELLED, now)
        for found in wanted.values():
            self.assign(connection, found, now)
        return True

    def assign(self, connection: Connection, wanted: Wanted, now: int) -> bool:
        """A release to look for, unless it runs, is on its way, or was tried in this rollout. One that was only
        given up is no try: a rollout that was paused goes on."""
        if self._is_known(connection, wanted):
            return False
        for one in content.releases(connection, ON_ITS_WAY):
            if one.name == wanted.name:
                self.move(connection, one, _S.CANCELLED, now)
        self._assign(connection, wanted, now)
        return True

    def again(self, connection: Connection, release: Release, now: int) -> None:
        """Its bytes were lost or spoilt on this box: it goes its way once more."""
        on_its_way = content.releases(connection, ON_ITS_WAY)
        if all(one.name != release.name for one in on_its_way):
            self._assign(connection, release, now)

    def move(
        self, connection: Connection, release: Release, new: ContentState, now: int, /, **columns: object
    ) -> Release:
        """One step that changes no slot.

        Raises:
            Bug: the step is not in the table, or the release has moved meanwhile.
        """
        if new not in MOVES[release.state]:
            raise _bug("content.move", f"{release.state} -> {new}")
        columns = {
            name: str(value)[:_LONGEST] if name.endswith("_detail") else value for name, value in columns.items()
        }
        if not content.move(connection, release.id, release.state, new, now, **columns):
            raise _bug("content.state", release.state)
        moved = content.release(connection, release.id)
        self._tell(connection, moved, now)
        self._at(f"content.{new.value}")
        return moved

    def trouble(
        self, connection: Connection, release: Release, tries: int, code: str, detail: str, now: int
    ) -> None:
        """It cannot go on just now; told once for each reason. ``tries``: how often it came not as signed."""
        content.change(connection, release.id, tries=tries, error_code=code, error_detail=detail[:_LONGEST])
        if code != release.error_code:
            self._tell(connection, content.release(connection, release.id), now)

    def activate(self, connection: Connection, release: Release, as_of: int, from_verdict: int, now: int) -> None:
        """It judges from now on; what judged before stands ready behind it."""
        slot = content.slot(connection, release.name)
        previous = slot.active
        if previous is not None and previous.state is _S.PROBATION:
            # It never proved itself: nothing falls back to it.
            self.move(connection, previous, _S.SUPERSEDED, now)
            previous = slot.previous
        highest = max(slot.highest, release.release or 0)
        content.fill(connection, release.name, release.id, previous.id if previous else None, highest, now)
        self.move(
            connection, release, _S.PROBATION, now,
            active_at=as_of, from_verdict=from_verdict, watched_ms=0, error_code="", error_detail="",
        )  # fmt: skip

    def commit(self, connection: Connection, release: Release, now: int, **columns: object) -> None:
        """It has proved itself."""
        previous = content.slot(connection, release.name).previous
        self.move(connection, release, _S.COMMITTED, now, **columns)
        if previous is not None and previous.state is _S.COMMITTED:
            self.move(connection, previous, _S.SUPERSEDED, now)

    def roll_back(self, connection: Connection, release: Release, code: str, detail: str, now: int) -> None:
        """Take back what is active or in shadow; the previous one judges again, else what shipped."""
        slot = content.slot(connection, release.name)
        if slot.active is not None and slot.active.id == release.id:
            previous = slot.previous
            content.fill(connection, release.name, previous.id if previous else None, None, slot.highest, now)
            if previous is not None and previous.state is _S.SUPERSEDED:
                self.move(connection, previous, _S.COMMITTED, now)
        self.move(connection, release, _S.ROLLED_BACK, now, error_code=code, error_detail=detail)

    def fall(self, connection: Connection, release: Release, code: str, detail: str, now: int) -> None:
        """What stands in a slot cannot be run: it is rolled back. One that had been rolled back to it gets this as
        its second error."""
        self.roll_back(connection, release, code, detail, now)
        # Whatever stood before a release was assigned before it.
        later = [
            one
            for one in content.releases(connection, (_S.ROLLED_BACK,))
            if one.name == release.name and one.id > release.id
        ]
        if later:
            last = later[-1]
            content.change(connection, last.id, rollback_code=code, rollback_detail=detail[:_LONGEST])
            self._tell(connection, content.release(connection, last.id), now)

    def _assign(self, connection: Connection, wanted: Wanted | Release, now: int) -> None:
        row: dict[str, object] = {
            "name": wanted.name, "version": wanted.version, "path": wanted.path, "sha256": wanted.sha256,
            "length": wanted.length, "rollout": wanted.rollout, "shadow_images": wanted.shadow_images,
            "probation_images": wanted.probation_images, "probation_s": wanted.probation_s,
        }  # fmt: skip
        self._tell(connection, content.release(connection, content.assign(connection, row, now)), now)
        self._at("content.assigned")

    @staticmethod
    def _is_known(connection: Connection, wanted: Wanted) -> bool:
        """On its way, running, or tried before in the same rollout."""
        return any(
            _same(one, wanted)
            and (one.state in (*ON_ITS_WAY, _S.PROBATION, _S.COMMITTED) or one.rollout == wanted.rollout)
            and one.state is not _S.CANCELLED
            for one in content.releases(connection)
            if one.name == wanted.name
        )

    def _tell(self, connection: Connection, release: Release, now: int) -> None:
        log.info(
            "content.step", content=release.name, version=release.version, state=release.state.value,
            code=release.rollback_code or release.error_code,
        )  # fmt: skip
        active = content.slot(connection, release.name).active
        said = KbStateData(
            name=release.name, version=release.version, sha256=release.sha256, rollout=release.rollout,
            state=release.state, error_code=release.error_code, error_detail=release.error_detail,
            rollback_code=release.rollback_code, rollback_detail=release.rollback_detail,
            runs=active.sha256 if active else None, at=now,
        )  # fmt: skip
        self._outbox.add(
            connection,
            KB_STATE,
            lambda seq, event_id, stream: self._reporter.encode(KbStateEvent, said, seq, event_id, stream),
            None,
        )


def _same(release: Release, wanted: Wanted) -> bool:
    return (release.sha256, release.length, release.version) == (wanted.sha256, wanted.length, wanted.version)


def _bug(code: str, what: str) -> Bug:
    text = Bilingual(f"内容状态错误：{what}", f"A state of content is wrong: {what}")
    return Bug(code, text, Bilingual("请报告此问题", "Please report this"))
