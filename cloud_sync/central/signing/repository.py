"""Repository: what the QC group signed and boxes may run. Two persons for every change; the timestamp goes last.

``propose`` (its author signs) or ``found``, ``rotate``, ``appoint`` (nobody has signed yet); then ``sign`` or
``countersign``; then ``publish``. Times are UTC milliseconds.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by its documents, not for mypy
    Metadata,
    Targets,
)

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.signing import composing, proposals, publishing
from cloud_sync.central.signing.composing import AREAS, Change, Founders, role_of
from cloud_sync.central.signing.history import Publication, publications, release_of, releases
from cloud_sync.central.signing.keys import Signer
from cloud_sync.central.signing.proposals import Proposal
from cloud_sync.central.signing.store import Store
from cloud_sync.updates.disk import write_whole
from cloud_sync.updates.terms import Area, Target
from models.content.package import open_package


@dataclass(frozen=True, slots=True)
class Addition:
    """A package that shall be published. Its manifest says all but for whom."""

    content: bytes
    """The zip."""
    groups: tuple[str, ...] = ()
    """Of hospitals; empty: all. The modalities are the manifest's."""


class Repository:
    """The repository in a folder. Safe from several threads and processes."""

    def __init__(
        self,
        folder: Path,
        wall: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        at: Callable[[str], None] = lambda step: None,
    ) -> None:
        """``at`` is called at the crash points of a publication, ``repository.<step>``."""
        self.store, self._wall = Store(folder, at), wall
        self._waiting = folder / "proposals"

    # What is in force

    def root_bytes(self) -> bytes:
        """The root in force: what a box is given once, at its enrolment. Raises Misuse ``repository.none``."""
        return self.store.raw("root", self.store.root_version())

    def listed(self, area: Area | None = None) -> tuple[Target, ...]:
        """Every release that boxes may run, of one area or of all. Raises Misuse ``repository.none``."""
        areas = (self.store.area(role_of(one)) for one in self.areas() if area in (None, one))
        return tuple(target for one in areas if one is not None for target in releases(one.signed))

    def content(self, target: Target) -> bytes:
        """The package of a published release. Raises OSError."""
        return self.store.content_file(target).read_bytes()

    def areas(self) -> tuple[Area, ...]:
        """Those for which somebody signs."""
        delegations = self.store.targets().signed.delegations
        return tuple(area for area in AREAS if delegations and role_of(area) in (delegations.roles or {}))

    def history(self, area: Area) -> tuple[Publication, ...]:
        """Every publication of an area, oldest first. Raises Misuse ``repository.none``."""
        return tuple(publications(self.store, area))

    # What shall come

    def found(self, founders: Founders) -> Proposal:
        """The first root and targets, unsigned. Raises Misuse ``repository.exists``, ``repository.people``."""
        if self.store.founded:
            raise Misuse(
                "repository.exists",
                Bilingual("这里已有签名仓库", "There is a repository already"),
                Bilingual("更换签名人请用 repository rotate", "To change who signs, use repository rotate"),
            )
        root, targets = composing.first(founders, self._wall())
        parts = {"root": Metadata(root).to_bytes(), "targets": Metadata(targets).to_bytes()}
        return self._begin(Proposal("root", parts, {}))

    def rotate(self, change: Change) -> Proposal:
        """The next root with other keys of root, targets and online, unsigned. Without a change it is a renewal.
        Where the people who signed the targets no longer suffice, those who came sign them too.

        Raises:
            Misuse: ``repository.people``, ``repository.no_such_key``, ``repository.none``.
        """
        root = composing.next_root(self.store.root().signed, change, self._wall())
        parts, targets = {"root": Metadata(root).to_bytes()}, self.store.targets()
        if not composing.holds(root, "targets", targets):
            parts["targets"] = Metadata(composing.again(targets.signed, self._wall())).to_bytes()
        return self._begin(Proposal("root", parts, self._before()))

    def appoint(self, changes: Mapping[Area, Change], close: Iterable[Area] = ()) -> Proposal:
        """The next targets with other people in areas, unsigned; a closed area's releases are all withdrawn.

        Raises:
            Misuse: ``repository.people``, ``repository.no_such_key``, ``repository.area``, ``repository.none``.
        """
        before = self._before()
        targets = composing.next_targets(self.store.targets().signed, changes, close, self._wall())
        roles = (targets.delegations.roles or {}) if targets.delegations else {}
        lists = {role: self._list(role) for role in roles if self._wanted(targets, role)}
        return self._begin(Proposal("targets", {**lists, "targets": Metadata(targets).to_bytes()}, before))

    def propose(
        self, area: Area, add: Sequence[Addition] = (), remove: Sequence[str] = (), *, author: Signer,
        reason: str = "",
    ) -> Proposal:  # fmt: skip
        """The next version of an area, signed by its author. ``remove``: target paths to withdraw.

        Raises:
            Misuse: ``repository.area``, ``repository.not_listed``, ``repository.version_taken``,
                ``repository.not_a_signer``, ``content.*``: a package is not in order.
        """
        if area not in self.areas():
            raise composing.no_area(area)
        opened = [(one, open_package(one.content)) for one in add]
        new = [release_of(self.store, area, package, one.groups) for one, package in opened]
        role, before = role_of(area), self.store.area(role_of(area))
        signed = composing.next_area(
            before.signed if before else None, new, remove, author.card.owner, reason, self._wall()
        )
        in_force = {role: before.to_bytes()} if before else {}
        proposal = Proposal(role, {role: Metadata(signed).to_bytes()}, self._before() | in_force).signed_by(author)
        return self._begin(proposal, {package.sha256: one.content for one, package in opened})

    def proposals(self) -> tuple[Proposal, ...]:
        """All that wait, by id."""
        found = []
        for path in sorted(self._waiting.glob("*.json")):
            with suppress(FileNotFoundError):  # published or dropped by another just now
                found.append(proposals.parse(path.read_bytes()))
        return tuple(found)

    def proposal(self, id: str) -> Proposal:
        """Raises Misuse ``repository.no_proposal``."""
        found = next((one for one in self.proposals() if one.id == id), None)
        if found is None:
            raise Misuse(
                "repository.no_proposal",
                Bilingual(
                    f"没有提议 {id}，可能已发布或撤销", f"No proposal {id} waits; it may be published or dropped"
                ),
                Bilingual(
                    "qcbox-central repository show 列出待签提议",
                    "qcbox-central repository show lists those that wait",
                ),
            )
        return found

    def sign(self, id: str, signer: Signer) -> Proposal:
        """One more signature, kept at once. Raises Misuse as :meth:`Proposal.signed_by`."""
        with self.store.writing():
            return self._keep(self.proposal(id).signed_by(signer))

    def countersign(self, proposal: Proposal, signer: Signer) -> Proposal:
        """The approver's signature, on exactly the proposal that was looked at. Raises Misuse as :meth:`sign`."""
        return self.sign(proposal.id, signer)

    def merge(self, copy: Proposal) -> Proposal:
        """Take over the signatures that a copy came back with. Raises Misuse."""
        with self.store.writing():
            return self._keep(self.proposal(copy.id).merged(copy))

    def drop(self, id: str) -> None:
        """Forget a proposal that was not published."""
        with self.store.writing():
            self._forget(self.proposal(id))

    def publish(self, proposal: Proposal, online: Signer) -> None:
        """Put a complete proposal in force. Cut off anywhere, the old or the new stands; do it again.

        Raises:
            Misuse: ``repository.no_proposal``, ``repository.stale``, ``repository.incomplete``,
                ``repository.online_key``, ``repository.content_lost``.
        """
        with self.store.writing():
            now, founding = self._wall(), not self.store.founded
            waiting = self.proposal(proposal.id)
            kept = waiting if founding else replace(waiting, before=self._before())
            if not self._in_force(kept):
                publishing.check(self.store, kept, online)
                if founding:
                    publishing.found(self.store, kept, online, now)
                elif kept.role == "root":
                    publishing.new_root(self.store, kept, online, now)
                else:
                    self._put_contents(kept)
                    publishing.new_version(self.store, kept, online, now)
            self._forget(kept)

    def due(self, every_ms: int = publishing.DAY_MS) -> bool:
        """Whether :meth:`refresh` would sign anything; False where there is no repository yet."""
        return self.store.founded and any(publishing.due(self.store, self._wall(), every_ms))

    def refresh(self, online: Signer, every_ms: int = publishing.DAY_MS) -> bool:
        """Sign the timestamp anew when it is older than ``every_ms``, and the snapshot before it ends.

        Returns:
            Whether anything was signed.

        Raises:
            Misuse: ``repository.none``, ``repository.online_key``.
        """
        with self.store.writing():
            return publishing.refresh(self.store, online, self._wall(), every_ms)

    def _in_force(self, proposal: Proposal) -> bool:
        """It was published, and only its file is left: the power went at the very end."""
        if not self.store.founded:
            return False
        for part in proposal.parts:
            new = proposal.metadata(part)
            in_force = self.store.root_version() if part == "root" else self.store.version(part)
            if in_force != new.signed.version or (
                self.store.metadata(part, in_force).signed_bytes != new.signed_bytes
            ):
                return False
        return True

    def _put_contents(self, proposal: Proposal) -> None:
        if proposal.role == "targets":
            return
        for target in releases(proposal.metadata(proposal.role).signed):
            if not self.store.content_file(target).is_file():
                content = self._waiting_content(target)
                self.store.put_content(target, content)

    def _waiting_content(self, target: Target) -> bytes:
        path = self._waiting / f"{target.sha256}.zip"
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != target.sha256:
            raise Misuse(
                "repository.content_lost",
                Bilingual(
                    f"{target.path} 的内容丢失或被改动", f"The content of {target.path} is lost or was changed"
                ),
                Bilingual("撤销该提议并重新提议", "Drop the proposal and propose it again"),
            )
        return content

    def _forget(self, proposal: Proposal) -> None:
        """Its file first; packages that no other proposal names go with it."""
        (self._waiting / f"{proposal.id}.json").unlink(missing_ok=True)
        named = {
            target.sha256
            for one in self.proposals()
            if one.role not in ("root", "targets")
            for target in releases(one.metadata(one.role).signed)
        }
        for path in self._waiting.glob("*.zip"):
            if path.stem not in named:
                path.unlink(missing_ok=True)

    def _wanted(self, targets: Targets, role: str) -> bool:
        """Whether an area's people have to sign its list when these targets come: their keys are new, or the area
        was closed. One that has published nothing has no list."""
        area = self.store.area(role)
        opens = role not in map(role_of, self.areas())
        return area is not None and (opens or not composing.holds(targets, role, area))

    def _list(self, role: str) -> bytes:
        """What they sign: the list in force once more; an empty one where the area was closed, so that what was
        withdrawn with it does not come back."""
        before = self.store.metadata(role, self.store.version(role)).signed
        gone = () if role in map(role_of, self.areas()) else tuple(before.targets)
        return Metadata(composing.next_area(before, (), gone, "", "", self._wall())).to_bytes()

    def _before(self) -> dict[str, bytes]:
        return {"root": self.root_bytes(), "targets": self.store.raw("targets", self.store.version("targets"))}

    def _begin(self, proposal: Proposal, contents: Mapping[str, bytes] = MappingProxyType({})) -> Proposal:
        """Keep a new proposal; the packages that it names first."""
        with self.store.writing():
            for sha256, content in contents.items():
                write_whole(self._waiting / f"{sha256}.zip", content)
            return self._keep(proposal)

    def _keep(self, proposal: Proposal) -> Proposal:
        write_whole(self._waiting / f"{proposal.id}.json", proposal.dump())
        return proposal
