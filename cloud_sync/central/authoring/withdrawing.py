"""Taking a release out of force: one person signs that it is listed no more, another one publishes that.

Both open their own key by a passphrase that is used once and kept nowhere, as for a release (``release.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, select
from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by its documents, not for mypy
    Metadata,
    Targets,
)

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central import accounts
from cloud_sync.central.authoring.drafts import said
from cloud_sync.central.authoring.terms import By
from cloud_sync.central.database import Database
from cloud_sync.central.rollout import tables
from cloud_sync.central.rollout.rows import present
from cloud_sync.central.signing import keys, online
from cloud_sync.central.signing.composing import AREAS, MADE, REASON, role_of
from cloud_sync.central.signing.history import releases
from cloud_sync.central.signing.proposals import Proposal
from cloud_sync.central.signing.repository import Repository
from cloud_sync.central.signing.settings import PublishingSettings
from cloud_sync.updates.chain import signed_list
from cloud_sync.updates.listing import area_of
from cloud_sync.updates.terms import Target
from cloud_sync.wire.words import ContentState
from models.content import factory


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A proposal that takes one release away and changes nothing else. ``at``: UTC milliseconds."""

    id: str
    target: Target
    author: str
    at: int
    reason: str
    signed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fall:
    """What judges on some boxes once a release is gone: another release, what ``shipped``, or nothing of this name
    (``version`` 0)."""

    version: int
    shipped: bool
    boxes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdrawer:
    """What it needs: the database for the audit, the repository, and where keys lie."""

    database: Database
    repository: Repository
    settings: PublishingSettings

    def listed(self, path: str) -> Target | None:
        """The release at a path, if boxes may run it now."""
        return next((one for one in self._listed() if one.path == path), None)

    def waiting(self) -> list[Withdrawal]:
        """Those that one person has signed."""
        found = (withdrawal_of(one) for one in self.repository.proposals())
        return [one for one in found if one is not None]

    def propose(self, path: str, reason: str, passphrase: str, by: By) -> str:
        """The first person signs; the proposal's id.

        Raises:
            Misuse: no word was said why, it is not listed or somebody has proposed it already, the passphrase is
                wrong, or the account has no key for its area.
        """
        words, area = said(reason)[:500], area_of(path)
        if area is None or self.listed(path) is None:
            raise _refused(
                "withdraw.not_listed", "这个版本不在清单中", "This release is not listed",
                "可能已被撤回；查看签名页", "It may be withdrawn already; look at the page Signing",
            )  # fmt: skip
        if any(one.target.path == path for one in self.waiting()):
            raise _refused(
                "withdraw.waits", "已有人提议撤回它", "Somebody has proposed to withdraw it",
                "由另一位成员在签名页批准", "Another member approves that on the page Signing",
            )  # fmt: skip
        signer = keys.load_own(self.settings.keys, by.account, "content", passphrase)
        proposal = self.repository.propose(area, remove=[path], author=signer, reason=words)
        self._note(f"withdraw.proposed {path}: {words}", by)
        return proposal.id

    def approve(self, id: str, passphrase: str, by: By) -> Target:
        """A second person signs exactly this proposal; boxes may not run the release from then on.

        Raises:
            Misuse: it is gone, this person made it, the passphrase is wrong, or another change of the area came
                first.
        """
        found = self.one(id)
        if by.account == found.author:
            raise _refused(
                "withdraw.same_person", "提议撤回的人不能批准撤回", "Who proposed it does not approve it",
                "请另一位成员批准", "Ask another member of the group",
            )  # fmt: skip
        proposal, centre = self.repository.proposal(id), online.open_online(self.settings)
        if by.account not in found.signed:
            signer = keys.load_own(self.settings.keys, by.account, "content", passphrase)
            proposal = self.repository.countersign(proposal, signer)
        self.repository.publish(proposal, centre)
        self._note(f"withdraw.approved {found.target.path}", by)
        return found.target

    def drop(self, id: str, why: str, by: By) -> None:
        """It stays in force. Raises Misuse: the proposal is gone, or no word was said why."""
        words, found = said(why), self.one(id)
        self.repository.drop(id)
        self._note(f"withdraw.dropped {found.target.path}: {words}", by)

    def one(self, id: str) -> Withdrawal:
        """A withdrawal that waits. Raises Misuse."""
        found = withdrawal_of(self.repository.proposal(id))
        if found is None:
            raise _refused(
                "withdraw.other", "该提议不只是撤回一个版本", "This proposal does more than withdraw one release",
                "规则草稿在其页面批准；其他提议用命令签署",
                "A draft is approved on its own page; other proposals are signed by command",
            )  # fmt: skip
        return found

    def falls(self, connection: Connection, target: Target) -> tuple[Fall, ...]:
        """What the boxes that run a release come to without it, by what they have said; most boxes first."""
        listed = {one.sha256 for one in self._listed()} - {target.sha256}
        shipped = ships().get(target.name, 0)
        found: dict[tuple[int, bool], list[str]] = {}
        runs = tables.content_runs
        query = select(runs.c.box).where(runs.c.sha256 == target.sha256).order_by(runs.c.box)
        for box in connection.scalars(query).all():
            before = _before(connection, box, target, listed)
            found.setdefault((before or shipped, not before), []).append(box)
        return tuple(Fall(*to, tuple(boxes)) for to, boxes in sorted(found.items(), key=lambda one: -len(one[1])))

    def _listed(self) -> tuple[Target, ...]:
        try:
            return self.repository.listed()
        except Misuse:
            return ()  # there is no repository yet

    def _note(self, what: str, by: By) -> None:
        action, _, subject = what.partition(" ")
        with self.database.write() as connection:
            accounts.note(connection, by.now, by.account, action, subject)


def withdrawal_of(proposal: Proposal) -> Withdrawal | None:
    """A proposal read as a withdrawal; None: it is another change."""
    if proposal.role not in map(role_of, AREAS) or proposal.role not in proposal.before:
        return None
    signed = proposal.metadata(proposal.role).signed
    before = set(releases(Metadata[Targets].from_bytes(proposal.before[proposal.role]).signed))
    after = set(releases(signed))
    if after - before or len(before - after) != 1:
        return None
    fields, [gone] = signed.unrecognized_fields, before - after
    return Withdrawal(
        proposal.id, gone, proposal.author, int(fields.get(MADE, 0)), str(fields.get(REASON, "")),
        proposal.needs()[0].signed,
    )  # fmt: skip


@cache
def ships() -> Mapping[str, int]:
    """Version of everything that ships with the program, by name."""
    return {one.name: one.version for one in signed_list(*factory.metadata())}


def _before(connection: Connection, box: str, target: Target, listed: Collection[str]) -> int:
    """Version that judged on the box before; 0: none did, or it is not listed any more."""
    state = tables.content_state
    query = (
        select(state.c.version, state.c.sha256)
        .outerjoin(tables.born, tables.born.c.box == state.c.box)
        .where(state.c.box == box, state.c.name == target.name, state.c.state == ContentState.SUPERSEDED)
        .where(present(state))
        .order_by(state.c.active_at.desc())
        .limit(1)
    )
    row = connection.execute(query).first()
    return int(row.version) if row is not None and row.sha256 in listed else 0


def _refused(code: str, zh: str, en: str, hint_zh: str, hint_en: str) -> Misuse:
    return Misuse(code, Bilingual(zh, en), Bilingual(hint_zh, hint_en))
