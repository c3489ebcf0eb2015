"""From a sound draft to a release: the author's signature at submission, another person's at approval.

Both open their own encrypted key by a passphrase that is used once and kept nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.authoring import drafts
from cloud_sync.central.authoring.library import Library
from cloud_sync.central.authoring.terms import By, Draft
from cloud_sync.central.authoring.texts import PackText
from cloud_sync.central.database import Database
from cloud_sync.central.signing import keys, online
from cloud_sync.central.signing.repository import Addition, Repository
from cloud_sync.central.signing.settings import PublishingSettings
from cloud_sync.updates.terms import Kind, Target
from models.content.package import open_package, packed


@dataclass(frozen=True, slots=True)
class Publisher:
    """What signing needs: the database, the packs in force, the repository and where keys lie."""

    database: Database
    library: Library
    repository: Repository
    settings: PublishingSettings

    def submit(self, number: int, seen: int, note: str, passphrase: str, by: By) -> Draft:
        """The author signs the draft as it stands at the edit ``seen``.

        Raises:
            Misuse: it is not sound, its version is not above the one in force, the passphrase is wrong, the
                account has no key for this area, or somebody edited the draft meanwhile.
        """
        drafts.said(note)
        with self.database.read() as connection:
            draft = drafts.expect(connection, number, "editing")
        self._check(draft)
        raw = package_of(draft.text, draft.kind)
        package = open_package(raw)
        signer = keys.load_own(self.settings.keys, by.account, "content", passphrase)
        proposal = self.repository.propose(
            package.manifest.area, (Addition(raw),), author=signer, reason=note.strip()[:500]
        )
        try:
            with self.database.write() as connection:
                return drafts.submit(connection, number, seen, package.sha256, proposal.id, note, by)
        except Misuse:
            self.repository.drop(proposal.id)
            raise

    def approve(self, number: int, sha256: str, note: str, passphrase: str, by: By) -> Target:
        """A second person signs exactly the content with this hash; it is published then.

        Raises:
            Misuse: it is not what was submitted, this person wrote in it, the passphrase is wrong, or another
                release of the area came first.
        """
        with self.database.read() as connection:
            draft = drafts.expect(connection, number, "submitted")
        if by.account in {draft.submitted_by, *draft.edited_by}:
            raise _refused(
                "draft.same_person", "作者不能批准自己的草稿", "Who wrote in a draft does not approve it",
                "请另一位成员批准", "Ask another member of the group",
            )  # fmt: skip
        package = open_package(package_of(draft.text, draft.kind))
        if sha256 != draft.sha256 or package.sha256 != draft.sha256:
            raise _refused(
                "draft.changed", "内容与提交时不同", "The content is not what was submitted",
                "重新打开页面，查看后再批准", "Load the page again and look at it before approving",
            )  # fmt: skip
        target = self._publish(draft, passphrase, by)
        with self.database.write() as connection:
            drafts.published(connection, number, note, by)
        return target

    def send_back(self, number: int, why: str, by: By) -> Draft:
        """The author takes it back, or somebody else rejects it; the signature is dropped. Raises Misuse."""
        with self.database.write() as connection:
            draft = drafts.expect(connection, number, "submitted")
            mine = by.account in {draft.submitted_by, draft.author}
            after = drafts.send_back(connection, number, "taken_back" if mine else "rejected", why, by)
        if any(one.id == draft.proposal for one in self.repository.proposals()):
            self.repository.drop(draft.proposal)
        return after

    def next_version(self, name: str) -> int:
        """The version that a new release of this pack must have at least."""
        active = self.library.active().get(name)
        past = [one.target.version for one in self.library.past(name)]
        return 1 + max([*past, active.version if active else 0])

    def _publish(self, draft: Draft, passphrase: str, by: By) -> Target:
        listed = [one for one in self.repository.listed() if one.sha256 == draft.sha256]
        if listed:  # the power went between the publication and its row
            return listed[0]
        proposal, centre = self.repository.proposal(draft.proposal), online.open_online(self.settings)
        if by.account not in proposal.needs()[0].signed:
            signer = keys.load_own(self.settings.keys, by.account, "content", passphrase)
            proposal = self.repository.countersign(proposal, signer)
        self.repository.publish(proposal, centre)
        return next(one for one in self.repository.listed() if one.sha256 == draft.sha256)

    def _check(self, draft: Draft) -> None:
        if not self.library.check(draft.text).sound:
            raise _refused(
                "draft.unsound", "草稿还有错误或不成立的用例", "The draft has mistakes, or cases that do not hold",
                "改正后再提交", "Mend them and submit again",
            )  # fmt: skip
        least = self.next_version(draft.pack)
        if draft.text.version < least:
            raise _refused(
                "draft.version", f"版本号须不小于 {least}", f"Its version must be {least} or more",
                "在 pack.toml 中修改 version", "Change version in pack.toml",
            )  # fmt: skip


def package_of(text: PackText, kind: Kind) -> bytes:
    """The package of a pack's text: the same text, the same bytes. Raises Misuse."""
    return packed(text.name, {name: content.encode() for name, content in text.files.items()}, kind)


def _refused(code: str, zh: str, en: str, hint_zh: str, hint_en: str) -> Misuse:
    return Misuse(code, Bilingual(zh, en), Bilingual(hint_zh, hint_en))
