"""Proposal: the next version of a role, waiting for its signatures. It can travel to another machine as one file.

It is bound to exactly what it adds (hashes inside the signed bytes) and to being the version after the one in
force. A new root also carries the next version of the targets, and new targets those of the areas, where the
people who signed what is in force no longer suffice: when the new keys count, all is signed by them.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from tuf.api.exceptions import RepositoryError, UnsignedMetadataError
from tuf.api.metadata import (  # type: ignore[attr-defined]  # public by its documents, not for mypy
    Metadata,
    Root,
    Targets,
    VerificationResult,
)

from capture.errors import Misuse
from capture.text import Bilingual
from cloud_sync.central.signing.composing import AUTHOR, THRESHOLD, owner_of
from cloud_sync.central.signing.keys import Signer


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    format: Literal[1] = 1
    role: str
    parts: dict[str, str]
    before: dict[str, str]


@dataclass(frozen=True, slots=True)
class Need:
    """What one part still wants."""

    part: str
    threshold: int
    signed: tuple[str, ...]
    """Owners' names, as the signed metadata says."""
    may_sign: tuple[str, ...]
    """Who has not signed and may."""

    @property
    def missing(self) -> int:
        return max(0, self.threshold - len(self.signed))


@dataclass(frozen=True, slots=True)
class Proposal:
    """One file; equal bytes are equal proposals."""

    role: str
    """root, targets, or kb-<area>."""
    parts: Mapping[str, bytes]
    """Role to its metadata with the signatures so far. Beside ``role`` itself: what needs the
    signatures of new keys."""
    before: Mapping[str, bytes]
    """The root, the targets and the role itself in force when it was made: whose signatures count and what it
    changes, for a machine without the repository."""

    @property
    def id(self) -> str:
        """Names exactly what is signed, whoever has signed so far."""
        own = self.metadata(self.role)
        return f"{self.role}-{own.signed.version}-{hashlib.sha256(own.signed_bytes).hexdigest()[:16]}"

    @property
    def version(self) -> int:
        return int(self.metadata(self.role).signed.version)

    @property
    def author(self) -> str:
        """Account of who wrote it; "" of a root or targets."""
        return str(self.metadata(self.role).signed.unrecognized_fields.get(AUTHOR, ""))

    def metadata(self, part: str) -> Metadata[Any]:
        return Metadata.from_bytes(self.parts[part])

    def needs(self) -> tuple[Need, ...]:
        """Of every part and everybody who delegates to it, how far its signatures are."""
        return tuple(_need(part, found) for part, found in self._found())

    @property
    def complete(self) -> bool:
        return all(found.verified for _, found in self._found())

    def signed_by(self, signer: Signer) -> Proposal:
        """With one person's signature on every part that this key counts for.

        Raises:
            Misuse: ``repository.not_a_signer``; ``repository.same_person``: this person has signed it already;
                ``repository.signature``: the key made no valid signature.
        """
        keyid = signer.card.keyid
        parts, already = dict(self.parts), False
        for part, found in self._found():
            already |= keyid in found.signed
            if keyid not in found.unsigned:
                continue
            if owner_of(found.unsigned[keyid]) in map(owner_of, found.signed.values()):
                raise _same_person()
            parts[part] = _sign(parts[part], signer)
        if parts == self.parts:
            raise _same_person() if already else _not_a_signer(signer.card.name)
        signed = replace(self, parts=parts)
        if any(keyid in found.unsigned for _, found in signed._found()):
            raise _no_signature()
        return signed

    def merged(self, other: Proposal) -> Proposal:
        """With the signatures that a copy of it came back with; only those that count are taken.

        Raises:
            Misuse: ``repository.other_proposal``: it is not a copy of this one.
        """
        if (self.role, self.id) != (other.role, other.id) or self.parts.keys() != other.parts.keys():
            raise _other()
        parts = dict(self.parts)
        for part, found in replace(other, before=self.before)._found():
            mine, theirs = Metadata.from_bytes(parts[part]), other.metadata(part)
            if mine.signed_bytes != theirs.signed_bytes:
                raise _other()
            mine.signatures.update({keyid: theirs.signatures[keyid] for keyid in found.signed})
            parts[part] = mine.to_bytes()
        return replace(self, parts=parts)

    def dump(self) -> bytes:
        """As a file."""
        coded = [
            {name: base64.b64encode(one).decode() for name, one in of.items()} for of in (self.parts, self.before)
        ]
        return _File(role=self.role, parts=coded[0], before=coded[1]).model_dump_json(indent=1).encode()

    def _found(self) -> Iterator[tuple[str, VerificationResult]]:
        """How each part stands with each who delegates to it."""
        for part in self.parts:
            metadata = self.metadata(part)
            for delegator in self._delegators(part):
                yield part, delegator.get_verification_result(part, metadata.signed_bytes, metadata.signatures)

    def _delegators(self, part: str) -> Iterator[Root | Targets]:
        above = "root" if part in ("root", "targets") else "targets"
        new = self.metadata(above).signed if above in self.parts else None
        old = Metadata.from_bytes(self.before[above]).signed if above in self.before else None
        if part == "root" and old is not None:
            yield old  # a root is also signed by those whom the root before it names
        if (now := new or old) is not None:
            yield now


def parse(content: bytes) -> Proposal:
    """A proposal from its file's bytes. Raises Misuse ``repository.proposal``."""
    try:
        file = _File.model_validate_json(content)
        coded = [
            {name: base64.b64decode(one, validate=True) for name, one in of.items()}
            for of in (file.parts, file.before)
        ]
        proposal = Proposal(file.role, *coded)
        for part in proposal.parts:
            signed = proposal.metadata(part).signed
            if not isinstance(signed, Root if part == "root" else Targets) or _weak(signed):
                raise ValueError
        if file.role not in file.parts or any(found.threshold < THRESHOLD for _, found in proposal._found()):
            raise ValueError
    except (ValidationError, ValueError, KeyError, RepositoryError):
        raise Misuse(
            "repository.proposal",
            Bilingual("提议文件无效", "The proposal's file is not valid"),
            Bilingual(
                "重新导出：qcbox-central repository export", "Export it again: qcbox-central repository export"
            ),
        ) from None
    return proposal


def _weak(signed: Root | Targets) -> bool:
    """Whether one person could sign for people's roles under it."""
    if isinstance(signed, Root):
        return any(signed.roles[name].threshold < THRESHOLD for name in ("root", "targets"))
    roles = (signed.delegations.roles or {}) if signed.delegations else {}
    return any(role.threshold < THRESHOLD for role in roles.values())


def _need(part: str, found: VerificationResult) -> Need:
    signed, unsigned = (tuple(sorted(map(owner_of, keys.values()))) for keys in (found.signed, found.unsigned))
    return Need(part, found.threshold, signed, unsigned)


def _sign(part: bytes, signer: Signer) -> bytes:
    metadata: Metadata[Any] = Metadata.from_bytes(part)
    try:
        metadata.sign(signer.instrument, append=True)
    except UnsignedMetadataError:
        raise _no_signature() from None
    return metadata.to_bytes()


def _no_signature() -> Misuse:
    return Misuse(
        "repository.signature",
        Bilingual("该密钥没有作出有效签名", "The key made no valid signature"),
        Bilingual("检查硬件令牌、PIN 及公钥卡", "Look at the hardware token, its PIN and its card"),
    )


def _not_a_signer(name: str) -> Misuse:
    return Misuse(
        "repository.not_a_signer",
        Bilingual(f"密钥 {name} 无权签署此提议", f"The key {name} does not count for this proposal"),
        Bilingual(
            "qcbox-central repository show 列出谁可签署", "qcbox-central repository show lists who may sign"
        ),
    )


def _same_person() -> Misuse:
    return Misuse(
        "repository.same_person",
        Bilingual(
            "此人已签署；第二个签名须由另一人作出", "This person has signed; the second signature is another's"
        ),
        Bilingual("请另一位签名人批准", "Ask another signer to approve it"),
    )


def _other() -> Misuse:
    return Misuse(
        "repository.other_proposal",
        Bilingual("带回的文件不是这份提议", "What came back is not this proposal"),
        Bilingual("重新导出，签署后带回同一文件", "Export it again, sign it, and bring that file back"),
    )
